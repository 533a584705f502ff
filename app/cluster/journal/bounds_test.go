package journal

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

func wantCode(t *testing.T, what string, err error, code study.Code) {
	t.Helper()
	if err == nil || study.AsError(err).Code != code {
		t.Errorf("%s: error is %v, want code %s", what, err, code)
	}
}

// begun begins a run in a new session.
func begun(t testing.TB, j stream.Journal) (stream.Writer, stream.RunInfo) {
	t.Helper()
	info := runInfo()
	w, err := j.Begin(context.Background(), info)
	if err != nil {
		t.Fatal("Begin:", err)
	}
	return w, info
}

func finish(t testing.TB, w stream.Writer) {
	t.Helper()
	if err := w.Append(context.Background(), study.Event{Kind: study.KindComplete}); err != nil {
		t.Fatal("the end:", err)
	}
}

func TestOneRunMoreThanMaxRunsIsRefused(t *testing.T) {
	p := started(t, redistest.Start(t).URL(), Options{MaxRuns: 2})
	begun(t, p)
	w, _ := begun(t, p)
	_, err := p.Begin(t.Context(), runInfo())
	wantCode(t, "one past MaxRuns", err, study.CodeOverloaded)
	finish(t, w)
	begun(t, p)
}

func TestOneReaderMoreThanMaxReadersIsRefused(t *testing.T) {
	p := started(t, redistest.Start(t).URL(), Options{MaxReaders: 2})
	wait := func() func() {
		return p.Await(stream.Query{Session: uuid.NewString()}, func(study.Batch, error) {})
	}
	gone := wait()
	wait()
	q := stream.Query{Session: uuid.NewString(), NoWait: true}
	_, err := p.Since(t.Context(), q)
	wantCode(t, "one past MaxReaders", err, study.CodeOverloaded)
	gone()
	gone()
	if _, err := p.Since(t.Context(), q); err != nil {
		t.Error("at MaxReaders:", err)
	}
}

func TestPastMaxSessionsTheOldestReadOneGoesAndOpenOnesStay(t *testing.T) {
	p := started(t, redistest.Start(t).URL(), Options{MaxSessions: 2, buckets: 1})
	w, old := begun(t, p)
	finish(t, w)
	if got := follow(t.Context(), p, old.Session); got.fault != nil {
		t.Fatal(got.fault)
	}
	begun(t, p)
	open, _ := begun(t, p) // it replaces the one that was read
	if b, err := p.Since(t.Context(), stream.Query{Session: old.Session, NoWait: true}); err != nil || b.Next != (study.Position{}) {
		t.Errorf("the session read is still there: %+v, %v", b, err)
	}
	_, err := p.Begin(t.Context(), runInfo())
	wantCode(t, "one past MaxSessions", err, study.CodeOverloaded)
	finish(t, open) // its end is unread
	_, err = p.Begin(t.Context(), runInfo())
	wantCode(t, "with an unread end", err, study.CodeOverloaded)
}

func TestPastMaxBytesARunLivesOnItsNewestEventsOrContinuesWithoutRedis(t *testing.T) {
	server := redistest.Start(t)
	p := started(t, server.URL(), Options{MaxBytes: 8 << 10, MaxEventBytes: 6 << 10, buckets: 1})
	w, info := begun(t, p)
	for range 20 {
		if err := w.Append(t.Context(), progress(strings.Repeat("x", 1000))); err != nil {
			t.Fatal(err)
		}
	}
	finish(t, w)
	held, err := strconv.Atoi(server.Client(t).Get(t.Context(), p.bases[0]+"bytes").Val())
	if err != nil || held > 8<<10 {
		t.Errorf("%d bytes are counted, %v", held, err)
	}
	got := follow(t.Context(), p, info.Session)
	if got.fault != nil || got.missed == 0 || got.last != study.KindComplete {
		t.Errorf("the reader got %+v", got)
	}
	other, _ := begun(t, p)
	second, left := begun(t, p)
	_ = other.Append(t.Context(), progress(strings.Repeat("x", 5000)))
	testkit.Eventually(t, "it is sent", func() bool { return !p.unsent() })
	_ = second.Append(t.Context(), progress(strings.Repeat("x", 5000)))
	testkit.Eventually(t, "a run without room continues without Redis", func() bool { return p.Stats().Detached == 1 })
	finish(t, second)
	if b, err := p.Since(t.Context(), stream.Query{Session: left.Session, NoWait: true}); err != nil || b.Next != (study.Position{}) {
		t.Errorf("its session is still there: %+v, %v", b, err)
	}
}

