package faults

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

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

// gatedModel is a service with a model whose answers wait until they are released.
type gatedModel struct {
	*harness.Instance
	model   *fakellm.Server
	release func()
}

func startGatedModel(t *testing.T, image string, settings map[string]string) gatedModel {
	t.Helper()
	held := make(chan struct{})
	s := gatedModel{release: sync.OnceFunc(func() { close(held) })}
	s.model = fakellm.New(fakellm.Options{Answer: func(r fakellm.Request) string {
		<-held
		return fakellm.EchoAnswer(r)
	}})
	s.Instance = startWithUpstream(t, image, s.model, s.release, settings)
	return s
}

// startWithUpstream starts a service with a model, which is released when the test ends.
func startWithUpstream(t *testing.T, image string, model http.Handler, letGo func(), settings map[string]string) *harness.Instance {
	t.Helper()
	upstream := httptest.NewServer(model)
	t.Cleanup(func() {
		letGo()
		upstream.Close()
	})
	return harness.StartInstance(t, image, quietSettings(settings, "LLM_API_KEY", "none", "LLM_BASE_URL", upstream.URL+"/v1"))
}

// awaitModel waits until done is true for the model's counts.
func (s gatedModel) awaitModel(i *incident, done func(fakellm.Counts) bool) {
	i.Helper()
	ctx, cancel := context.WithTimeout(i.Context(), harness.ReadyWithin)
	defer cancel()
	if counts, err := s.model.Await(ctx, done); err != nil {
		i.Fatalf("the model has seen only %+v: %v", counts, err)
	}
}

const (
	halfTokens = 10
	tokenEvery = 20 * time.Millisecond // so that each becomes a separate event
)

// halfwayModel is a service with a model that sends half of a streamed answer, and the rest when it is released.
type halfwayModel struct {
	*harness.Instance
	held    chan struct{}
	release func()
	halves  atomic.Int64 // halves that were sent
	plain   *fakellm.Server
}

func startHalfwayModel(t *testing.T) *halfwayModel {
	t.Helper()
	s := &halfwayModel{held: make(chan struct{}), plain: fakellm.New(fakellm.Options{})}
	s.release = sync.OnceFunc(func() { close(s.held) })
	s.Instance = startWithUpstream(t, harness.Image, s, s.release, nil)
	return s
}

// ServeHTTP implements the model.
func (s *halfwayModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
		testkit.Pause(tokenEvery)
	}
}

// awaitHalf waits until half of the answer of each watched run has been sent, and is in the journals.
func (s *halfwayModel) awaitHalf(i *incident) {
	i.Helper()
	const opening = 6 // most events before an answer's first token
	testkit.Eventually(i.T, "half of each answer is there", func() bool {
		m, ok := s.TryMetrics()
		return ok && s.halves.Load() >= watched && m.SSE.Queued > opening*watched
	})
}
