package memory

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// AdviseSequential is for the end of a process of many that run the same program. To Linux the
// exit of a process is one more use of each page that it had mapped, and a page used twice
// is memory that is needed: after two exits the whole program, of which all processes share
// one copy, would count as such, though it can be read again at any time. Pages of a mapping
// that is advised as read once, in order, are not marked so; those who stay have the
// program mapped too, and keep from reclaim what they use of it.
func AdviseSequential() error {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	for line := range bytes.Lines(maps) {
		if bytes.HasSuffix(bytes.TrimSpace(line), []byte(" "+program)) {
			err = errors.Join(err, adviseLine(line))
		}
	}
	return err
}

// adviseLine advises a line of /proc/self/maps: it begins with FROM-TO, in hexadecimal.
func adviseLine(line []byte) error {
	var from, to uintptr
	if _, err := fmt.Sscanf(string(line), "%x-%x", &from, &to); err != nil {
		return fmt.Errorf("a line of /proc/self/maps: %w", err)
	}
	_, _, errno := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_SEQUENTIAL)
	if errno != 0 {
		return os.NewSyscallError("madvise", errno)
	}
	return nil
}
