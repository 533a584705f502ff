package httpapi

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// withDescriptor lets f use a connection's descriptor, which stays the connection's.
func withDescriptor(conn net.Conn, f func(fd int) error) error {
	has, ok := conn.(syscall.Conn)
	if !ok {
		return errors.New("the connection has no descriptor")
	}
	raw, err := has.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = f(int(fd)) })
	return errors.Join(err, failed)
}

// descriptorLeft reports whether the process can open another descriptor. Without one, what is open already answers and
// nothing else works: not the database, which opens files as it writes.
func descriptorLeft() bool {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err == nil {
		_ = unix.Close(fd)
	}
	return !errors.Is(err, unix.EMFILE) && !errors.Is(err, unix.ENFILE)
}

// duplicate gives a descriptor of its own for a connection, nonblocking as that is.
func duplicate(conn net.Conn) (fd int, err error) {
	err = withDescriptor(conn, func(own int) (err error) {
		fd, err = unix.FcntlInt(uintptr(own), unix.F_DUPFD_CLOEXEC, 0)
		return err
	})
	return fd, err
}
