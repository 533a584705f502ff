package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/app/testkit"

	"github.com/google/uuid"
)

// ClientPatience is how long a client reads one run, including reconnects.
const ClientPatience = 60 * time.Second

// RunClients starts runs from many clients concurrently, reads each to its end and counts what went wrong.
type RunClients struct {
	Post                                                func() string // returns the URL of the service at which to start the next run
	Read                                                func() string // returns the URL of the service at which to open its stream, and to reopen it whenever it breaks
	GapsAllowed                                         bool          // events may be missed, but no terminal ones
	Runs, Unbegun, Unended, Missed, Doubled, Reconnects atomic.Int64
	first                                               atomic.Pointer[string] // the first failure
}

func (c *RunClients) noteFirst(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c.first.CompareAndSwap(nil, &text)
}

// FirstFailure describes the first failure.
func (c *RunClients) FirstFailure() string {
	if text := c.first.Load(); text != nil {
		return *text
	}
	return "nothing went wrong"
}

// Start makes n clients do one run after another until stop is closed.
func (c *RunClients) Start(n int, stop <-chan struct{}) *sync.WaitGroup {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					c.once()
				}
			}
		})
	}
	return &all
}

// Make makes n clients do this many runs in total.
func (c *RunClients) Make(n, runs int) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for next.Add(1) <= int64(runs) {
				c.once()
			}
		})
	}
	all.Wait()
}

// once starts a run and reads it to its end.
func (c *RunClients) once() {
	body := fmt.Sprintf(`{"type":"flashcard_generation","user_id":"student","message":"cards, please: %s","options":{"count":2,`+
		`"content":"Chlorophyll absorbs blue light. Carotene absorbs violet light. Stomata let carbon dioxide in."}}`, uuid.NewString())
	response, err := httpClient.Post(c.Post()+"/api/ai/process-stream", "application/json", strings.NewReader(body))
	if err != nil {
		c.Unbegun.Add(1)
		c.noteFirst("begin a run: %v", err)
		return
	}
	defer response.Body.Close()
	var begun struct {
		URL string `json:"stream_url"`
	}
	text, _ := io.ReadAll(response.Body)
	if err := json.Unmarshal(text, &begun); response.StatusCode != http.StatusOK || err != nil {
		c.Unbegun.Add(1)
		c.noteFirst("begin a run: %d %s", response.StatusCode, text)
		return
	}
	c.Runs.Add(1)
	c.Follow(begun.URL)
}

// Follow reads a stream as an EventSource does: whenever the stream breaks, it resumes after the last event it
// received. It returns the event that ended the run, or the zero Event if none arrived within ClientPatience.
func (c *RunClients) Follow(path string) (end Event) {
	var last string
	var seq int
	ended := testkit.PollFor(ClientPatience, 100*time.Millisecond, func() bool {
		ended, err := c.readOnce(path, &last, &seq, &end)
		if !ended {
			c.Reconnects.Add(1)
		}
		if err != nil {
			c.noteFirst("read %s: %v", path, err)
		}
		return ended
	})
	if ended {
		return end
	}
	c.Unended.Add(1)
	c.noteFirst("%s has not ended after %v; the last event was %q", path, ClientPatience, last)
	return Event{}
}

// readOnce reads the events of one connection, and reports whether the run's end was among them.
func (c *RunClients) readOnce(path string, last *string, seq *int, end *Event) (ended bool, err error) {
	request, err := http.NewRequest(http.MethodGet, c.Read()+path, nil)
	if err != nil {
		return false, err
	}
	if *last != "" {
		request.Header.Set("Last-Event-ID", *last)
	}
	response, err := httpClient.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNoContent && *last != "" {
		return true, nil
	}
	if response.StatusCode != http.StatusOK {
		return false, fmt.Errorf("status %d", response.StatusCode)
	}
	for events := NewEventReader(response.Body); ; {
		e, err := events.Next()
		if errors.Is(err, io.EOF) {
			return false, io.ErrUnexpectedEOF
		}
		if err != nil {
			return false, err
		}
		*last = e.ID
		if c.count(e, seq); e.Type != "complete" && e.Type != "error" {
			continue
		}
		if e.Type == "error" {
			c.noteFirst("%s ended with %+v", path, e)
			c.Unended.Add(1)
		}
		*end = e
		return true, nil
	}
}

// count compares an event's number with the previous one.
func (c *RunClients) count(e Event, seq *int) {
	switch {
	case e.Type == "gap":
		c.Missed.Add(1)
		c.noteFirst("a gap after %d", *seq)
		return
	case e.Seq <= *seq:
		c.Doubled.Add(1)
		c.noteFirst("event %d again, after %d", e.Seq, *seq)
	case e.Seq > *seq+1:
		c.Missed.Add(int64(e.Seq - *seq - 1))
		c.noteFirst("event %d after %d", e.Seq, *seq)
	}
	*seq = max(*seq, e.Seq)
}

// WantComplete fails the test unless every run ended, with each of its events once, or at most once if gaps are
// allowed. At most unbegun runs may fail to start.
func (c *RunClients) WantComplete(t *testing.T, when string, unbegun int64) {
	t.Helper()
	if c.Unbegun.Load() > unbegun || c.Unended.Load() > 0 || c.Missed.Load() > 0 && !c.GapsAllowed || c.Doubled.Load() > 0 || c.Runs.Load() == 0 {
		t.Errorf("%s: of %d runs %d did not end well; %d were not begun (%d may be); %d events missing, %d doubled, %d reconnects; first: %s", when,
			c.Runs.Load(), c.Unended.Load(), c.Unbegun.Load(), unbegun, c.Missed.Load(), c.Doubled.Load(), c.Reconnects.Load(), c.FirstFailure())
	}
}
