// Package shm implements the memory that the processes of a container share. It is one region in a nameless file, whose
// descriptor workers inherit, so that nothing is left behind after the last process, and a process that dies damages
// nothing. The region's header names its sections, so that a worker of another build detects a different layout.
package shm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A region is a header followed by its sections, each aligned to a page. The header has an entry for each section:
// name, offset and size; an empty name ends the list.
const (
	pageSize  = 4096
	nameLen   = 16
	entryLen  = nameLen + 8 + 8
	maxLayout = pageSize/entryLen - 1
)

// Spec describes a section: a name of 1 to 16 bytes, and its size in bytes.
type Spec struct {
	Name string
	Size int
}

// Region is shared memory, initially all zero.
type Region struct {
	file   *os.File
	memory []byte
}

// Create makes a region with these sections in a nameless file in dir. If dir cannot hold the file (absent, read-only,
// full), the region is an anonymous memory file, and fallback is the reason.
func Create(dir string, layout ...Spec) (r *Region, fallback, err error) {
	if len(layout) > maxLayout {
		return nil, nil, fmt.Errorf("shared memory: %d sections, %d are possible", len(layout), maxLayout)
	}
	header := make([]byte, 0, pageSize)
	size := pageSize
	for _, s := range layout {
		if s.Name == "" || len(s.Name) > nameLen {
			return nil, nil, fmt.Errorf("shared memory: a section cannot be called %q", s.Name)
		}
		header = append(header, fmt.Sprintf("%-*s", nameLen, s.Name)...)
		header = binary.LittleEndian.AppendUint64(header, uint64(size))   //nolint:gosec // not negative
		header = binary.LittleEndian.AppendUint64(header, uint64(s.Size)) //nolint:gosec // not negative
		size += (s.Size + pageSize - 1) / pageSize * pageSize
	}
	file, fallback := createIn(dir, int64(size))
	if fallback != nil {
		if file, err = createAnonymous(int64(size)); err != nil {
			return nil, fallback, err
		}
	}
	if r, err = Attach(file); err == nil {
		copy(r.memory, header)
	}
	return r, fallback, err
}

// createIn makes a nameless file and allocates its blocks: if a tmpfs fills up later, access to a hole would end the
// process with SIGBUS.
func createIn(dir string, size int64) (*os.File, error) {
	name := filepath.Join(dir, fmt.Sprintf(".studysharper-%d", os.Getpid()))
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names the folder
	if err != nil {
		return nil, err
	}
	err = errors.Join(os.Remove(name), unix.Fallocate(int(file.Fd()), 0, 0, size))
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func createAnonymous(size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate("studysharper", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("anonymous memory file: %w", err)
	}
	file := os.NewFile(uintptr(fd), "shared memory")
	if err := file.Truncate(size); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Attach maps a region from its file, which the region owns from now on, even after an error. A process must attach to
// a region only once: closing a second descriptor of the file would release the locks of its sections (fcntl(2)).
func Attach(file *os.File) (*Region, error) {
	info, err := file.Stat()
	if err == nil && info.Size() < pageSize {
		err = errors.New("it is too short")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("shared memory: %w", err), file.Close())
	}
	memory, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map shared memory: %w", err), file.Close())
	}
	return &Region{file, memory}, nil
}

// File returns the file that a worker inherits and passes to Attach.
func (r *Region) File() *os.File { return r.file }

// Close unmaps the region; its sections must not be used afterwards. Further calls do nothing.
func (r *Region) Close() error {
	if r.memory == nil {
		return nil
	}
	memory := r.memory
	r.memory = nil
	return errors.Join(unix.Munmap(memory), r.file.Close())
}

// Section returns the section with this name, which must have this size. A process must call it once per name, because
// the lock belongs to the process.
func (r *Region) Section(name string, size int) (*Section, error) {
	for entry := r.memory[:pageSize]; entry[0] != 0; entry = entry[entryLen:] {
		if strings.TrimRight(string(entry[:nameLen]), " ") != name {
			continue
		}
		offset, length := binary.LittleEndian.Uint64(entry[nameLen:]), binary.LittleEndian.Uint64(entry[nameLen+8:])
		if length != uint64(size) || offset+length > uint64(len(r.memory)) { //nolint:gosec // not negative
			return nil, fmt.Errorf("shared memory: section %q has %d bytes, not %d", name, length, size)
		}
		return &Section{memory: r.memory[offset : offset+length : offset+length], offset: int64(offset), file: r.file}, nil //nolint:gosec // within the region
	}
	return nil, fmt.Errorf("shared memory: there is no section %q", name)
}

// Section is a part of a region, or memory of this process only (Local).
type Section struct {
	memory []byte
	offset int64
	file   *os.File // nil: memory of this process only

	mu sync.Mutex // record locks belong to a process, not to a goroutine
}

// Local makes a section that no other process sees.
func Local(size int) *Section { return &Section{memory: make([]byte, size)} }

// Bytes are the section's memory.
func (s *Section) Bytes() []byte { return s.memory }

// Lock locks the section for all processes. The kernel releases the lock if the process dies (record locks, fcntl(2)).
// If it returns an error, the section is not locked.
func (s *Section) Lock() error {
	s.mu.Lock()
	err := s.setLock(unix.F_WRLCK)
	if err != nil {
		s.mu.Unlock()
	}
	return err
}

// Unlock releases the lock.
func (s *Section) Unlock() {
	_ = s.setLock(unix.F_UNLCK) // cannot fail for a lock that is held
	s.mu.Unlock()
}

func (s *Section) setLock(kind int16) error {
	if s.file == nil {
		return nil
	}
	first := unix.Flock_t{Type: kind, Start: s.offset, Len: 1}
	for {
		err := unix.FcntlFlock(s.file.Fd(), unix.F_SETLKW, &first)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
