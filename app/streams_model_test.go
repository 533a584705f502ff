package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"studysharper/loadtest/fakellm"
)

const (
	words  = 60 // of the essay that the model says
	middle = 30 // of which it says so many before it waits, where it is held
)

// essay is a text of so many words, each a token of its own.
func essay(words int) string {
	var text strings.Builder
	for i := range words {
		fmt.Fprintf(&text, "fact%d ", i+1)
	}
	return strings.TrimSpace(text.String())
}

// model is a fake upstream that says the essay, eighty words a second. It can be held in
// the middle, so that a test may take its time there.
type model struct {
	*fakellm.Server
	mu   sync.Mutex
	gate chan struct{} // not nil: answers wait in the middle until it is closed
}

// hold makes the answers from now on wait in the middle until letGo.
func (m *model) hold() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gate = make(chan struct{})
}

func (m *model) letGo() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.gate)
	m.gate = nil
}

func (m *model) serve(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	gate := m.gate
	m.mu.Unlock()
	if gate != nil {
		w = &held{ResponseWriter: w, gate: gate, gone: r.Context().Done()}
	}
	m.ServeHTTP(w, r)
}

// held is a response that waits at a gate in its middle, while the caller is there.
type held struct {
	http.ResponseWriter
	gate, gone <-chan struct{}
	writes     int
}

func (h *held) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h *held) Write(p []byte) (int, error) {
	if h.writes++; h.writes == middle+2 { // the first of them only sends the headers
		select {
		case <-h.gate:
		case <-h.gone:
		}
	}
	return h.ResponseWriter.Write(p)
}

// studying starts a service with such a model, whose first answers are ruled so. Nothing
// of the test may be left behind when it is over.
func studying(t *testing.T, rules []fakellm.Rule, env ...string) (*service, *model) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if !t.Failed() {
			goleak.VerifyNone(t, before)
		}
	})
	m := &model{Server: fakellm.New(fakellm.Options{
		Rules:  append(rules, fakellm.Rule{TokensPerSecond: 80}),
		Answer: func(fakellm.Request) string { return essay(words) },
	})}
	env = append([]string{"LLM_API_KEY=k", "LLM_BASE_URL=" + httpServer(t, m.serve) + "/v1"}, env...)
	return start(t, env...), m
}

// aWholeRun is studying with a run that is over, and its events.
func aWholeRun(t *testing.T) (*service, []heard) {
	t.Helper()
	s, _ := studying(t, nil)
	session, _ := s.post(0, "")
	whole := s.open(0, session).end()
	expectEssay(t, whole, 1)
	return s, whole
}
