package integration

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/api/types/container"

	"studysharper/loadtest/benchrecycle/wire"
)

const (
	fewFiles     = 256 // descriptors of a process: the fewest that the service takes
	fewConns     = 100 // connections that a worker takes at the least then
	hoardedConns = 2000
	hoardBound   = 64_000_000 // bytes that hoardedConns may take
	floodedConns = 5000
	floodHands   = 50
	resetClients = 500
)

// hoard opens connections that say nothing; they are closed when the test ends.
func (h *hosted) hoard(i *incident, n int) []net.Conn {
	i.Helper()
	all := make([]net.Conn, n)
	for k := range all {
		conn, err := net.DialTimeout("tcp", h.address.String(), readyWithin)
		if err != nil {
			i.Fatalf("connection %d: %v", k, err)
		}
		i.Cleanup(func() { conn.Close() })
		all[k] = conn
	}
	return all
}

func closeAll(all []net.Conn) {
	for _, conn := range all {
		conn.Close()
	}
}

// descriptorsGone: connections that there is no room for wait in the kernel, and are served when there is. What is open
// already has all that it needs meanwhile.
func descriptorsGone(i *incident) {
	h := startOnHost(i.T, image, map[string]string{}, func(host *container.HostConfig) {
		host.Ulimits = []*container.Ulimit{{Name: "nofile", Soft: fewFiles, Hard: fewFiles}}
	})
	open, err := wire.Dial(i.Context(), h.address, netip.Addr{}, studentPatience)
	if err != nil {
		i.Fatal(err)
	}
	defer open.Close()
	if _, err := open.Do(question(asks.Add(1)), ""); err != nil {
		i.Fatal(err)
	}
	hoard := h.hoard(i, 3*fewFiles)
	h.wantHeld(i, func(n int) bool { return n >= 2*fewConns })
	if _, err := open.Do(question(asks.Add(1)), ""); err != nil {
		i.Errorf("on a connection that was open: %v", err)
	}
	for _, worker := range h.workers {
		if n := descriptors(worker); n >= fewFiles {
			i.Errorf("worker %d has %d descriptors open: none is left", worker, n)
		}
	}
	answered := make(chan error, 1)
	go func() {
		got, err := h.send(http.MethodGet, "/livez", nil)
		if err == nil && got.status != http.StatusOK {
			err = fmt.Errorf("status %d", got.status)
		}
		answered <- err
	}()
	freed := time.Now()
	closeAll(hoard)
	if err := <-answered; err != nil {
		i.Errorf("who connected meanwhile: %v", err)
	}
	i.well(time.Since(freed))
	h.wantWell(i)
}

// descriptors is how many a process has open; 0 where that cannot be seen.
func descriptors(pid int) int {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0
	}
	return len(all)
}

// hoarded: idle connections cost memory, within a bound, and nobody else anything.
func hoarded(i *incident) {
	h := startOnHost(i.T, image, map[string]string{})
	before := h.memory(i.T).held
	hoard := h.hoard(i, hoardedConns)
	h.wantHeld(i, func(n int) bool { return n >= hoardedConns })
	h.wantWell(i)
	grew := h.memory(i.T).held - before
	i.note("%d connections take %s", hoardedConns, megabytes(grew))
	if grew > hoardBound {
		i.Errorf("%d idle connections take %d bytes, want at most %d", hoardedConns, grew, hoardBound)
	}
	closed := time.Now()
	closeAll(hoard)
	h.wantHeld(i, func(n int) bool { return n < hoardedConns/10 })
	i.well(time.Since(closed))
	h.wantWell(i)
}

// wantHeld waits until the workers hold as many clients' connections as is wanted.
func (h *hosted) wantHeld(i *incident, wanted func(int) bool) {
	i.Helper()
	eventually(i.T, "the workers hold as many connections as they should", func() bool {
		held, err := holders(h.port, h.workers)
		if err != nil {
			i.Fatal(err)
		}
		return wanted(len(held))
	})
}

// connectionFlood: connections come and go as fast as they can, half of them by a reset, while others are served.
func connectionFlood(i *incident) {
	h := startOnHost(i.T, image, map[string]string{})
	before := h.memory(i.T).held
	var next atomic.Int64
	var all sync.WaitGroup
	for range floodHands {
		all.Go(func() {
			for n := next.Add(1); n <= floodedConns; n = next.Add(1) {
				h.touch(i, n%2 == 0, "")
			}
		})
	}
	h.wantServed(i)
	all.Wait()
	over := time.Now()
	h.wantWell(i)
	h.wantHeld(i, func(n int) bool { return n < floodHands })
	i.well(time.Since(over))
	i.note("%d connections leave %s", floodedConns, megabytes(h.memory(i.T).held-before))
}

// touch opens a connection, says something and closes it, by a reset if reset.
func (h *hosted) touch(i *incident, reset bool, say string) {
	conn, err := net.DialTimeout("tcp", h.address.String(), readyWithin)
	if err != nil {
		i.Errorf("a connection was not taken: %v", err)
		return
	}
	_, _ = conn.Write([]byte(say))
	if reset {
		_ = conn.(*net.TCPConn).SetLinger(0)
	}
	conn.Close()
}

// resets: nothing is kept of those who reset, and their leaving is not an error of the service.
func resets(i *incident) {
	h := startOnHost(i.T, image, map[string]string{})
	body := fmt.Sprintf(`{"type":"chat","user_id":%q,"message":"What is light?"}`, userID)
	request := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", chatURL, len(body), body)
	for range resetClients {
		h.touch(i, true, request)
	}
	over := time.Now()
	h.wantHeld(i, func(n int) bool { return n < resetClients/10 })
	eventually(i.T, "the runs of clients that left are over", func() bool { return h.serves() == "" })
	i.well(time.Since(over))
	h.wantWell(i)
	log := docker(i.T, "logs", h.GetContainerID())
	if lines := strings.Count(log, "\n"); lines > 4*resetClients+100 || strings.Contains(log, "level=ERROR") {
		i.Errorf("%d resets make %d lines in the log: %.2000s", resetClients, lines, log)
	}
}
