package httpapi

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/app/agent"
	"studysharper/app/httpserver"
	"studysharper/app/limit"
	"studysharper/app/memory/shm"
	"studysharper/app/metrics"
	"studysharper/app/store"
	"studysharper/app/stream"
	"studysharper/app/stream/hub"
	"studysharper/app/stream/memory"
	"studysharper/app/stream/record"
	"studysharper/app/study"
	"studysharper/app/testkit/openapitest"
)

const token = "0123456789abcdef-token"

// fakeRuns is a scripted Runs.
type fakeRuns struct {
	do     func(study.Request) (agent.Outcome, error)
	start  func(study.Request) (string, error)
	grade  func(study.Request, []study.OpenAnswer) (map[string]bool, string, error)
	drain  func(context.Context) error
	wait   func(context.Context) error // not nil: Do calls it first
	cached atomic.Bool
	full   atomic.Bool // RejectIfFull returns an error
	mu     sync.Mutex
	ended  []func() // callbacks of the runs started
}

func (r *fakeRuns) Do(ctx context.Context, q study.Request) (agent.Outcome, []study.Progress, error) {
	if r.wait != nil {
		if err := r.wait(ctx); err != nil {
			return agent.Outcome{}, nil, err
		}
	}
	outcome, err := r.do(q)
	return outcome, []study.Progress{{Step: 1, TotalSteps: study.TotalSteps}}, err
}
func (r *fakeRuns) RejectIfFull() error {
	if !r.full.Load() {
		return nil
	}
	return &study.Error{Code: study.CodeOverloaded, Message: "full", RetryAfter: time.Second}
}
func (r *fakeRuns) Start(q study.Request, ended func()) (string, error) {
	r.mu.Lock()
	r.ended = append(r.ended, ended)
	r.mu.Unlock()
	return r.start(q)
}
func (r *fakeRuns) Grade(_ context.Context, q study.Request, answers []study.OpenAnswer) (map[string]bool, string, error) {
	return r.grade(q, answers)
}
func (r *fakeRuns) Cached(context.Context, study.Request) bool { return r.cached.Load() }
func (r *fakeRuns) Drain(ctx context.Context) error {
	if r.drain != nil {
		return r.drain(ctx)
	}
	return nil
}

func answer(q study.Request) (agent.Outcome, error) {
	return agent.Outcome{Result: study.Result{Success: true, Intent: q.Type, Data: &study.Reply{Response: "yes", ContextUsed: study.ContextUsed{Notes: []study.NoteUsed{}}},
		UserID: q.UserID, SessionID: q.SessionID, Message: "done", IgnoredOptions: []string{}}}, nil
}

// face is a server on a real socket, with a real store and journal.
type face struct {
	t       *testing.T
	url     string
	address string
	runs    *fakeRuns
	journal *memory.Journal
	store   store.Store
	board   *metrics.Board
	server  *Server
	log     *lines
	fleet   *fakeFleet
	dead    atomic.Bool // whether the workers of all runs have died
}

// fakeFleet is a Fleet that records its calls.
type fakeFleet struct {
	cleared   []string
	reloads   int
	cancelled []string
	degraded  atomic.Pointer[[]string]
	quota     func() // not nil: called by QuotaReached
}

func (f *fakeFleet) Degraded() []string {
	if d := f.degraded.Load(); d != nil {
		return *d
	}
	return nil
}
func (f *fakeFleet) ClearCaches(pattern string) error {
	f.cleared = append(f.cleared, pattern)
	return nil
}
func (f *fakeFleet) Refresh() {}
func (f *fakeFleet) QuotaReached() {
	if f.quota != nil {
		f.quota()
	}
}
func (f *fakeFleet) Reload() error { f.reloads++; return nil }
func (f *fakeFleet) CancelRun(run string) error {
	f.cancelled = append(f.cancelled, run)
	return nil
}

