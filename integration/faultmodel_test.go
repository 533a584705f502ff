package integration

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/loadtest/fakellm"
)

// tutored is a service in front of a model whose answers wait until they are let go.
type tutored struct {
	*hosted
	model *fakellm.Server
	letGo func()
}

func startTutored(t *testing.T, image string, settings map[string]string) tutored {
	t.Helper()
	held := make(chan struct{})
	s := tutored{letGo: sync.OnceFunc(func() { close(held) })}
	s.model = fakellm.New(fakellm.Options{Answer: func(r fakellm.Request) string {
		<-held
		return fakellm.EchoAnswer(r)
	}})
	s.hosted = startBefore(t, image, s.model, s.letGo, settings)
	return s
}

// startBefore is a service in front of a model, which is let go when the test ends.
func startBefore(t *testing.T, image string, model http.Handler, letGo func(), settings map[string]string) *hosted {
	t.Helper()
	upstream := httptest.NewServer(model)
	t.Cleanup(func() {
		letGo()
		upstream.Close()
	})
	return startOnHost(t, image, undisturbed(settings, "LLM_API_KEY", "none", "LLM_BASE_URL", upstream.URL+"/v1"))
}

// awaitModel waits until the model has seen what done says.
func (s tutored) awaitModel(i *incident, done func(fakellm.Counts) bool) {
	i.Helper()
	ctx, cancel := context.WithTimeout(i.Context(), readyWithin)
	defer cancel()
	if counts, err := s.model.Await(ctx, done); err != nil {
		i.Fatalf("the model has seen only %+v: %v", counts, err)
	}
}

const (
	halfTokens = 10
	tokenEvery = 20 * time.Millisecond // so that each is an event of its own
)

// halting is a service in front of a model that says half of a streamed answer, and the rest when it is let go.
type halting struct {
	*hosted
	held   chan struct{}
	letGo  func()
	halves atomic.Int64 // that were said
	plain  *fakellm.Server
}

func startHalting(t *testing.T) *halting {
	t.Helper()
	s := &halting{held: make(chan struct{}), plain: fakellm.New(fakellm.Options{})}
	s.letGo = sync.OnceFunc(func() { close(s.held) })
	s.hosted = startBefore(t, image, s, s.letGo, nil)
	return s
}

// ServeHTTP is the model.
func (s *halting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.Body = io.NopCloser(bytes.NewReader(body)); !bytes.Contains(body, []byte(`"stream":true`)) {
		s.plain.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	sayHalf(w)
	s.halves.Add(1)
	select {
	case <-s.held:
		sayHalf(w)
		_, _ = io.WriteString(w, `data: {"model":"m","choices":[{"delta":{"content":"."},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
	case <-r.Context().Done():
	}
}

func sayHalf(w http.ResponseWriter) {
	for n := range halfTokens {
		_, _ = fmt.Fprintf(w, `data: {"model":"m","choices":[{"delta":{"content":"Light is a wave, %d. "}}]}`+"\n\n", n)
		_ = http.NewResponseController(w).Flush()
		time.Sleep(tokenEvery)
	}
}

// awaitHalf waits until half of the answer of each watched run has been said, and has come to the journals.
func (s *halting) awaitHalf(i *incident) {
	i.Helper()
	const opening = 6 // events at most before an answer's first token
	eventually(i.T, "half of each answer is there", func() bool {
		m, ok := s.look()
		return ok && s.halves.Load() >= watched && m.SSE.Queued > opening*watched
	})
}
