package faults

import (
	"net/netip"

	"studysharper/integration/harness"
	"studysharper/loadtest/client"
	"studysharper/loadtest/fakellm"
)

// pendingRequests are concurrent requests in progress, each on a connection of its own.
type pendingRequests struct {
	by     map[int]int // the worker that has each, by the client's port
	landed chan pendingResult
}

type pendingResult struct {
	port int
	err  error
}

// sendPending sends n questions, and returns when the model has been asked all of them.
func (s gatedModel) sendPending(i *incident, n int) *pendingRequests {
	i.Helper()
	f := &pendingRequests{landed: make(chan pendingResult, n)}
	before := s.model.Counts().Active
	for range n {
		conn, err := client.Dial(i.Context(), s.Address, netip.Addr{}, harness.ClientPatience)
		if err != nil {
			i.Fatal(err)
		}
		go func() {
			defer conn.Close()
			_, err := conn.Do(harness.Question(harness.RequestNumber.Add(1)), "")
			f.landed <- pendingResult{conn.Port(), err}
		}()
	}
	s.awaitModel(i, func(c fakellm.Counts) bool { return c.Active == before+n })
	f.by = workerByPort(s.Instance, i)
	return f
}

// collect returns how each request ended, by the worker that had it.
func (f *pendingRequests) collect() (answered, cut map[int]int) {
	answered, cut = map[int]int{}, map[int]int{}
	for range cap(f.landed) {
		l := <-f.landed
		if l.err != nil {
			cut[f.by[l.port]]++
		} else {
			answered[f.by[l.port]]++
		}
	}
	return answered, cut
}

// workerByPort returns the worker of each open connection, by the client's port.
func workerByPort(h *harness.Instance, i *incident) map[int]int {
	i.Helper()
	by, err := harness.ConnectionHolders(h.Port, h.WorkersNow(i.T))
	if err != nil {
		i.Fatal(err)
	}
	return by
}
