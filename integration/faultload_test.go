package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"studysharper/loadtest/benchrecycle/wire"
	"studysharper/loadtest/fakellm"
)

const (
	trafficClients = 8
	trafficPause   = 5 * time.Millisecond // of a client between two requests
	trafficFirst   = 100                  // answers before a fault comes
)

// traffic is clients that ask one thing after another. Nothing is tried again; a client whose connection is gone makes
// itself another one.
type traffic struct {
	begun   atomic.Int64
	stopped atomic.Bool
	done    chan asked
}

// startTraffic returns when the traffic flows.
func startTraffic(to netip.AddrPort, request func(n int64) []byte) *traffic {
	t := &traffic{done: make(chan asked, 1)}
	go func() {
		t.done <- askAll(to, trafficClients, request, func() (time.Time, bool) {
			time.Sleep(trafficPause)
			if n := t.begun.Add(1); n <= trafficClients { // one after the other, so that both workers have some
				time.Sleep(time.Duration(n) * trafficPause)
			}
			return time.Now(), !t.stopped.Load()
		})
	}()
	for deadline := time.Now().Add(readyWithin); t.begun.Load() < trafficFirst && time.Now().Before(deadline); {
		time.Sleep(trafficPause)
	}
	return t
}

// end lets what is under way end, which takes askTimeout at the most.
func (t *traffic) end() asked {
	t.stopped.Store(true)
	return <-t.done
}

// attempts is how many requests were made.
func (a asked) attempts() int { return len(a.times) + len(a.failures) }

// wantNone fails the test if a request failed.
func (i *incident) wantNone(what string, all asked) {
	i.note("%d of %d requests failed%s", len(all.failures), all.attempts(), what)
	if len(all.failures) > 0 || len(all.times) < trafficFirst {
		i.Errorf("%d of %d requests failed%s, the first: %v", len(all.failures), all.attempts(), what, errors.Join(all.failures[:min(len(all.failures), 3)]...))
	}
}

// alone makes a request one for which a connection is made.
func alone(request func(n int64) []byte) func(n int64) []byte {
	return func(n int64) []byte {
		return bytes.Replace(request(n), []byte("\r\n"), []byte("\r\nConnection: close\r\n"), 1)
	}
}

// undisturbed are settings under which nothing but the fault happens to a worker; more are names and values in turn.
func undisturbed(settings map[string]string, more ...string) map[string]string {
	all := map[string]string{"MAX_REQUESTS": "0", "LOG_LEVEL": "warn", "RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0"}
	for name, value := range settings {
		all[name] = value
	}
	for i := 0; i+1 < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// flight is requests that are under way at once, each on a connection of its own.
type flight struct {
	by     map[int]int // the worker that has each, by the client's port
	landed chan landing
}

type landing struct {
	port int
	err  error
}

// takeOff sends n questions, and returns when the model has been asked all of them.
func (s tutored) takeOff(i *incident, n int) *flight {
	i.Helper()
	f := &flight{landed: make(chan landing, n)}
	before := s.model.Counts().Active
	for range n {
		conn, err := wire.Dial(i.Context(), s.address, netip.Addr{}, studentPatience)
		if err != nil {
			i.Fatal(err)
		}
		go func() {
			defer conn.Close()
			_, err := conn.Do(question(asks.Add(1)), "")
			f.landed <- landing{conn.Port(), err}
		}()
	}
	s.awaitModel(i, func(c fakellm.Counts) bool { return c.Active == before+n })
	f.by = s.keepers(i)
	return f
}

// land gives how each request ended, by the worker that had it.
func (f *flight) land() (answered, cut map[int]int) {
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

// keepers gives the worker of each open connection, by the client's port.
func (h *hosted) keepers(i *incident) map[int]int {
	i.Helper()
	by, err := holders(h.port, h.workersNow(i.T))
	if err != nil {
		i.Fatal(err)
	}
	return by
}

// begin begins n runs, and gives the worker that makes each, by the path of its stream.
func (h *hosted) begin(i *incident, n int) map[string]int {
	i.Helper()
	ports := map[string]int{}
	for range n {
		conn, err := wire.Dial(i.Context(), h.address, netip.Addr{}, askTimeout)
		if err != nil {
			i.Fatal(err)
		}
		defer conn.Close() // until it is known who has it
		ports[h.beginOne(i, conn)] = conn.Port()
	}
	by, makers := h.keepers(i), map[string]int{}
	for path, port := range ports {
		makers[path] = by[port]
	}
	return makers
}

func (h *hosted) beginOne(i *incident, conn *wire.Conn) (path string) {
	i.Helper()
	got, err := conn.Do(post("/api/ai/process-stream", fmt.Sprintf(`{"type":"chat","user_id":"student","message":"What is light, question %d?"}`, asks.Add(1))), "")
	var begun struct {
		URL string `json:"stream_url"`
	}
	if err = errors.Join(err, json.Unmarshal(got.Body, &begun)); err != nil {
		i.Fatal(err)
	}
	return begun.URL
}

// madeBy counts the runs that a worker makes.
func madeBy(worker int, runs map[string]int) (n int) {
	for _, maker := range runs {
		if maker == worker {
			n++
		}
	}
	return n
}

// watching is students who each follow a run that was begun.
type watching struct {
	class
	all  sync.WaitGroup
	mu   sync.Mutex
	ends map[string]event // by the path of the stream
}

// watchAll follows runs as EventSources do. It returns when all streams are open.
func (h *hosted) watchAll(i *incident, runs map[string]int) *watching {
	i.Helper()
	w := &watching{ends: map[string]event{}}
	w.read = func() string { return h.url }
	for path := range runs {
		w.all.Go(func() {
			end := w.follow(path)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.ends[path] = end
		})
	}
	eventually(i.T, "the streams are open", func() bool {
		var status struct {
			Active int `json:"active_connections"`
		}
		h.call(i.T, http.MethodGet, "/api/ai/stream-status", nil, http.StatusOK, &status)
		return status.Active >= len(runs)
	})
	return w
}

// wantEnds waits for the runs' ends, and wants every event of each, once.
func (w *watching) wantEnds(i *incident, n int) {
	i.Helper()
	w.all.Wait()
	lost, doubled := w.missed.Load(), w.doubled.Load()
	i.note("%d events lost and %d doubled of %d runs, %d reconnects", lost, doubled, n, w.reconnects.Load())
	if lost+doubled > 0 || len(w.ends) != n || slices.ContainsFunc(w.ended(), func(e event) bool { return e.Type == "" }) {
		i.Errorf("%d events lost, %d doubled, %d of %d runs ended; first: %s", lost, doubled, len(w.ends), n, w.why())
	}
}

func (w *watching) ended() (all []event) {
	for _, end := range w.ends {
		all = append(all, end)
	}
	return all
}
