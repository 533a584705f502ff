//go:build benchtest

package httpapi

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/stream"
	"studysharper/app/study"
)

const (
	// publishHands is the number of goroutines that publish for one request. It is small so that ten thousand sessions
	// do not cost the worker under test ten thousand stacks.
	publishHands = 4
	// publishAhead is how early an event may be. Shorter sleeps would wake the worker more often than there are events.
	publishAhead  = time.Millisecond
	maxPublishPad = 64 << 10
)

// publication is the body of POST /debug/publish.
type publication struct {
	Sessions []string `json:"sessions"`
	Events   int      `json:"events"`   // tokens for each session, then a complete event; 0 = the runs stay open and silent
	EveryMS  int      `json:"every_ms"` // between two events of a session
	StartMS  int      `json:"start_ms"` // minimum time from the request to the first event; the runs begin at once
	Burst    bool     `json:"burst"`    // all sessions publish at the same time; otherwise they are spread over the interval
	Pad      int      `json:"pad"`      // bytes of text after a token's timestamp
	Owner    string   `json:"owner"`
}

func (p publication) check() error {
	if len(p.Sessions) == 0 || p.Events < 0 || p.EveryMS < 0 || p.StartMS < 0 || p.Pad < 0 || p.Pad > maxPublishPad {
		return study.Errorf(study.CodeInvalid, "a publication has sessions, and no number below zero or pad above %d", maxPublishPad)
	}
	return nil
}

// published are the open runs of publications, so that they can be closed.
var published struct {
	mu   sync.Mutex
	runs []stream.Writer
}

// routePublish adds the routes that make this worker publish events without an agent or a model. Only builds with the
// tag benchtest have them.
func (s *Server) routePublish(to router) {
	to.Post("/debug/publish", s.publish)
	to.Delete("/debug/publish", unpublish)
}

// publish answers at once, with this worker's process id, and publishes in the background.
func (s *Server) publish(c *fiber.Ctx) error {
	var p publication
	if err := json.Unmarshal(c.Body(), &p); err != nil {
		return study.Errorf(study.CodeMalformed, "the body is not a publication: %v", err)
	}
	if err := p.check(); err != nil {
		return err
	}
	go s.publishAll(p, time.Now())
	return c.JSON(fiber.Map{"pid": os.Getpid()})
}

// unpublish ends this worker's publications that are still open.
func unpublish(c *fiber.Ctx) error {
	published.mu.Lock()
	runs := published.runs
	published.runs = nil
	published.mu.Unlock()
	for _, run := range runs {
		_ = run.Close() // returns an error if it has already ended
	}
	return c.JSON(fiber.Map{"pid": os.Getpid(), "closed": len(runs)})
}

// publishAll divides the sessions among the goroutines. Events start when all runs have begun.
func (s *Server) publishAll(p publication, asked time.Time) {
	var begun, done sync.WaitGroup
	start := make(chan time.Time)
	share := (len(p.Sessions) + publishHands - 1) / publishHands
	offset := 0
	for sessions := range slices.Chunk(p.Sessions, share) {
		h := &publisher{server: s, p: p, offset: offset}
		offset += len(sessions)
		begun.Add(1)
		done.Go(func() {
			h.begin(sessions)
			begun.Done()
			h.run(<-start)
		})
	}
	begun.Wait()
	first := asked.Add(time.Duration(p.StartMS) * time.Millisecond)
	if now := time.Now(); first.Before(now) {
		first = now
	}
	for range (len(p.Sessions) + share - 1) / share {
		start <- first
	}
	done.Wait()
}

// publisher publishes for some of a publication's sessions.
type publisher struct {
	server *Server
	p      publication
	offset int // index of its first session among all
	runs   []stream.Writer
	failed bool // a failure was logged; only the first one is
}

func (h *publisher) begin(sessions []string) {
	for _, session := range sessions {
		run, err := h.server.o.Journal.Begin(h.server.lifetime, stream.RunInfo{Session: session, Run: newID(), Owner: h.p.Owner})
		if err != nil {
			h.logFailure(err)
			continue
		}
		h.runs = append(h.runs, run)
	}
	published.mu.Lock()
	defer published.mu.Unlock()
	published.runs = append(published.runs, h.runs...)
}

// run publishes the events of every session, and ends the runs. A run that unpublish has closed rejects its events,
// which is ignored.
func (h *publisher) run(first time.Time) {
	if h.p.Events == 0 {
		return
	}
	every := time.Duration(h.p.EveryMS) * time.Millisecond
	pad := " " + strings.Repeat("x", h.p.Pad)
	for n := range h.p.Events + 1 {
		due := first.Add(time.Duration(n) * every)
		for i, run := range h.runs {
			if !h.p.Burst {
				at := due.Add(every * time.Duration(h.offset+i) / time.Duration(len(h.p.Sessions)))
				if !h.sleepUntil(at) {
					return
				}
			} else if i == 0 && !h.sleepUntil(due) {
				return
			}
			if n == h.p.Events {
				h.complete(run)
			} else {
				h.logFailure(run.Append(h.server.lifetime, stamped(pad)))
			}
		}
	}
}

// stamped returns a token event whose text begins with the time at which it was made.
func stamped(pad string) study.Event {
	text := strconv.AppendInt([]byte(`{"text":"`), time.Now().UnixNano(), 10)
	text = append(append(text, pad...), `"}`...)
	return study.Event{Kind: study.KindToken, Fields: text}
}

// complete ends a run. It waits until the journal has acknowledged all events.
func (h *publisher) complete(run stream.Writer) {
	ended := study.Event{Kind: study.KindComplete, Fields: json.RawMessage(`{"success":true}`)}
	h.logFailure(run.Append(h.server.lifetime, ended))
}

// sleepUntil returns false if the server ended in the meantime.
func (h *publisher) sleepUntil(due time.Time) bool {
	wait := time.Until(due)
	if wait <= publishAhead {
		return h.server.lifetime.Err() == nil
	}
	select {
	case <-time.After(wait):
		return true
	case <-h.server.lifetime.Done():
		return false
	}
}

// logFailure logs the first failure: a benchmark's client notices the others as missing events.
func (h *publisher) logFailure(err error) {
	if err == nil || h.failed {
		return
	}
	h.failed = true
	h.server.o.Log.Warn("a publication failed", "error", err)
}
