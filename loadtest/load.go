package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	healthTimeout  = 10 * time.Second
	maxAnswerBytes = 16 << 20 // of an answer; a longer one fails
	userID         = "load-test-user"
)

// Failures that are not a status.
var (
	errNotJSON    = errors.New("answer is no JSON")
	errNoSuccess  = errors.New("status 200 without success")
	errTooLong    = errors.New("answer too long")
	errTimeout    = errors.New("timeout")
	errRefused    = errors.New("connection refused")
	errLost       = errors.New("connection lost")
	errUnreadable = errors.New("answer is no HTTP")
)

// newClient makes a client with a connection for each request at once. It follows
// no redirect: load goes to the target and nowhere else.
func newClient(s settings) *http.Client {
	return &http.Client{
		Transport: &http.Transport{MaxIdleConns: s.concurrent, MaxIdleConnsPerHost: s.concurrent,
			MaxConnsPerHost: s.concurrent, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// health asks the target how it is. It gives the status it names, and an error
// unless that is "healthy".
func health(ctx context.Context, c *http.Client, s settings) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, min(s.timeout, healthTimeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.target.JoinPath("health").String(), nil)
	if err != nil {
		return "", err
	}
	status, err := statusOf(c, req)
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot get a health answer from %s: %w", s.target.Redacted(), err)
	case status != "healthy":
		return "", fmt.Errorf("%s is not healthy: it says %.40q", s.target.Redacted(), status)
	}
	return status, nil
}

// statusOf makes a request and gives the `status` of a 200's JSON body. The error
// is a kind of failure: few enough to be counted by.
func statusOf(c *http.Client, req *http.Request) (string, error) {
	resp, err := c.Do(req)
	if err != nil {
		return "", kindOf(req.Context(), err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return "", kindOf(req.Context(), err)
	case resp.StatusCode != http.StatusOK:
		return "", fmt.Errorf("status %d", resp.StatusCode)
	case len(body) > maxAnswerBytes:
		return "", errTooLong
	}
	var answer struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return "", errNotJSON
	}
	return answer.Status, nil
}

// kindOf sorts the errors of a connection.
func kindOf(ctx context.Context, err error) error {
	slow, isNet := errors.AsType[net.Error](err)
	lookup, isLookup := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case ctx.Err() != nil, isNet && slow.Timeout():
		return errTimeout
	case isLookup:
		return fmt.Errorf("no such host %q", lookup.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return errRefused
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errLost
	default:
		return errUnreadable
	}
}

// outcome is one request made.
type outcome struct {
	took time.Duration
	err  error // nil = successful
}

// tally is what a run adds up to.
type tally struct {
	ok       int
	failures map[string]int
	took     time.Duration           // of the whole run
	times    *hdrhistogram.Histogram // of every request, microseconds
}

// failed is how many requests failed.
func (t *tally) failed() int {
	n := 0
	for _, count := range t.failures {
		n += count
	}
	return n
}

// passed reports whether more than nine tenths succeeded.
func (t *tally) passed() bool { return t.ok*10 > (t.ok+t.failed())*9 }

func (t *tally) add(o outcome) {
	// The bound is the histogram's highest value, so recording cannot fail.
	_ = t.times.RecordValue(min(max(o.took.Microseconds(), 1), maxTimeout.Microseconds()))
	if o.err == nil {
		t.ok++
		return
	}
	t.failures[o.err.Error()]++
}

// load makes all requests, s.concurrent at once, each worker its next when the one
// before is answered. done is called after each, from one goroutine. When ctx ends
// it stops, and requests that were in flight are not counted.
func load(ctx context.Context, c *http.Client, s settings, done func(*tally)) *tally {
	outcomes := make(chan outcome)
	var next atomic.Int64
	var workers sync.WaitGroup
	began := time.Now()
	for range min(s.concurrent, s.requests) {
		workers.Go(func() {
			for n := next.Add(1); n <= int64(s.requests) && ctx.Err() == nil; n = next.Add(1) {
				outcomes <- ask(ctx, c, s, n)
			}
		})
	}
	go func() {
		workers.Wait()
		close(outcomes)
	}()
	t := &tally{failures: map[string]int{}, times: hdrhistogram.New(1, maxTimeout.Microseconds(), 3)}
	for o := range outcomes {
		if errors.Is(o.err, context.Canceled) {
			continue
		}
		t.add(o)
		done(t)
	}
	t.took = time.Since(began)
	return t
}

// ask makes request number n.
func ask(ctx context.Context, c *http.Client, s settings, n int64) outcome {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	began := time.Now()
	var status string
	req, err := request(ctx, s, n)
	if err == nil {
		status, err = statusOf(c, req)
	}
	if err == nil && status != "success" {
		err = errNoSuccess
	}
	return outcome{took: time.Since(began), err: err}
}

// request makes the HTTP request number n.
func request(ctx context.Context, s settings, n int64) (*http.Request, error) {
	options := map[string]string{}
	if s.content != "" {
		options["content"] = s.content
	}
	body, err := json.Marshal(map[string]any{"type": s.kind, "user_id": userID,
		"message": fmt.Sprintf("Test message %d", n), "options": options})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.target.JoinPath("api/ai/agent-test").String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	// Without GetBody net/http cannot send the body again: a retry on its own
	// account would hide the very connections a server loses.
	req.GetBody = nil
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}
