package stream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"studysharper/app/eventstream"
	"studysharper/app/study"
)

// client collects what Follow writes, Write by Write, with the time of each.
type client struct {
	writes []string
	at     []time.Duration
	start  time.Time
	fail   error
}

func (c *client) Write(b []byte) (int, error) {
	if c.fail != nil {
		return 0, c.fail
	}
	c.writes = append(c.writes, string(b))
	c.at = append(c.at, time.Since(c.start))
	return len(b), nil
}

// events takes apart all that was written.
func (c *client) events(t *testing.T) (events []eventstream.Event, datas []string) {
	t.Helper()
	r := eventstream.NewReader(strings.NewReader(strings.Join(c.writes, "")), eventstream.Limits{})
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return events, datas
		}
		if err != nil {
			t.Fatal(err)
		}
		datas = append(datas, string(e.Data))
		e.Data = nil
		events = append(events, e)
	}
}

// follow runs f in a bubble of fake time, with a journal and a session that
// Epoch 35 ("z" in ids) is the life of.
func follow(t *testing.T, f func(t *testing.T, m *Memory, c *client, q Query)) {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(MemoryOptions{Epoch: 35, MaxEvents: 20})
		f(t, m, &client{start: time.Now()}, Query{Session: uuid.NewString()})
	})
}

func number(kind study.Kind, n int) study.Event {
	return study.Event{Kind: kind, Fields: []byte(`{"n":` + strconv.Itoa(n) + `}`)}
}

func TestFollowSendsRetryAtOnceAndEventsToTheEnd(t *testing.T) {
	follow(t, func(t *testing.T, m *Memory, c *client, q Query) {
		done := make(chan error)
		var reached []study.Position
		o := FollowOptions{Retry: 700 * time.Millisecond, Written: func(p study.Position) { reached = append(reached, p) }}
		go func() { done <- Follow(t.Context(), m, q, o, c) }()
		synctest.Wait()
		if len(c.writes) != 1 || c.writes[0] != "retry: 700\n\n" {
			t.Fatalf("before any event: %q", c.writes)
		}
		w := start(t, m, q.Session)
		appendTo(t, w, number(study.KindStart, 1), number(study.KindProgress, 2))
		synctest.Wait()
		appendTo(t, w, number(study.KindComplete, 3))
		if err := <-done; err != nil {
			t.Fatal("Follow:", err)
		}
		want := `id: z.1
data: {"type":"start","seq":1,"n":1}

id: z.2
data: {"type":"progress","seq":2,"n":2}

id: z.3
data: {"type":"complete","seq":3,"n":3}

`
		if got := strings.Join(c.writes[1:], ""); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if len(reached) == 0 || reached[len(reached)-1] != (study.Position{Epoch: 35, Seq: 3}) {
			t.Errorf("Written was told %v", reached)
		}
	})
}

func TestFollowWritesABatchAtOnceUpToItsBound(t *testing.T) {
	follow(t, func(t *testing.T, m *Memory, c *client, q Query) {
		w := start(t, m, q.Session)
		for i := range 9 {
			appendTo(t, w, number(study.KindProgress, i))
		}
		appendTo(t, w, study.Event{Kind: study.KindComplete})
		if err := Follow(t.Context(), m, q, FollowOptions{Resumed: true}, c); err != nil || len(c.writes) != 1 {
			t.Errorf("%v, %d writes, want the batch in one", err, len(c.writes))
		}
		small, reached := &client{}, []uint64{}
		o := FollowOptions{Resumed: true, MaxBatchBytes: 14, Written: func(p study.Position) { reached = append(reached, p.Seq) }}
		if err := Follow(t.Context(), m, q, o, small); err != nil || len(small.writes) != 5 {
			t.Errorf("%v, %d writes, want 5: two events of 7 bytes reach the bound", err, len(small.writes))
		}
		if strings.Join(small.writes, "") != strings.Join(c.writes, "") {
			t.Errorf("the pieces differ from the whole: %q", small.writes)
		}
		if len(reached) != len(small.writes) || reached[len(reached)-1] != 10 {
			t.Errorf("Written was told %v", reached)
		}
	})
}

func TestFollowTellsOfAGapFirst(t *testing.T) {
	follow(t, func(t *testing.T, m *Memory, c *client, q Query) {
		w := start(t, m, q.Session)
		for i := range 30 {
			appendTo(t, w, number(study.KindProgress, i))
		}
		appendTo(t, w, study.Event{Kind: study.KindComplete})
		q.After = study.Position{Epoch: 35, Seq: 5}
		if err := Follow(t.Context(), m, q, FollowOptions{Resumed: true}, c); err != nil {
			t.Fatal(err)
		}
		events, datas := c.events(t)
		if len(events) != 21 || datas[0] != `{"type":"gap","seq":11,"missed":6}` || events[0].ID != "z.11" || events[1].ID != "z.12" {
			t.Errorf("%d events, first %s as %q, then %q", len(events), datas[0], events[0].ID, events[1].ID)
		}
	})
}

func TestFollowEndsAtOnceForWhoHasSeenTheEnd(t *testing.T) {
	follow(t, func(t *testing.T, m *Memory, c *client, q Query) {
		appendTo(t, start(t, m, q.Session), study.Event{Kind: study.KindComplete})
		q.After = study.Position{Epoch: 35, Seq: 1}
		if err := Follow(t.Context(), m, q, FollowOptions{Resumed: true}, c); err != nil || len(c.writes) != 0 {
			t.Errorf("%v, wrote %q", err, c.writes)
		}
	})
}

