package servicetest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

const (
	// Words is the number of words in the essay that the model writes.
	Words = 60
	// Middle is the number of words after which a held model waits.
	Middle = 30
)

// Essay returns a text of this many words, each a separate token.
func Essay(words int) string {
	var text strings.Builder
	for i := range words {
		fmt.Fprintf(&text, "fact%d ", i+1)
	}
	return strings.TrimSpace(text.String())
}

// Model is a fake upstream that answers with the essay at eighty words per second. It can be held in
// the middle, so that a test can take its time there.
type Model struct {
	*fakellm.Server
	mu   sync.Mutex
	gate chan struct{} // not nil: answers wait in the middle until it is closed
}

// Hold makes answers that begin from now on wait in the middle until LetGo.
func (m *Model) Hold() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gate = make(chan struct{})
}

// LetGo lets the held answers continue.
func (m *Model) LetGo() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.gate)
	m.gate = nil
}

// ServeHTTP answers a model call.
func (m *Model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	gate := m.gate
	m.mu.Unlock()
	if gate != nil {
		w = &held{ResponseWriter: w, gate: gate, gone: r.Context().Done()}
	}
	m.Server.ServeHTTP(w, r)
}

// held is a response that waits at a gate in its middle, for as long as the caller is connected.
type held struct {
	http.ResponseWriter
	gate, gone <-chan struct{}
	writes     int
}

func (h *held) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h *held) Write(p []byte) (int, error) {
	if h.writes++; h.writes == Middle+2 { // the first one only sends the headers
		select {
		case <-h.gate:
		case <-h.gone:
		}
	}
	return h.ResponseWriter.Write(p)
}

// StartStudying starts a service whose upstream is a Model; the rules apply to its first answers. When the test ends,
// none of the model's goroutines may be left.
func StartStudying(t *testing.T, rules []fakellm.Rule, env ...string) (*Service, *Model) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if !t.Failed() {
			goleak.VerifyNone(t, before)
		}
	})
	m := &Model{Server: fakellm.New(fakellm.Options{
		Rules:  append(rules, fakellm.Rule{TokensPerSecond: 80}),
		Answer: func(fakellm.Request) string { return Essay(Words) },
	})}
	env = append([]string{"LLM_API_KEY=k", "LLM_BASE_URL=" + testkit.HTTPServer(t, m.ServeHTTP) + "/v1"}, env...)
	return Start(t, env...), m
}

// WholeRun is StartStudying with one finished run, whose events it returns.
func WholeRun(t *testing.T) (*Service, []Event) {
	t.Helper()
	s, _ := StartStudying(t, nil)
	session, _ := s.Post(0, "")
	whole := s.Open(0, session).End()
	ExpectEssay(t, whole, 1)
	return s, whole
}
