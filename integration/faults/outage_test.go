package faults

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

const (
	askerRest = 20 * time.Millisecond // pause of a client between two requests
)

// backgroundClients are clients that send one request after another in the background.
type backgroundClients struct {
	stop chan struct{}
	all  sync.WaitGroup

	mu    sync.Mutex
	times []time.Duration // of the successful requests
	wrong []string        // of the others: status and code, or the error
	last  time.Time       // when the last of the others was answered
}

// startClients makes clients send requests until end is called. ask gets a unique number.
func (i *incident) startClients(clients int, ask func(n int) (harness.Answer, error)) *backgroundClients {
	i.Helper()
	a := &backgroundClients{stop: make(chan struct{})}
	i.Cleanup(func() { a.end() })
	for c := range clients {
		a.all.Go(func() {
			for n := c; ; n += clients {
				select {
				case <-a.stop:
					return
				case <-time.After(askerRest):
					a.once(n, ask)
				}
			}
		})
	}
	return a
}

func (a *backgroundClients) once(n int, ask func(n int) (harness.Answer, error)) {
	began := time.Now()
	got, err := ask(n)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil:
		a.wrong = append(a.wrong, err.Error())
	case got.Status >= http.StatusMultipleChoices:
		a.wrong = append(a.wrong, fmt.Sprint(got.Status, " ", problemCode(got)))
	default:
		a.times = append(a.times, time.Since(began))
		return
	}
	a.last = time.Now()
}

// end stops the clients, waits for their answers, and sorts the times.
func (a *backgroundClients) end() {
	select {
	case <-a.stop:
	default:
		close(a.stop)
	}
	a.all.Wait()
	slices.Sort(a.times)
}

// told counts the refusals by kind.
func (a *backgroundClients) told() map[string]int {
	kinds := map[string]int{}
	for _, wrong := range a.wrong {
		kinds[wrong]++
	}
	return kinds
}

// wantNoneRefused ends the clients and checks that every request succeeded, with a median below the limit.
func (i *incident) wantNoneRefused(a *backgroundClients, median time.Duration) {
	i.Helper()
	if a.end(); len(a.wrong) > 0 || len(a.times) == 0 {
		i.Errorf("of %d requests were not answered well: %v", len(a.wrong)+len(a.times), a.told())
		return
	}
	p50 := harness.Quantile(a.times, 0.5)
	i.note("%d requests, p50 %s, slowest %s", len(a.times), harness.Short(p50), harness.Short(a.times[len(a.times)-1]))
	if p50 > median {
		i.Errorf("half of the requests took longer than %v, want %v", p50, median)
	}
}

// noteWriter writes notes, and records the ids of those that were acknowledged.
type noteWriter struct {
	*harness.Service
	mu    sync.Mutex
	acked []string
}

// write writes a note.
func (d *noteWriter) write(n int) (harness.Answer, error) {
	got, err := askOnce(d.Service, http.MethodPost, "/api/notes", map[string]any{"user_id": harness.UserID, "title": fmt.Sprint("Note ", n),
		"content": strings.Repeat("Chlorophyll absorbs blue light. ", 64)})
	if err == nil && got.Status == http.StatusCreated {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.acked = append(d.acked, idOf(got))
	}
	return got, err
}

// wantAll checks that every acknowledged note exists.
func (i *incident) wantAll(d *noteWriter) {
	i.Helper()
	i.wantAllOf(d.Service, d.acked)
}

func (i *incident) wantAllOf(s *harness.Service, acked []string) {
	i.Helper()
	lost := 0
	for _, id := range acked {
		if got, err := askOnce(s, http.MethodGet, "/api/notes/"+id, nil); err != nil || got.Status != http.StatusOK || idOf(got) != id {
			lost++
		}
	}
	i.note("%d of %d acknowledged notes lost", lost, len(acked))
	if lost > 0 || len(acked) == 0 {
		i.Errorf("%d of %d acknowledged notes are lost", lost, len(acked))
	}
}

// startRefused runs a container that fails to start, and returns its exit status and its log.
func (i *incident) startRefused(settings map[string]string, change func(*container.HostConfig), more ...testcontainers.ContainerCustomizer) (status int, log string) {
	i.Helper()
	ctr := harness.Launch(i.T, harness.Image, append(more, hostNetwork(change), testcontainers.WithEnv(settings))...)
	began := time.Now()
	testkit.Eventually(i.T, "the start is refused", func() bool {
		state, err := ctr.State(i.Context())
		if err != nil {
			i.Fatal(err)
		}
		status = state.ExitCode
		return !state.Running
	})
	i.note("refused after %s", harness.Short(time.Since(began)))
	return status, harness.LogsOf(ctr)
}

// wantWords checks that a log contains all of the words.
func wantWords(t *testing.T, log string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(log, word) {
			t.Errorf("the log lacks %q:\n%s", word, log)
		}
	}
}
