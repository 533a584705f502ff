package memory

import (
	"bytes"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// alwaysHuge is the kernel's setting if it gives huge pages to all programs without being asked.
const alwaysHuge = "[always]"

// DisableHugePages keeps the kernel from giving this process, and processes that it starts, 2 MB pages where 4 kB are
// used. Debian's kernels do so by default, and small heaps gain nothing from it. In that case the process re-executes
// itself, since it already has such pages: call this before anything is opened.
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