func TestFollowHoldsASessionNobodyHasPostedToForPendingFor(t *testing.T) {
	follow(t, func(t *testing.T, m *Memory, c *client, q Query) {
		if err := Follow(t.Context(), m, q, FollowOptions{Retry: time.Second}, c); err != nil {
			t.Fatal(err)
		}
		want := []string{"retry: 1000\n\n", ": keepalive\n\n", ": keepalive\n\n", ": keepalive\n\n",
			"data: {\"type\":\"error\",\"seq\":0,\"error\":\"nothing was asked for in this session\",\"retryable\":true}\n\n"}
		at := []time.Duration{0, 15 * time.Second, 30 * time.Second, 45 * time.Second, time.Minute}
		for i := range want {
			if i >= len(c.writes) || c.writes[i] != want[i] || c.at[i] != at[i] {
				t.Fatalf("wrote %q at %v, want %q at %v", c.writes, c.at, want, at)
			}
		}
		if got := m.Stats(); got.Sessions != 0 || got.Readers != 0 {
			t.Errorf("the journal keeps %+v", got)
		}
	})
}

func TestFollowWaitsLongerForARunThatHasBegun(t *testing.T) {
	follow(t, func(t *testing.T, m *Memory, c *client, q Query) {
		w := start(t, m, q.Session)
		done := make(chan error)
		go func() { done <- Follow(t.Context(), m, q, FollowOptions{}, c) }()
		time.Sleep(90 * time.Second)
		appendTo(t, w, study.Event{Kind: study.KindComplete})
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if _, datas := c.events(t); len(datas) != 1 || datas[0] != `{"type":"complete","seq":1}` {
			t.Errorf("got %q", datas)
		}
	})
}

func TestFollowEndsAStaleStreamWithAnError(t *testing.T) {
	follow(t, func(t *testing.T, m *Memory, c *client, q Query) {
		w := start(t, m, q.Session)
		appendTo(t, w, study.Event{Kind: study.KindStart})
		o := FollowOptions{Stale: 100 * time.Second, Keepalive: time.Hour}
		if err := Follow(t.Context(), m, q, o, c); err != nil {
			t.Fatal(err)
		}
		events, datas := c.events(t)
		if len(datas) != 2 || datas[1] != `{"type":"error","seq":1,"error":"nothing has happened for too long","retryable":true}` || events[1].ID != "z.1" {
			t.Errorf("got %q", datas)
		}
		if took := time.Since(c.start); took != 100*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

func TestFollowTellsTheClientThatItsSessionIsGone(t *testing.T) {
	follow(t, func(t *testing.T, m *Memory, c *client, q Query) {
		start(t, m, q.Session)
		done := make(chan error)
		go func() { done <- Follow(t.Context(), m, q, FollowOptions{}, c) }()
		synctest.Wait()
		if err := m.Drop(t.Context(), q.Session); err != nil {
			t.Fatal(err)
		}
		wantCode(t, "Follow", <-done, study.CodeNotFound)
		if _, datas := c.events(t); len(datas) != 1 || datas[0] != `{"type":"error","seq":0,"error":"there is no such session","retryable":false}` {
			t.Errorf("got %q", datas)
		}
	})
}

func TestFollowSaysNothingWhenTheClientCanComeBack(t *testing.T) {
	follow(t, func(t *testing.T, m *Memory, c *client, q Query) {
		start(t, m, q.Session)
		handedOver := errors.New("handed over")
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() { done <- Follow(ctx, m, q, FollowOptions{Resumed: true}, c) }()
		synctest.Wait()
		cancel(handedOver)
		if err := <-done; !errors.Is(err, handedOver) {
			t.Error("Follow:", err)
		}
		full := NewMemory(MemoryOptions{MaxReaders: 1})
		full.Await(Query{Session: q.Session}, func(study.Batch, error) {})
		wantCode(t, "Follow of a full journal", Follow(t.Context(), full, q, FollowOptions{Resumed: true}, c), study.CodeOverloaded)
		if len(c.writes) != 0 {
			t.Errorf("wrote %q", c.writes)
		}
	})
}

func TestFollowEndsWithItsClient(t *testing.T) {
	gone := errors.New("gone")
	follow(t, func(t *testing.T, m *Memory, _ *client, q Query) {
		for _, o := range []FollowOptions{{}, {Resumed: true}} {
			if err := Follow(t.Context(), m, q, o, &client{fail: gone}); !errors.Is(err, gone) {
				t.Error("Follow:", err)
			}
		}
		if got := m.Stats(); got.Readers != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestTheRetryOfEachClientIsItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for range 50 {
		var w bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = Follow(ctx, NewMemory(MemoryOptions{}), Query{Session: uuid.NewString()}, FollowOptions{}, &w)
		r := eventstream.NewReader(&w, eventstream.Limits{})
		_, _ = r.Next()
		if wait, ok := r.Retry(); !ok || wait < 500*time.Millisecond || wait > 3*time.Second {
			t.Fatalf("retry is %v, %v", wait, ok)
		}
		line, _ := r.Retry()
		seen[line.String()] = true
	}
	if len(seen) < 10 {
		t.Errorf("%d different ones of 50", len(seen))
	}
}
