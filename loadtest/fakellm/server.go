// Package fakellm is an OpenAI-compatible chat-completions server with scripted behaviour: plain or streamed answers,
// at a chosen pace, with the faults that a test asks for. It is an http.Handler, so it can run inside a test. The one
// idea: a call is answered by the first Rule that matches it, and rules can be changed at run time. Its error answers
// quote the caller's key and prompt on purpose, so that tests detect leaks.
package fakellm

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxRequestBytes bounds a request body; a longer one is answered 413.
const maxRequestBytes = 32 << 20

// Options configure a Server. With the zero value, it answers every call at once, in full.
type Options struct {
	Answer func(Request) string // returns the answer to a call; nil = StudyAnswer
	Key    string               // the required bearer key, otherwise 401; "" = any or none
	Rules  []Rule               // see Server.SetRules
}

// Counts are what a Server has seen since it was created or Reset.
type Counts struct {
	Calls     int // chat-completion requests that parsed
	Streams   int // of these, those that asked for a stream
	Active    int // being answered now
	Completed int // answered completely, including errors
	Broken    int // cut off by a rule
	Cancelled int // the caller disconnected before the end
}

// Server is the fake upstream. It serves POST /v1/chat/completions, and is safe for concurrent use.
type Server struct {
	answer func(Request) string
	key    string
	mux    *http.ServeMux

	mu      sync.Mutex
	rules   []ruleState
	counts  Counts
	changed chan struct{} // closed and replaced when counts change
}

// New returns a Server. It panics on rules that SetRules refuses.
func New(o Options) *Server {
	s := &Server{answer: o.Answer, key: o.Key, mux: http.NewServeMux(), changed: make(chan struct{})}
	if s.answer == nil {
		s.answer = StudyAnswer
	}
	if err := s.SetRules(o.Rules...); err != nil {
		panic(err)
	}
	s.mux.HandleFunc("POST /v1/chat/completions", s.complete)
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Counts returns the current counts.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// Await waits until the counts satisfy done and returns them, or until ctx ends and returns its error.
func (s *Server) Await(ctx context.Context, done func(Counts) bool) (Counts, error) {
	for {
		s.mu.Lock()
		counts, changed := s.counts, s.changed
		s.mu.Unlock()
		if done(counts) {
			return counts, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return counts, ctx.Err()
		}
	}
}

// Reset removes all rules and zeroes the counts, except for the calls still active.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
	s.counts = Counts{Active: s.counts.Active}
	s.announce()
}

// announce wakes Await. The caller must hold mu.
func (s *Server) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// complete answers one call.
func (s *Server) complete(w http.ResponseWriter, r *http.Request) {
	var req Request
	// The body must be read to its end: only then does net/http notice that a caller disconnects.
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestBytes)).Decode(&req); err != nil {
		writeRefusal(w, err)
		return
	}
	req.Header = r.Header.Clone()
	rule, n := s.begin(req)
	e := &exchange{w: w, ctx: r.Context(), req: req, rule: rule, id: "chatcmpl-fake-" + strconv.Itoa(n),
		created: time.Now().Unix(), echo: r.Header.Get("Authorization") + " " + req.LastUser()}
	err := s.respond(e)
	s.end(err)
	if errors.Is(err, errAbort) {
		panic(http.ErrAbortHandler)
	}
}

// respond checks the key, waits for the latency and answers as the rule says.
func (s *Server) respond(e *exchange) error {
	if s.key != "" && e.req.Header.Get("Authorization") != "Bearer "+s.key {
		e.rule = Rule{Fault: Status, Status: http.StatusUnauthorized}
	}
	if err := e.wait(time.Duration(e.rule.LatencyMS) * time.Millisecond); err != nil {
		return err
	}
	e.text = s.answer(e.req)
	if e.rule.Score != nil && e.req.Checks() {
		e.text = verdict(*e.rule.Score)
	}
	if answer := faults[e.rule.Fault]; answer != nil {
		return answer(e)
	}
	return e.answer()
}

// begin counts a call and picks its rule. n numbers the call, from 1.
func (s *Server) begin(req Request) (rule Rule, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Calls++
	s.counts.Active++
	if req.Stream {
		s.counts.Streams++
	}
	s.announce()
	return s.pick(req), s.counts.Calls
}

// end counts the outcome of a call.
func (s *Server) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Active--
	switch {
	case err == nil:
		s.counts.Completed++
	case errors.Is(err, errAbort), errors.Is(err, errTakenOver):
		s.counts.Broken++
	default:
		s.counts.Cancelled++
	}
	s.announce()
}
