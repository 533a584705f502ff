package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/client"
)

// beginRuns starts n runs, and returns the worker that executes each, by the path of its stream.
func beginRuns(h *harness.Instance, i *incident, n int) map[string]int {
	i.Helper()
	ports := map[string]int{}
	for range n {
		conn, err := client.Dial(i.Context(), h.Address, netip.Addr{}, harness.AskTimeout)
		if err != nil {
			i.Fatal(err)
		}
		defer conn.Close() // after its worker is known
		ports[beginRun(h, i, conn)] = conn.Port()
	}
	by, makers := workerByPort(h, i), map[string]int{}
	for path, port := range ports {
		makers[path] = by[port]
	}
	return makers
}

func beginRun(h *harness.Instance, i *incident, conn *client.Conn) (path string) {
	i.Helper()
	got, err := conn.Do(harness.PostRequest("/api/ai/process-stream", fmt.Sprintf(`{"type":"chat","user_id":"student","message":"What is light, question %d?"}`, harness.RequestNumber.Add(1))), "")
	var begun struct {
		URL string `json:"stream_url"`
	}
	if err = errors.Join(err, json.Unmarshal(got.Body, &begun)); err != nil {
		i.Fatal(err)
	}
	return begun.URL
}

// madeBy counts the runs that a worker executes.
func madeBy(worker int, runs map[string]int) (n int) {
	for _, maker := range runs {
		if maker == worker {
			n++
		}
	}
	return n
}

// runFollowers are clients that each follow a run.
type runFollowers struct {
	harness.RunClients
	all  sync.WaitGroup
	mu   sync.Mutex
	ends map[string]harness.Event // by the path of the stream
}

// followRuns follows runs as EventSources do. It returns when all streams are open.
func followRuns(h *harness.Instance, i *incident, runs map[string]int) *runFollowers {
	i.Helper()
	w := &runFollowers{ends: map[string]harness.Event{}}
	w.Read = func() string { return h.URL }
	for path := range runs {
		w.all.Go(func() {
			end := w.Follow(path)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.ends[path] = end
		})
	}
	testkit.Eventually(i.T, "the streams are open", func() bool {
		var status struct {
			Active int `json:"active_connections"`
		}
		h.Call(i.T, http.MethodGet, "/api/ai/stream-status", nil, http.StatusOK, &status)
		return status.Active >= len(runs)
	})
	return w
}

// wantEnds waits for the runs' ends, and checks that every event of each arrived once.
func (w *runFollowers) wantEnds(i *incident, n int) {
	i.Helper()
	w.all.Wait()
	lost, doubled := w.Missed.Load(), w.Doubled.Load()
	i.note("%d events lost and %d doubled of %d runs, %d reconnects", lost, doubled, n, w.Reconnects.Load())
	if lost+doubled > 0 || len(w.ends) != n || slices.ContainsFunc(w.ended(), func(e harness.Event) bool { return e.Type == "" }) {
		i.Errorf("%d events lost, %d doubled, %d of %d runs ended; first: %s", lost, doubled, len(w.ends), n, w.FirstFailure())
	}
}

func (w *runFollowers) ended() (all []harness.Event) {
	for _, end := range w.ends {
		all = append(all, end)
	}
	return all
}