// lines is a log that can be read while it is being written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func serve(t *testing.T, change ...func(*Options)) *face {
	t.Helper()
	f := &face{t: t, log: &lines{}, fleet: &fakeFleet{}, runs: &fakeRuns{do: answer, start: func(study.Request) (string, error) { return newID(), nil }}}
	url := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	ctx := context.Background()
	if err := store.Migrate(ctx, url); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.store, err = store.Open(ctx, url, store.Options{}); err != nil {
		t.Fatal(err)
	}
	f.board = metrics.NewBoard(shm.Local(metrics.BoardSize))
	page, _ := f.board.Claim(0, 1)
	f.journal = memory.New(memory.Options{MaxEvents: 100, MaxBytes: 1 << 20, MaxSessions: 100, StaleAfter: time.Minute})
	o := Options{Version: "test", Environment: "test", AdminToken: token, Origins: []string{"http://localhost:3000"},
		HTTP: httpserver.Options{MaxBodyBytes: 64 << 10, TransitBytes: 1 << 20}, Admission: Admission{MaxStreams: 3, Gate: limit.Unbounded(func() int64 { return 0 })},
		Cache: CacheBounds{Backend: "memory"}, Provider: "offline", Fleet: f.fleet, Runs: f.runs, Store: f.store, Journal: f.journal,
		Board: f.board, Own: f.board.Worker(page), Log: slog.New(slog.NewTextHandler(f.log, nil))}
	for _, c := range change {
		c(&o)
	}
	if o.AuthMode = cmp.Or(o.AuthMode, "none"); o.Tokens != nil && o.Accounts == nil {
		o.AuthMode = "jwt"
	}
	if o.Record == nil {
		o.Record = record.New(record.Options{Journal: o.Journal.(stream.Keeper), Runs: f.store, Alive: func(study.Run) bool { return !f.dead.Load() }})
	}
	f.serveStreams(&o)
	f.server = New(o)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = listener.Addr().String()
	f.url = "http://" + f.address
	served := make(chan error, 1)
	go func() { served <- f.server.Serve(listener.(*net.TCPListener)) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		err := f.server.Drain(ctx)
		f.disconnected(ctx)
		if err := errors.Join(err, <-served, f.store.Close()); err != nil {
			t.Errorf("drain: %v", err)
		}
	})
	return f
}

// disconnected waits until the last connection is closed: a drain counts a connection as gone shortly before it last
// touches the board.
func (f *face) disconnected(ctx context.Context) {
	for ctx.Err() == nil && f.open() > 0 {
		runtime.Gosched()
	}
}

// serveStreams opens the hub, unless the test has its own.
func (f *face) serveStreams(o *Options) {
	f.t.Helper()
	if o.Streams != nil {
		return
	}
	own, places := o.Own, o.Admission.Streams
	streams, err := hub.Open(hub.Options{Journal: o.Record.(stream.Awaiter), Keepalive: time.Minute, Stale: time.Minute,
		Count: func(n int64) { own.Shift(metrics.Streams, n) },
		Ended: func(place int32) { places.Release(limit.Place(place)) },
		Key:   func(place int32) uint64 { return places.Key(limit.Place(place)) },
		Add:   func(client uint64) int32 { return int32(places.Add(client)) }, Log: o.Log})
	if err != nil {
		f.t.Fatal(err)
	}
	o.Streams = streams
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- streams.Run(ctx) }()
	f.t.Cleanup(func() { // after the server's drain
		cancel()
		if err := <-ran; err != nil {
			f.t.Errorf("the hub: %v", err)
		}
	})
}

// reply is a response whose body has been read.
type reply struct {
	*http.Response
	body []byte
}

// ask sends a request; header pairs follow the body. The OpenAPI document must allow the answer.
func (f *face) ask(method, path, body string, header ...string) reply {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	res, err := client.Do(req)
	if err != nil {
		f.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	asked, _, _ := strings.Cut(path, "?")
	if err := document.Check(openapitest.Exchange{Method: method, Path: asked, Request: []byte(body),
		Status: res.StatusCode, Header: res.Header, Response: unpacked(f.t, res, got)}); err != nil {
		f.t.Errorf("not as the document has it: %v", err)
	}
	f.namesItsLimit(res)
	return reply{res, got}
}

// unpacked returns a body without its compression.
func unpacked(t *testing.T, res *http.Response, body []byte) []byte {
	t.Helper()
	if res.Header.Get("Content-Encoding") != "gzip" || len(body) == 0 {
		return body
	}
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// object returns the body as JSON.
func (r reply) object(t *testing.T) map[string]any {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(r.body, &got); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
	return got
}

func has(t *testing.T, got map[string]any, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if _, ok := got[key]; !ok {
			t.Errorf("%q is missing in %v", key, got)
		}
	}
}
