// Package memfile gives memory that the processes of a container share. The one idea: it is
// a file without a name, whose descriptor workers inherit, so that nothing is left behind
// and a process that dies takes nothing with it.
package memfile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Open makes an anonymous memory file of size bytes, all zero (memfd_create(2)). The name
// is for who looks at the process's descriptors.
func Open(name string, size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate("studysharper-"+name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("anonymous memory file: %w", err)
	}
	file := os.NewFile(uintptr(fd), name)
	if err := file.Truncate(size); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Map maps the first size bytes of a file for reading and writing, shared with whoever else
// maps them. Where that fails it closes the file.
func Map(file *os.File, size int) ([]byte, error) {
	memory, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map %s: %w", file.Name(), err), file.Close())
	}
	return memory, nil
}