func TestWhatAProcessQueuesWhileRedisIsAwayIsBounded(t *testing.T) {
	server := redistest.Start(t)
	p := started(t, server.URL(), Options{MaxQueueBytes: 50_000})
	var runs []stream.Writer
	for range 3 {
		w, _ := begun(t, p)
		runs = append(runs, w)
	}
	server.Kill()
	testkit.Eventually(t, "Redis is known to be away", func() bool { return !p.conn.Up() })
	for range 10 {
		for _, w := range runs {
			say(t, w, progress(strings.Repeat("x", 10_000)))
		}
	}
	// Each run keeps its newest event, however many the others have.
	if s := p.Stats(); s.QueuedBytes > 50_000+2*11_000 || s.QueuedBytes < 30_000 || s.DroppedEvents == 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestStaleSessionsGoAndTheirOpenRunsContinueWithoutRedis(t *testing.T) {
	server := redistest.Start(t)
	a := started(t, server.URL(), Options{StaleAfter: 400 * time.Millisecond})
	b := started(t, server.URL(), Options{StaleAfter: 400 * time.Millisecond})
	w, info := begun(t, a)
	_ = w.Append(t.Context(), token("x"))
	got := follow(t.Context(), b, info.Session)
	if !study.IsCode(got.fault, study.CodeNotFound) || got.text != "x" {
		t.Errorf("the reader got %+v", got)
	}
	_ = w.Append(t.Context(), token("y"))
	testkit.Eventually(t, "the run continues without Redis", func() bool { return a.Stats().Detached == 1 })
	finish(t, w)
	client := server.Client(t)
	testkit.Eventually(t, "nothing is left but leases", func() bool {
		keys, err := client.Keys(context.Background(), "studysharper:{*").Result()
		return err == nil && len(keys) == 0
	})
}

func TestAFullRedisIsOneThatIsAwayAndNothingOfASessionExpires(t *testing.T) {
	server := redistest.Start(t, "--maxmemory", "4mb", "--maxmemory-policy", "volatile-lru")
	p := started(t, server.URL(), Options{})
	w, info := begun(t, p)
	_ = w.Append(t.Context(), token("x"))
	testkit.Eventually(t, "it is sent", func() bool { return !p.unsent() })
	client := server.Client(t)
	for i := 0; ; i++ {
		if err := client.Set(t.Context(), "cache:"+strconv.Itoa(i), strings.Repeat("y", 10_000), time.Hour).Err(); err != nil || i > 2000 {
			break
		}
	}
	if got, err := p.Since(t.Context(), stream.Query{Session: info.Session}); err != nil || len(got.Events) != 1 {
		t.Errorf("the cache pushed a journal out: %+v, %v", got, err)
	}
	client.ConfigSet(t.Context(), "maxmemory-policy", "noeviction")
	client.ConfigSet(t.Context(), "maxmemory", "1mb")
	_, err := p.Begin(t.Context(), runInfo())
	wantCode(t, "a full Redis", err, study.CodeUnavailable)
	_ = w.Append(t.Context(), token("y"))
	client.Del(t.Context(), client.Keys(t.Context(), "cache:*").Val()...)
	client.ConfigSet(t.Context(), "maxmemory", "8mb")
	finish(t, w)
	if got := follow(t.Context(), p, info.Session); got.fault != nil || got.missed != 0 || got.text != "xy" || got.last != study.KindComplete {
		t.Errorf("the reader got %+v", got)
	}
}

func TestWhatEventsAndReadersCost(t *testing.T) {
	server := redistest.Start(t)
	a, b := started(t, server.URL(), Options{}), started(t, server.URL(), Options{})
	const events = 300
	w, info := begun(t, a)
	done := make(chan watched, 1)
	go func() { done <- follow(t.Context(), b, info.Session) }()
	before := a.Stats().Scripts + b.Stats().Scripts
	in, out := network(t, server)
	for i := range events { // one at a time: the model is slower than Redis
		if err := w.Append(t.Context(), token(word(1, i))); err != nil {
			t.Fatal(err)
		}
		for a.unsent() {
			runtime.Gosched()
		}
	}
	finish(t, w)
	if got := <-done; got.fault != nil || got.missed != 0 {
		t.Errorf("the reader got %+v", got)
	}
	in2, out2 := network(t, server)
	calls := float64(a.Stats().Scripts+b.Stats().Scripts-before) / events
	t.Logf("an event in a process and its reader in another: %.2f calls, %d bytes to Redis, %d from it", calls, (in2-in)/events, (out2-out)/events)
	if calls > 3 {
		t.Errorf("an event costs %.1f calls, want its append and its read", calls)
	}

	const readers = 5000
	var m1, m2 runtime.MemStats
	goroutines := runtime.NumGoroutine()
	runtime.GC()
	runtime.ReadMemStats(&m1)
	for range readers {
		b.Await(stream.Query{Session: info.Session, After: study.Position{Epoch: 1}, Owner: "user-2"}, func(study.Batch, error) {})
		b.Await(stream.Query{Session: uuid.NewString()}, func(study.Batch, error) {})
	}
	testkit.Eventually(t, "all are registered", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.looks.items) == 0
	})
	runtime.GC()
	runtime.ReadMemStats(&m2)
	each := int64(m2.HeapAlloc-m1.HeapAlloc) / readers
	t.Logf("a waiting reader with a session of its own: %d bytes, %d goroutines for %d", each, runtime.NumGoroutine()-goroutines, readers)
	if each > 1200 || runtime.NumGoroutine() > goroutines+2 {
		t.Errorf("a waiting reader costs %d bytes; %d goroutines more", each, runtime.NumGoroutine()-goroutines)
	}
}

// network returns how many bytes a server has read and written.
func network(t *testing.T, server *redistest.Server) (in, out int) {
	t.Helper()
	info, err := server.Client(t).Info(t.Context(), "stats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "total_net_input_bytes:"); ok {
			in, _ = strconv.Atoi(v)
		}
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "total_net_output_bytes:"); ok {
			out, _ = strconv.Atoi(v)
		}
	}
	return in, out
}
