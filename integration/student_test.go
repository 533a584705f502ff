package integration

import (
	"bufio"
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

	"github.com/google/uuid"
)

const studentPatience = 60 * time.Second // for one run, reconnects included

// class is students who study at once, and what came of it.
type class struct {
	post                                                func() string // where the next run is begun: a URL
	read                                                func() string // where its stream is opened, again each time that it breaks
	runs, unbegun, unended, missed, doubled, reconnects atomic.Int64
	first                                               atomic.Pointer[string] // what went wrong first
}

func (c *class) complain(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c.first.CompareAndSwap(nil, &text)
}

// why is what went wrong first.
func (c *class) why() string {
	if text := c.first.Load(); text != nil {
		return *text
	}
	return "nothing went wrong"
}

// study has n students ask for one aid after another until stop is closed.
func (c *class) study(n int, stop <-chan struct{}) *sync.WaitGroup {
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

// make has n students make so many runs in all.
func (c *class) make(n, runs int) {
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

// once begins a run and reads it to its end.
func (c *class) once() {
	body := fmt.Sprintf(`{"type":"flashcard_generation","user_id":"student","message":"cards, please: %s","options":{"count":2,`+
		`"content":"Chlorophyll absorbs blue light. Carotene absorbs violet light. Stomata let carbon dioxide in."}}`, uuid.NewString())
	response, err := client.Post(c.post()+"/api/ai/process-stream", "application/json", strings.NewReader(body))
	if err != nil {
		c.unbegun.Add(1)
		c.complain("begin a run: %v", err)
		return
	}
	defer response.Body.Close()
	var begun struct {
		URL string `json:"stream_url"`
	}
	text, _ := io.ReadAll(response.Body)
	if err := json.Unmarshal(text, &begun); response.StatusCode != http.StatusOK || err != nil {
		c.unbegun.Add(1)
		c.complain("begin a run: %d %s", response.StatusCode, text)
		return
	}
	c.runs.Add(1)
	c.follow(begun.URL)
}

// follow reads a stream as an EventSource does: whatever breaks it, it comes back for what follows the last event it has.
// It gives the event that ended the run; none: it was not seen.
func (c *class) follow(path string) (end event) {
	var last string
	var seq int
	for deadline := time.Now().Add(studentPatience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		ended, err := c.readOnce(path, &last, &seq, &end)
		if ended {
			return end
		}
		c.reconnects.Add(1)
		if err != nil {
			c.complain("read %s: %v", path, err)
		}
	}
	c.unended.Add(1)
	c.complain("%s has not ended after %v; the last event was %q", path, studentPatience, last)
	return event{}
}

// readOnce reads one connection's events; ended: the run's end has come.
func (c *class) readOnce(path string, last *string, seq *int, end *event) (ended bool, err error) {
	request, err := http.NewRequest(http.MethodGet, c.read()+path, nil)
	if err != nil {
		return false, err
	}
	if *last != "" {
		request.Header.Set("Last-Event-ID", *last)
	}
	response, err := client.Do(request)
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
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	id := ""
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			id = v
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return false, err
		}
		*last = id
		if c.count(e, seq); e.Type == "complete" || e.Type == "error" {
			if e.Type == "error" {
				c.complain("%s ended with %s", path, data)
				c.unended.Add(1)
			}
			*end = e
			return true, nil
		}
	}
	return false, errors.Join(lines.Err(), io.ErrUnexpectedEOF)
}

// count holds an event against the one before it.
func (c *class) count(e event, seq *int) {
	switch {
	case e.Type == "gap":
		c.missed.Add(1)
		c.complain("a gap behind %d", *seq)
		return
	case e.Seq <= *seq:
		c.doubled.Add(1)
		c.complain("event %d again, behind %d", e.Seq, *seq)
	case e.Seq > *seq+1:
		c.missed.Add(int64(e.Seq - *seq - 1))
		c.complain("event %d behind %d", e.Seq, *seq)
	}
	*seq = max(*seq, e.Seq)
}

// wantWhole fails unless every run that was begun came to its end with every event, once.
func (c *class) wantWhole(t *testing.T, when string, unbegun int64) {
	t.Helper()
	if c.unbegun.Load() > unbegun || c.unended.Load() > 0 || c.missed.Load() > 0 || c.doubled.Load() > 0 || c.runs.Load() == 0 {
		t.Errorf("%s: of %d runs %d did not end well; %d were not begun (%d may be); %d events missing, %d doubled, %d reconnects; first: %s", when,
			c.runs.Load(), c.unended.Load(), c.unbegun.Load(), unbegun, c.missed.Load(), c.doubled.Load(), c.reconnects.Load(), c.why())
	}
}
