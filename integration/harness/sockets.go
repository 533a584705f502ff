package harness

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// socket is one end of a TCP connection as the kernel reports it (sock_diag(7)).
type socket struct {
	local, remote int   // ports
	inode         int64 // as in the links in /proc/PID/fd
	memory        int64 // bytes of its buffers, including the kernel's own overhead
}

// The layout of inet_diag_req_v2, inet_diag_msg and SK_MEMINFO (linux/inet_diag.h, linux/sock_diag.h).
const (
	diagRequest  = 56
	diagMessage  = 72
	diagSKMem    = 7  // INET_DIAG_SKMEMINFO
	diagLocal    = 4  // offset of the ports, which are in network order
	diagInode    = 68 // offset
	skmemRmem    = 0
	skmemWmem    = 2
	skmemForward = 4
	skmemQueued  = 5
	skmemBacklog = 7
)

// sockets returns the TCP connections over IPv4 in this network namespace that have an end here on a port; clients'
// ends are left out.
func sockets(port int) ([]socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return nil, fmt.Errorf("sock_diag: %w", err)
	}
	defer unix.Close(fd)
	request := make([]byte, unix.SizeofNlMsghdr+diagRequest)
	binary.NativeEndian.PutUint32(request, uint32(len(request)))
	binary.NativeEndian.PutUint16(request[4:], unix.SOCK_DIAG_BY_FAMILY)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	asked := request[unix.SizeofNlMsghdr:]
	asked[0], asked[1], asked[2] = unix.AF_INET, unix.IPPROTO_TCP, 1<<(diagSKMem-1)
	binary.NativeEndian.PutUint32(asked[4:], 1<<1|1<<4|1<<5|1<<8) // established, or closing from either end
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, fmt.Errorf("sock_diag: %w", err)
	}
	var all []socket
	buf := make([]byte, 256<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("sock_diag: %w", err)
		}
		messages, err := parseNetlink(buf[:n])
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			switch {
			case m.kind == unix.NLMSG_DONE:
				return all, nil
			case m.kind == unix.NLMSG_ERROR:
				return nil, fmt.Errorf("sock_diag: the kernel refuses: % x", m.body[:min(4, len(m.body))])
			case len(m.body) >= diagMessage:
				if s := parseSocket(m.body); s.local == port {
					all = append(all, s)
				}
			}
		}
	}
}

type netlinkMessage struct {
	kind uint16
	body []byte
}

func parseNetlink(b []byte) ([]netlinkMessage, error) {
	var all []netlinkMessage
	for len(b) >= unix.SizeofNlMsghdr {
		length := int(binary.NativeEndian.Uint32(b))
		if length < unix.SizeofNlMsghdr || length > len(b) {
			return nil, fmt.Errorf("sock_diag: a message of %d bytes in %d", length, len(b))
		}
		all = append(all, netlinkMessage{binary.NativeEndian.Uint16(b[4:]), b[unix.SizeofNlMsghdr:length]})
		b = b[min(len(b), (length+3)&^3):]
	}
	return all, nil
}

func parseSocket(b []byte) socket {
	s := socket{
		local: int(binary.BigEndian.Uint16(b[diagLocal:])), remote: int(binary.BigEndian.Uint16(b[diagLocal+2:])),
		inode: int64(binary.NativeEndian.Uint32(b[diagInode:])),
	}
	for b = b[diagMessage:]; len(b) >= unix.SizeofRtAttr; {
		length, kind := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])
		if length < unix.SizeofRtAttr || length > len(b) {
			break
		}
		if kind == diagSKMem {
			field := func(i int) int64 {
				if at := unix.SizeofRtAttr + 4*i; at+4 <= length {
					return int64(binary.NativeEndian.Uint32(b[at:]))
				}
				return 0
			}
			s.memory = field(skmemRmem) + max(field(skmemWmem), field(skmemQueued)) + field(skmemForward) + field(skmemBacklog)
		}
		b = b[min(len(b), (length+3)&^3):]
	}
	return s
}

// ConnectionHolders returns which of the processes has each connection to a port, by the client's port.
func ConnectionHolders(port int, pids []int) (map[int]int, error) {
	all, err := sockets(port)
	if err != nil {
		return nil, err
	}
	client := make(map[int64]int, len(all))
	for _, s := range all {
		client[s.inode] = s.remote
	}
	held := make(map[int]int, len(all))
	for _, pid := range pids {
		dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
		links, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("looking for a worker's connections, which takes root: %w", err)
		}
		for _, link := range links {
			target, _ := os.Readlink(filepath.Join(dir, link.Name())) // closed since
			inode, ok := strings.CutPrefix(target, "socket:[")
			if !ok {
				continue
			}
			n, err := strconv.ParseInt(strings.TrimSuffix(inode, "]"), 10, 64)
			if remote, known := client[n]; err == nil && known {
				held[remote] = pid
			}
		}
	}
	return held, nil
}
