package recycle

// Processes and connections are read from the kernel, because the figures of the program under test may be wrong.

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"studysharper/loadtest/scenario/child"
)

// The states of a socket in /proc/net/tcp that matter here.
const (
	tcpEstablished = "01"
	tcpListen      = "0A"
)

// socket is a line of /proc/net/tcp.
type socket struct {
	localPort, remotePort int
	state, inode          string
}

// parseSockets reads /proc/PID/net/tcp; invalid lines are skipped.
func parseSockets(table string) []socket {
	var list []socket
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 10 {
			continue
		}
		local, okLocal := hexPort(f[1])
		remote, okRemote := hexPort(f[2])
		if okLocal && okRemote {
			list = append(list, socket{local, remote, f[3], f[9]})
		}
	}
	return list
}

// hexPort reads the port of `0100007F:1F90`.
func hexPort(address string) (int, bool) {
	_, text, ok := strings.Cut(address, ":")
	port, err := strconv.ParseUint(text, 16, 16)
	return int(port), ok && err == nil //nolint:gosec // 16 bits
}

// sockets returns the TCP sockets that a process has open; none for a process that has ended.
func sockets(pid int) []socket {
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return nil
	}
	held := map[string]bool{}
	for _, link := range links {
		target, _ := os.Readlink(link) // closed since
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			held[strings.TrimSuffix(inode, "]")] = true
		}
	}
	table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", pid))
	if err != nil {
		return nil
	}
	var own []socket
	for _, s := range parseSockets(string(table)) {
		if held[s.inode] {
			own = append(own, s)
		}
	}
	return own
}

// listeningPort returns the TCP port (IPv4) on which a process listens; 0 = none.
func listeningPort(pid int) int {
	for _, s := range sockets(pid) {
		if s.state == tcpListen {
			return s.localPort
		}
	}
	return 0
}

// clientPorts returns the clients' ports of the established connections (IPv4) that a
// process has open on its own port; none for a process that has ended.
func clientPorts(pid, port int) map[int]bool {
	ports := map[int]bool{}
	for _, s := range sockets(pid) {
		if s.state == tcpEstablished && s.localPort == port {
			ports[s.remotePort] = true
		}
	}
	return ports
}

// children returns the live children of a process, without zombies.
func children(pid int) []int {
	return slices.DeleteFunc(child.Of(pid), func(pid int) bool { return !isAlive(pid) })
}

func isAlive(pid int) bool {
	state, ok := stateOf(fmt.Sprintf("/proc/%d/stat", pid))
	return ok && state != 'Z' && state != 'X'
}

// isStopped reports whether every thread of a process is stopped.
func isStopped(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return false
	}
	for _, thread := range threads {
		if state, ok := stateOf(thread); ok && state != 'T' {
			return false
		}
	}
	return len(threads) > 0
}

func stateOf(stat string) (byte, bool) {
	text, err := os.ReadFile(stat)
	if err != nil {
		return 0, false
	}
	return parseState(string(text))
}

// parseState returns a process's state from its stat line, where it follows a name in parentheses that may itself
// contain parentheses.
func parseState(stat string) (byte, bool) {
	i := strings.LastIndex(stat, ") ")
	if i < 0 || i+2 >= len(stat) {
		return 0, false
	}
	return stat[i+2], true
}
