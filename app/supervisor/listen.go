package supervisor

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Listen binds the container's only listening socket. If the port is in use, the error names the process that listens
// there.
func Listen(address string, port int) (*net.TCPListener, error) {
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("cannot listen at %s (PORT or --bind): another process%s listens there already", address, portOwner(port))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen at %s: %w", address, err)
	}
	return listener.(*net.TCPListener), nil
}

// portOwner names the process that listens at a port, as " (pid N)". It returns "" if /proc hides it (a process of
// another user or container).
func portOwner(port int) string {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		inode := listeningInode(table, port)
		if inode == "" {
			continue
		}
		if pid := pidOfSocket(inode); pid != "" {
			return " (pid " + pid + ")"
		}
	}
	return ""
}

// listeningInode returns the inode of the socket that listens at a port, from a table in the format of proc_net_tcp(5).
func listeningInode(table string, port int) string {
	const listening = "0A"
	file, err := os.Open(table) //nolint:gosec // one of two names
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	local := fmt.Sprintf(":%04X", port)
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) > 9 && strings.HasSuffix(f[1], local) && f[3] == listening {
			return f[9]
		}
	}
	return ""
}

// pidOfSocket returns the pid of a process that has the socket open.
func pidOfSocket(inode string) (pid string) {
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return ""
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == "socket:["+inode+"]" {
			return strings.Split(link, "/")[2]
		}
	}
	return ""
}
