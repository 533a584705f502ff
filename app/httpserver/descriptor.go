package httpserver

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// withDescriptor calls f with a connection's descriptor, which the connection still owns.
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

// DescriptorLeft reports whether the process can open another descriptor. If it cannot, open connections are still
// answered, but nothing else works: the database opens files when it writes.
func DescriptorLeft() bool {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err == nil {
		_ = unix.Close(fd)
	}
	return !errors.Is(err, unix.EMFILE) && !errors.Is(err, unix.ENFILE)
}
