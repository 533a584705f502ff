package memory

import (
	"bytes"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// alwaysHuge is what the kernel says where it gives huge pages to all programs, unasked.
const alwaysHuge = "[always]"

// DisableHugePages keeps the kernel from giving 2 MB to this process, and to those it starts, where they use 4 kB of it.
// Debian's kernels do so unasked, and small heaps gain nothing by it. There the process begins once more, since it has
// such pages already: call this before anything is opened.
func DisableHugePages() error {
	if off, err := unix.PrctlRetInt(unix.PR_GET_THP_DISABLE, 0, 0, 0, 0); err != nil || off == 1 {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_THP_DISABLE, 1, 0, 0, 0); err != nil {
		return err
	}
	if mode, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled"); err != nil || !bytes.Contains(mode, []byte(alwaysHuge)) {
		return nil //nolint:nilerr // a kernel without them
	}
	return syscall.Exec("/proc/self/exe", os.Args, os.Environ())
}
