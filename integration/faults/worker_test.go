package faults

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/client"
)

// succeeded reports whether two workers are ready, neither of which is among those gone.
func succeeded(h *harness.Instance, i *incident, gone ...int) bool {
	now := h.WorkersNow(i.T)
	if len(now) != 2 || slices.ContainsFunc(gone, func(pid int) bool { return slices.Contains(now, pid) }) {
		return false
	}
	m, ok := h.TryMetrics()
	return ok && m.Settled()
}

// awaitSuccessors waits until succeeded, and records how long that took.
func (i *incident) awaitSuccessors(h *harness.Instance, began time.Time, gone ...int) {
	i.Helper()
	testkit.Eventually(i.T, fmt.Sprintf("two workers serve, and not %v", gone), func() bool { return succeeded(h, i, gone...) })
	i.recoveredAfter(time.Since(began))
}

// wantServed checks that requests are served by whichever worker gets them.
func wantServed(h *harness.Instance, i *incident) {
	i.Helper()
	const enough = 10
	var begun atomic.Int64
	all := harness.AskAll(h.Address, 2, alone(harness.Question), func() (time.Time, bool) { return time.Now(), begun.Add(1) <= enough })
	if len(all.Times) != enough {
		i.Errorf("it does not serve again: %v", errors.Join(all.Failures...))
	}
}

// signal sends a signal to a process of the container, and returns the time.
func (i *incident) signal(pid int, sig syscall.Signal) time.Time {
	i.Helper()
	began := time.Now()
	if err := syscall.Kill(pid, sig); err != nil {
		i.Fatalf("%v to process %d: %v", sig, pid, err)
	}
	return began
}

// triggerFault makes one of the workers fail in a way of the fault build, and returns which one. How the request is
// answered depends on the fault.
func triggerFault(h *harness.Instance, i *incident, route string) (worker int, err error) {
	i.Helper()
	conn, err := client.Dial(i.Context(), h.Address, netip.Addr{}, harness.AskTimeout)
	if err != nil {
		i.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Do(harness.Question(harness.RequestNumber.Add(1)), ""); err != nil { // the connection has been accepted now
		i.Fatal(err)
	}
	worker = workerByPort(h, i)[conn.Port()]
	_, err = conn.Do(harness.PostRequest(route, ""), "")
	return worker, err
}

// failUnderLoad makes a worker die, or stop responding, under load. No requests may be cut off except those that the
// worker has, at most one on each of its connections.
func (i *incident) failUnderLoad(h *harness.Instance, blow func() (victim int)) {
	i.Helper()
	load := startTraffic(h.Address, harness.Question)
	before := workerByPort(h, i)
	began := time.Now()
	victim := blow()
	i.awaitSuccessors(h, began, victim)
	all := load.end()
	wantServed(h, i)
	had := 0
	for _, worker := range before {
		if worker == victim {
			had++
		}
	}
	strayed := 0
	for _, err := range all.Failures {
		failure, ok := errors.AsType[*client.Failure](err)
		if !ok || before[failure.Port] != victim {
			strayed++
			i.Errorf("a request that the dead worker did not hold: %v", err)
		}
	}
	i.note("%d of %d requests cut, %d of another worker", len(all.Failures), all.Attempts(), strayed)
	if len(all.Failures) > had {
		i.Errorf("%d requests failed over the dead worker's %d connections: %v", len(all.Failures), had, all.Failures)
	}
}
