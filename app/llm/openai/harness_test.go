package openai

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/study"
	"studysharper/loadtest/fakellm"
)

// Canaries: texts that no error may contain.
const (
	keyCanary    = "sk-canary-0123456789"
	promptCanary = "prompt-canary-0123456789"
)

const words = "one two three four five six seven eight"

// prompt returns the prompt of the tests.
func prompt() study.Prompt {
	return study.Prompt{Turns: []study.Turn{
		{Role: study.RoleSystem, Text: "Be brief."},
		{Role: study.RoleUser, Text: "Say something about " + promptCanary},
	}}
}

// fake starts a fake upstream over TCP, and returns Options to reach it.
func fake(t testing.TB, rules ...fakellm.Rule) (*fakellm.Server, Options) {
	t.Helper()
	server := fakellm.New(fakellm.Options{Key: keyCanary, Rules: rules, Answer: func(fakellm.Request) string { return words }})
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	return server, Options{BaseURL: web.URL + "/v1", APIKey: keyCanary, Model: "first", Timeout: time.Minute}
}

// client returns a Client that is closed when the test ends.
func client(t testing.TB, o Options) *Client {
	t.Helper()
	c := New(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// inBubble returns a Client whose upstream runs in the same process without a network, so that both can run in a
// synctest bubble.
func inBubble(o Options, rules ...fakellm.Rule) (*fakellm.Server, *Client) {
	server := fakellm.New(fakellm.Options{Rules: rules, Answer: func(fakellm.Request) string { return words }})
	o.BaseURL, o.Model = "http://fake/v1", "first"
	c := New(o)
	c.http.Transport = inProcess{server}
	return server, c
}

// inProcess carries requests to a handler through pipes.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	body, pipe := io.Pipe()
	w := &pipedResponse{header: http.Header{}, pipe: pipe, begun: make(chan struct{})}
	context.AfterFunc(ctx, func() { pipe.CloseWithError(ctx.Err()) })
	go func() {
		defer func() {
			if recover() != nil {
				pipe.CloseWithError(io.ErrUnexpectedEOF)
			}
		}()
		p.handler.ServeHTTP(w, req.Clone(ctx))
		w.WriteHeader(http.StatusOK)
		_ = pipe.Close()
	}()
	select {
	case <-w.begun:
		return &http.Response{StatusCode: w.status, Header: w.header, Body: closer{body, cancel}, Request: req}, nil
	case <-ctx.Done():
		cancel()
		return nil, ctx.Err()
	}
}

type pipedResponse struct {
	header http.Header
	pipe   *io.PipeWriter
	once   sync.Once
	status int
	begun  chan struct{}
}

func (w *pipedResponse) Header() http.Header { return w.header }
func (w *pipedResponse) Flush()              { w.WriteHeader(http.StatusOK) }
func (w *pipedResponse) WriteHeader(status int) {
	w.once.Do(func() { w.status = status; close(w.begun) })
}

func (w *pipedResponse) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(p) == 0 {
		return 0, nil
	}
	return w.pipe.Write(p)
}

type closer struct {
	io.ReadCloser
	cancel func()
}

func (c closer) Close() error {
	c.cancel()
	return c.ReadCloser.Close()
}

// both runs a test for a plain and for a streamed call.
func both(t *testing.T, run func(t *testing.T, onText func(string))) {
	t.Helper()
	t.Run("plain", func(t *testing.T) { run(t, nil) })
	t.Run("streamed", func(t *testing.T) { run(t, func(string) {}) })
}

// wantCode fails unless err is a *study.Error with the code, and returns it.
func wantCode(t *testing.T, err error, code study.Code) *study.Error {
	t.Helper()
	e, ok := errors.AsType[*study.Error](err)
	if !ok || e.Code != code {
		t.Fatalf("error is %v, want code %s", err, code)
	}
	return e
}

// wantCalls fails unless the fake was called n times.
func wantCalls(t *testing.T, server *fakellm.Server, n int) {
	t.Helper()
	if got := server.Counts().Calls; got != n {
		t.Errorf("upstream was called %d times, want %d", got, n)
	}
}

// spill returns everything that an error could reveal to a log.
func spill(err error) string {
	if err == nil {
		return ""
	}
	out := []string{err.Error()}
	if e, ok := err.(*study.Error); ok {
		out = append(out, e.Message)
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		out = append(out, spill(e.Unwrap()))
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			out = append(out, spill(inner))
		}
	}
	return strings.Join(out, "\n")
}

// wantNoCanary fails if an error contains a canary.
func wantNoCanary(t *testing.T, err error) {
	t.Helper()
	for _, canary := range []string{keyCanary, promptCanary, "fake upstream", "key-canary"} {
		if strings.Contains(spill(err), canary) {
			t.Errorf("error contains %q: %s", canary, spill(err))
		}
	}
}
