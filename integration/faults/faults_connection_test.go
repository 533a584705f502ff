package faults

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

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/client"
)

const (
	fewFiles     = 256 // limit of descriptors of a process: the lowest that the service accepts
	fewConns     = 100 // connections that a worker must still accept then
	hoardedConns = 2000
	hoardBound   = 64_000_000 // bytes that hoardedConns may use
	floodedConns = 5000
	floodHands   = 50
	resetClients = 500
)

// hoard opens connections and sends nothing; they are closed when the test ends.
func hoard(h *harness.Instance, i *incident, n int) []net.Conn {
	i.Helper()
	all := make([]net.Conn, n)
	for k := range all {
		conn, err := net.DialTimeout("tcp", h.Address.String(), harness.ReadyWithin)
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

// descriptorsGone exhausts the descriptors. Connections for which there is no room wait in the kernel, and are served
// later. Connections that are already open are served meanwhile.
func descriptorsGone(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{}, func(host *container.HostConfig) {
		host.Ulimits = []*container.Ulimit{{Name: "nofile", Soft: fewFiles, Hard: fewFiles}}
	})
	open, err := client.Dial(i.Context(), h.Address, netip.Addr{}, harness.ClientPatience)
	if err != nil {
		i.Fatal(err)
	}
	defer open.Close()
	if _, err := open.Do(harness.Question(harness.RequestNumber.Add(1)), ""); err != nil {
		i.Fatal(err)
	}
	hoard := hoard(h, i, 3*fewFiles)
	wantHeld(h, i, func(n int) bool { return n >= 2*fewConns })
	if _, err := open.Do(harness.Question(harness.RequestNumber.Add(1)), ""); err != nil {
		i.Errorf("on a connection that was open: %v", err)
	}
	for _, worker := range h.Workers {
		if n := descriptors(worker); n >= fewFiles {
			i.Errorf("worker %d has %d descriptors open: none is left", worker, n)
		}
	}
	answered := make(chan error, 1)
	go func() {
		got, err := h.Send(http.MethodGet, "/livez", nil)
		if err == nil && got.Status != http.StatusOK {
			err = fmt.Errorf("status %d", got.Status)
		}
		answered <- err
	}()
	freed := time.Now()
	closeAll(hoard)
	if err := <-answered; err != nil {
		i.Errorf("a client that connected meanwhile: %v", err)
	}
	i.recoveredAfter(time.Since(freed))
	wantWell(h, i)
}

// descriptors returns how many a process has open; 0 if that cannot be read.
func descriptors(pid int) int {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0
	}
	return len(all)
}

// hoarded checks that idle connections cost only limited memory and do not affect other clients.
func hoarded(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	before := h.Memory(i.T).Held
	hoard := hoard(h, i, hoardedConns)
	wantHeld(h, i, func(n int) bool { return n >= hoardedConns })
	wantWell(h, i)
	grew := h.Memory(i.T).Held - before
	i.note("%d connections take %s", hoardedConns, harness.Megabytes(grew))
	if grew > hoardBound {
		i.Errorf("%d idle connections take %d bytes, want at most %d", hoardedConns, grew, hoardBound)
	}
	closed := time.Now()
	closeAll(hoard)
	wantHeld(h, i, func(n int) bool { return n < hoardedConns/10 })
	i.recoveredAfter(time.Since(closed))
	wantWell(h, i)
}

// wantHeld waits until wanted returns true for the number of clients' connections that the workers have.
func wantHeld(h *harness.Instance, i *incident, wanted func(int) bool) {
	i.Helper()
	testkit.Eventually(i.T, "the workers hold as many connections as they should", func() bool {
		held, err := harness.ConnectionHolders(h.Port, h.Workers)
		if err != nil {
			i.Fatal(err)
		}
		return wanted(len(held))
	})
}

// connectionFlood opens and closes connections as fast as possible, half of them with a reset, while other clients are
// served.
func connectionFlood(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	before := h.Memory(i.T).Held
	var next atomic.Int64
	var all sync.WaitGroup
	for range floodHands {
		all.Go(func() {
			for n := next.Add(1); n <= floodedConns; n = next.Add(1) {
				touch(h, i, n%2 == 0, "")
			}
		})
	}
	wantServed(h, i)
	all.Wait()
	over := time.Now()
	wantWell(h, i)
	wantHeld(h, i, func(n int) bool { return n < floodHands })
	i.recoveredAfter(time.Since(over))
	i.note("%d connections leave %s", floodedConns, harness.Megabytes(h.Memory(i.T).Held-before))
}

// touch opens a connection, sends something and closes it, with a reset if reset is set.
func touch(h *harness.Instance, i *incident, reset bool, say string) {
	conn, err := net.DialTimeout("tcp", h.Address.String(), harness.ReadyWithin)
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

// resets checks that nothing is kept for clients that reset their connection, and that the service logs no error.
func resets(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{})
	body := fmt.Sprintf(`{"type":"chat","user_id":%q,"message":"What is light?"}`, harness.UserID)
	request := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", harness.ChatURL, len(body), body)
	for range resetClients {
		touch(h, i, true, request)
	}
	over := time.Now()
	wantHeld(h, i, func(n int) bool { return n < resetClients/10 })
	testkit.Eventually(i.T, "the runs of clients that left are over", func() bool { return serves(h) == "" })
	i.recoveredAfter(time.Since(over))
	wantWell(h, i)
	log := harness.Docker(i.T, "logs", h.GetContainerID())
	if lines := strings.Count(log, "\n"); lines > 4*resetClients+100 || strings.Contains(log, "level=ERROR") {
		i.Errorf("%d resets make %d lines in the log: %.2000s", resetClients, lines, log)
	}
}
