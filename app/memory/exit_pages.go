package memory

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// AdviseSequential is called before the exit of a process whose program other processes run too. When a process exits,
// Linux marks each page that it had mapped as referenced, and pages referenced twice count as active: after two exits
// that would be the whole program, of which all processes share one copy, although it can be read from disk at any
// time. MADV_SEQUENTIAL avoids that, so the pages stay reclaimable. Processes that keep running also map the program,
// and so protect the pages that they use.
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

// adviseLine applies the advice to a line of /proc/self/maps, which begins with FROM-TO in hexadecimal.
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
