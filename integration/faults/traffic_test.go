package faults

import (
	"bytes"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

const (
	trafficClients = 8
	trafficPause   = 5 * time.Millisecond // pause of a client between two requests
	trafficFirst   = 100                  // answers before the fault
)

// traffic is clients that make one request after another. Nothing is retried; a client whose connection is closed opens
// another one.
type traffic struct {
	begun   atomic.Int64
	stopped atomic.Bool
	done    chan harness.Outcome
}

// startTraffic starts the clients, and returns once they are being answered.
func startTraffic(to netip.AddrPort, request func(n int64) []byte) *traffic {
	t := &traffic{done: make(chan harness.Outcome, 1)}
	go func() {
		t.done <- harness.AskAll(to, trafficClients, request, func() (time.Time, bool) {
			testkit.Pause(trafficPause)
			if n := t.begun.Add(1); n <= trafficClients { // one after another, so that both workers get some
				testkit.Pause(time.Duration(n) * trafficPause)
			}
			return time.Now(), !t.stopped.Load()
		})
	}()
	for deadline := time.Now().Add(harness.ReadyWithin); t.begun.Load() < trafficFirst && time.Now().Before(deadline); {
		testkit.Pause(trafficPause)
	}
	return t
}

// end waits for the requests in progress, for askTimeout at most.
func (t *traffic) end() harness.Outcome {
	t.stopped.Store(true)
	return <-t.done
}

// wantNoFailure fails the test if a request failed.
func (i *incident) wantNoFailure(what string, all harness.Outcome) {
	i.note("%d of %d requests failed%s", len(all.Failures), all.Attempts(), what)
	if len(all.Failures) > 0 || len(all.Times) < trafficFirst {
		i.Errorf("%d of %d requests failed%s, the first: %v", len(all.Failures), all.Attempts(), what, errors.Join(all.Failures[:min(len(all.Failures), 3)]...))
	}
}

// alone returns requests for which a new connection is made each time.
func alone(request func(n int64) []byte) func(n int64) []byte {
	return func(n int64) []byte {
		return bytes.Replace(request(n), []byte("\r\n"), []byte("\r\nConnection: close\r\n"), 1)
	}
}

// quietSettings returns settings under which nothing but the fault affects a worker; more alternates names and values.
func quietSettings(settings map[string]string, more ...string) map[string]string {
	all := map[string]string{"MAX_REQUESTS": "0", "LOG_LEVEL": "warn", "RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0"}
	for name, value := range settings {
		all[name] = value
	}
	for i := 0; i+1 < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}
