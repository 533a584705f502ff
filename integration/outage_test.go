package integration

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
)

const (
	askerRest = 20 * time.Millisecond // between two requests of one client
)

// askers are clients who ask for one thing after another while something happens.
type askers struct {
	stop chan struct{}
	all  sync.WaitGroup

	mu    sync.Mutex
	times []time.Duration // of those answered well
	wrong []string        // of the others: status and code, or what went wrong
	last  time.Time       // when the last of those was told
}

// asking has n clients ask until askers.end. ask gets a number that it gets once.
func (i *incident) asking(clients int, ask func(n int) (answer, error)) *askers {
	i.Helper()
	a := &askers{stop: make(chan struct{})}
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

func (a *askers) once(n int, ask func(n int) (answer, error)) {
	began := time.Now()
	got, err := ask(n)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil:
		a.wrong = append(a.wrong, err.Error())
	case got.status >= http.StatusMultipleChoices:
		a.wrong = append(a.wrong, fmt.Sprint(got.status, " ", got.code()))
	default:
		a.times = append(a.times, time.Since(began))
		return
	}
	a.last = time.Now()
}

// end stops them, waits for their answers, and sorts the times.
func (a *askers) end() {
	select {
	case <-a.stop:
	default:
		close(a.stop)
	}
	a.all.Wait()
	slices.Sort(a.times)
}

// told is what came of them: how many times each kind of refusal.
func (a *askers) told() map[string]int {
	kinds := map[string]int{}
	for _, wrong := range a.wrong {
		kinds[wrong]++
	}
	return kinds
}

// wantNoneRefused ends the askers: each was answered, and the median in time.
func (i *incident) wantNoneRefused(a *askers, median time.Duration) {
	i.Helper()
	if a.end(); len(a.wrong) > 0 || len(a.times) == 0 {
		i.Errorf("of %d requests were not answered well: %v", len(a.wrong)+len(a.times), a.told())
		return
	}
	p50 := quantile(a.times, 0.5)
	i.note("%d requests, p50 %s, slowest %s", len(a.times), short(p50), short(a.times[len(a.times)-1]))
	if p50 > median {
		i.Errorf("half of the requests took longer than %v, want %v", p50, median)
	}
}

// diary is notes that are written, and the ids of those that were acknowledged.
type diary struct {
	*service
	mu    sync.Mutex
	acked []string
}

// write writes a note.
func (d *diary) write(n int) (answer, error) {
	got, err := d.ask(http.MethodPost, "/api/notes", map[string]any{"user_id": userID, "title": fmt.Sprint("Note ", n),
		"content": strings.Repeat("Chlorophyll absorbs blue light. ", 64)})
	if err == nil && got.status == http.StatusCreated {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.acked = append(d.acked, got.id())
	}
	return got, err
}

// wantAll wants every note that was acknowledged to be there.
func (i *incident) wantAll(d *diary) {
	i.Helper()
	i.wantAllOf(d.service, d.acked)
}

func (i *incident) wantAllOf(s *service, acked []string) {
	i.Helper()
	lost := 0
	for _, id := range acked {
		if got, err := s.ask(http.MethodGet, "/api/notes/"+id, nil); err != nil || got.status != http.StatusOK || got.id() != id {
			lost++
		}
	}
	i.note("%d of %d acknowledged notes lost", lost, len(acked))
	if lost > 0 || len(acked) == 0 {
		i.Errorf("%d of %d acknowledged notes are lost", lost, len(acked))
	}
}

// refused runs a container that does not come to serve, and gives its exit status and its log.
func (i *incident) refused(settings map[string]string, change func(*container.HostConfig), more ...testcontainers.ContainerCustomizer) (status int, log string) {
	i.Helper()
	ctr := launch(i.T, image, append(more, on(change), testcontainers.WithEnv(settings))...)
	began := time.Now()
	eventually(i.T, "the start is refused", func() bool {
		state, err := ctr.State(i.Context())
		if err != nil {
			i.Fatal(err)
		}
		status = state.ExitCode
		return !state.Running
	})
	i.note("refused after %s", short(time.Since(began)))
	return status, logs(ctr)
}

// wantWords wants a log to say all of the words.
func wantWords(t *testing.T, log string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(log, word) {
			t.Errorf("the log does not say %q:\n%s", word, log)
		}
	}
}
