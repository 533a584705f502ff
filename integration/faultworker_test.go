package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"studysharper/loadtest/benchrecycle/wire"
)

// looker asks what the service says of itself, whatever its workers go through: over a new connection each time, and
// without much patience.
var looker = http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// look gives what the service says of itself now; false: it says nothing.
func (h *hosted) look() (m adminMetrics, ok bool) {
	request, err := http.NewRequest(http.MethodGet, h.url+"/api/admin/metrics?hours=0", nil)
	if err != nil {
		return m, false
	}
	request.Header.Set("Authorization", "Bearer "+adminToken)
	response, err := looker.Do(request)
	if err != nil {
		return m, false
	}
	defer response.Body.Close()
	return m, response.StatusCode == http.StatusOK && json.NewDecoder(response.Body).Decode(&m) == nil
}

// succeeded reports whether two workers serve, none of which is one of those gone.
func (h *hosted) succeeded(i *incident, gone ...int) bool {
	now := h.workersNow(i.T)
	if len(now) != 2 || slices.ContainsFunc(gone, func(pid int) bool { return slices.Contains(now, pid) }) {
		return false
	}
	m, ok := h.look()
	return ok && m.settled()
}

// awaitSuccessors waits for that, and says how long it took.
func (i *incident) awaitSuccessors(h *hosted, began time.Time, gone ...int) {
	i.Helper()
	eventually(i.T, fmt.Sprintf("two workers serve, and not %v", gone), func() bool { return h.succeeded(i, gone...) })
	i.well(time.Since(began))
}

// wantServed wants the service to serve, whichever worker is asked.
func (h *hosted) wantServed(i *incident) {
	i.Helper()
	const enough = 10
	var begun atomic.Int64
	all := askAll(h.address, 2, alone(question), func() (time.Time, bool) { return time.Now(), begun.Add(1) <= enough })
	if len(all.times) != enough {
		i.Errorf("it does not serve again: %v", errors.Join(all.failures...))
	}
}

// signal sends one to a process of the container, and tells when.
func (i *incident) signal(pid int, sig syscall.Signal) time.Time {
	i.Helper()
	began := time.Now()
	if err := syscall.Kill(pid, sig); err != nil {
		i.Fatalf("%v to process %d: %v", sig, pid, err)
	}
	return began
}

// provoke asks one of the workers, and tells which, to fail in a way of the fault build's. How the answer comes is the
// fault's matter.
func (h *hosted) provoke(i *incident, route string) (worker int, err error) {
	i.Helper()
	conn, err := wire.Dial(i.Context(), h.address, netip.Addr{}, askTimeout)
	if err != nil {
		i.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Do(question(asks.Add(1)), ""); err != nil { // it is accepted now
		i.Fatal(err)
	}
	worker = h.keepers(i)[conn.Port()]
	_, err = conn.Do(post(route, ""), "")
	return worker, err
}

// strike has a worker die, or fall silent, while there is traffic: no request may be cut but those that the worker has,
// at most one on each of its connections.
func (i *incident) strike(h *hosted, blow func() (victim int)) {
	i.Helper()
	load := startTraffic(h.address, question)
	before := h.keepers(i)
	began := time.Now()
	victim := blow()
	i.awaitSuccessors(h, began, victim)
	all := load.end()
	h.wantServed(i)
	had := 0
	for _, worker := range before {
		if worker == victim {
			had++
		}
	}
	strayed := 0
	for _, err := range all.failures {
		failure, ok := errors.AsType[*wire.Failure](err)
		if !ok || before[failure.Port] != victim {
			strayed++
			i.Errorf("a request that the dead worker did not hold: %v", err)
		}
	}
	i.note("%d of %d requests cut, %d of another worker", len(all.failures), all.attempts(), strayed)
	if len(all.failures) > had {
		i.Errorf("%d requests failed over the dead worker's %d connections: %v", len(all.failures), had, all.failures)
	}
}
