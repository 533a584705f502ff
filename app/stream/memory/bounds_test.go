package memory

import (
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"studysharper/app/stream"
	"studysharper/app/study"
)

func token(text string) study.Event {
	e, _ := study.NewEvent(study.KindToken, map[string]string{"text": text})
	return e
}

func event(kind study.Kind, size int) study.Event {
	return study.Event{Kind: kind, Fields: json.RawMessage(`{"x":"` + strings.Repeat("x", size-8) + `"}`)}
}

// start begins a run in a session of its own.
func start(t *testing.T, m *Journal, session string) stream.Writer {
	t.Helper()
	w, err := m.Begin(t.Context(), stream.RunInfo{Session: session, Run: uuid.NewString()})
	if err != nil {
		t.Fatal("Begin:", err)
	}
	return w
}

func appendTo(t *testing.T, w stream.Writer, events ...study.Event) {
	t.Helper()
	for _, e := range events {
		if err := w.Append(t.Context(), e); err != nil {
			t.Fatal("Append:", err)
		}
	}
}

func now(m *Journal, session string, after study.Position) (study.Batch, error) {
	return m.Since(context.Background(), stream.Query{Session: session, After: after, NoWait: true})
}

func wantCode(t *testing.T, what string, err error, code study.Code) {
	t.Helper()
	var e *study.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: error is %v, want code %s", what, err, code)
	}
}

// audit recounts what a Journal holds and compares it with its own counts.
func audit(t *testing.T, m *Journal) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	var want Stats
	want.Runs = len(m.silent)
	var requests int64
	listed := map[*list.List]int{}
	for _, s := range m.sessions {
		want.QueuedBytes += sessionCost + int64(len(s.past))*pastCost
		want.QueuedEvents += len(s.ring)
		if s.busy() {
			r := s.newest
			want.QueuedBytes += runCost
			want.Runs++
			want.QueuedBytes += int64(len(r.request))
			requests += int64(len(r.request))
			if _, orphan := m.orphans[r]; orphan != (r.expiry != nil) || orphan && r.request == nil || r.in != s || r.over != nil {
				t.Fatal("an open run is an orphan by half")
			}
		}
		for i, e := range s.ring {
			want.QueuedBytes += cost(e.Event)
			if i > 0 && s.ring[i-1].Seq >= e.Seq {
				t.Fatalf("event %d is behind %d", e.Seq, s.ring[i-1].Seq)
			}
		}
		if len(s.ring) > m.o.MaxEvents {
			t.Fatalf("a session keeps %d events", len(s.ring))
		}
		if lru := m.lruFor(s); lru != s.lru {
			t.Fatal("a session is in the wrong list")
		}
		if s.lru != nil {
			listed[s.lru]++
		}
		for i, w := range s.waiting {
			if w.in != s || w.index != i || w.done {
				t.Fatal("a waiter is registered wrongly")
			}
		}
		if s.newest == nil && len(s.waiting) == 0 {
			t.Fatal("a session is kept for nobody")
		}
	}
	for _, lru := range []*list.List{&m.read, &m.unread, &m.running} {
		if lru.Len() != listed[lru] {
			t.Fatalf("a list holds %d sessions, %d say they are there", lru.Len(), listed[lru])
		}
	}
	got := m.stats
	if got.QueuedBytes != want.QueuedBytes || got.QueuedEvents != want.QueuedEvents || got.Runs != want.Runs {
		t.Fatalf("counted %+v, there are %+v", got, want)
	}
	if requests != m.requests || requests > m.o.MaxBytes/4 || len(m.orphans) > got.Runs {
		t.Fatalf("counted %d bytes of requests, there are %d; %d orphans", m.requests, requests, len(m.orphans))
	}
	if got.QueuedBytes > m.o.MaxBytes || len(m.sessions) > m.o.MaxSessions {
		t.Fatalf("past a bound: %+v, %d sessions", got, len(m.sessions))
	}
}

func TestMemoryRefusesOneSessionRunAndReaderTooMany(t *testing.T) {
	m := New(Options{MaxSessions: 3, MaxRuns: 2, MaxReaders: 2})
	a, b := uuid.NewString(), uuid.NewString()
	start(t, m, a)
	w := start(t, m, b)
	_, err := m.Begin(t.Context(), stream.RunInfo{Session: uuid.NewString(), Run: uuid.NewString()})
	wantCode(t, "a run past MaxRuns", err, study.CodeOverloaded)
	_, err = m.Begin(t.Context(), stream.RunInfo{Session: uuid.NewString(), Run: uuid.NewString(), Silent: true})
	wantCode(t, "a silent run past MaxRuns", err, study.CodeOverloaded)

	answers := make(chan error, 3)
	deliver := func(_ study.Batch, err error) { answers <- err }
	pending := uuid.NewString()
	cancel := m.Await(stream.Query{Session: pending}, deliver)
	m.Await(stream.Query{Session: uuid.NewString()}, deliver)
	wantCode(t, "a wait past MaxSessions", <-answers, study.CodeOverloaded)
	m.Await(stream.Query{Session: pending}, deliver)()
	cancelA := m.Await(stream.Query{Session: a}, deliver)
	m.Await(stream.Query{Session: a}, deliver)
	wantCode(t, "a wait past MaxReaders", <-answers, study.CodeOverloaded)
	audit(t, m)

	cancelA()
	appendTo(t, w, study.Event{Kind: study.KindComplete})
	_, err = m.Begin(t.Context(), stream.RunInfo{Session: uuid.NewString(), Run: uuid.NewString()})
	wantCode(t, "a session past MaxSessions while all are waited for, running or unread", err, study.CodeOverloaded)
	cancel()
	start(t, m, uuid.NewString())
	if got := m.Stats(); got.Sessions != 3 || got.Readers != 0 {
		t.Errorf("%+v; want the session that was only waited for to have gone", got)
	}
	audit(t, m)
}

func TestAtMaxSessionsTheOneFinishedAndReadLongestAgoGoes(t *testing.T) {
	m := New(Options{MaxSessions: 3})
	ids := []string{uuid.NewString(), uuid.NewString(), uuid.NewString()}
	for _, id := range ids {
		appendTo(t, start(t, m, id), study.Event{Kind: study.KindComplete})
	}
	var last study.Position
	for _, i := range []int{1, 0} { // 2 stays unread
		b, _ := now(m, ids[i], study.Position{})
		last = b.Next
	}
	start(t, m, uuid.NewString())
	if _, err := now(m, ids[0], last); err != nil {
		t.Error("the one read last went:", err)
	}
	if b, err := now(m, ids[1], study.Position{}); err != nil || len(b.Events) > 0 || b.Next != (study.Position{}) {
		t.Errorf("the one read first is still there: %+v, %v", b, err)
	}
	audit(t, m)
}

func TestMaxBytesIsNeverPassedAndUnreadEndsStay(t *testing.T) {
	const size = 1000
	o := Options{MaxEventBytes: 4 * size, MaxBytes: 10 * (sessionCost + eventCost + size)}
	m := New(o)
	var ids []string
	for range 9 {
		id := uuid.NewString()
		ids = append(ids, id)
		appendTo(t, start(t, m, id), event(study.KindProgress, size), event(study.KindComplete, size))
		audit(t, m)
	}
	lost := make(chan error, 1)
	w, err := m.Begin(t.Context(), stream.RunInfo{Session: uuid.NewString(), Run: uuid.NewString(), OnLost: func(err error) { lost <- err }})
	if err != nil {
		t.Fatal(err)
	}
	appendTo(t, w, event(study.KindProgress, size/4))
	wantCode(t, "an event that nothing makes room for", w.Append(t.Context(), event(study.KindProgress, 4*size)), study.CodeOverloaded)
	wantCode(t, "OnLost", <-lost, study.CodeOverloaded)
	wantCode(t, "an event behind", w.Append(t.Context(), study.Event{Kind: study.KindComplete}), study.CodeOverloaded)
	audit(t, m)
	_, err = m.Begin(t.Context(), stream.RunInfo{Session: uuid.NewString(), Run: uuid.NewString()})
	wantCode(t, "a run past MaxBytes", err, study.CodeOverloaded)
	for _, id := range ids {
		b, err := now(m, id, study.Position{})
		if err != nil || len(b.Events) == 0 || b.Events[len(b.Events)-1].Kind != study.KindComplete || !b.Ended {
			t.Errorf("an unread end is gone: %+v, %v", b, err)
		}
	}
	appendTo(t, start(t, m, uuid.NewString()), event(study.KindComplete, size)) // now that all are read there is room
	audit(t, m)
	if m.Stats().DroppedEvents == 0 {
		t.Error("nothing was counted as dropped")
	}
}

func TestAtMaxBytesTheOldestReadSessionGoesBeforeAnyRunsEvents(t *testing.T) {
	const size = 1000
	m := New(Options{MaxBytes: sessionCost + runCost + 6*(eventCost+size)})
	running, read := uuid.NewString(), uuid.NewString()
	w := start(t, m, running)
	appendTo(t, w, event(study.KindProgress, size), event(study.KindProgress, size))
	appendTo(t, start(t, m, read), event(study.KindProgress, size), event(study.KindComplete, size))
	b, _ := now(m, read, study.Position{})
	appendTo(t, w, event(study.KindProgress, size), event(study.KindProgress, size))
	if _, err := now(m, read, b.Next); err == nil {
		t.Error("the read session is still there")
	}
	if b, _ := now(m, running, study.Position{}); b.Missed != 0 || len(b.Events) != 4 {
		t.Errorf("the running session lost events: %+v", b)
	}
	appendTo(t, w, event(study.KindProgress, size), event(study.KindProgress, size), event(study.KindProgress, size))
	if b, _ := now(m, running, study.Position{}); b.Missed != 1 || len(b.Events) != 6 {
		t.Errorf("missed %d, %d events; want the running session's own oldest to go", b.Missed, len(b.Events))
	}
	audit(t, m)
}

func TestStaleSessionsAreFreedAndTheirRunsEnded(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	synctest.Test(t, func(t *testing.T) {
		const stale = time.Minute
		m := New(Options{StaleAfter: stale})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- m.Run(ctx) }()

		unread, silent, pending := uuid.NewString(), uuid.NewString(), uuid.NewString()
		appendTo(t, start(t, m, unread), study.Event{Kind: study.KindComplete})
		lost := make(chan error, 1)
		w, _ := m.Begin(ctx, stream.RunInfo{Session: silent, Run: uuid.NewString(), OnLost: func(err error) { lost <- err }})
		appendTo(t, w, study.Event{Kind: study.KindStart})
		waiting := make(chan error, 1)
		m.Await(stream.Query{Session: pending}, func(_ study.Batch, err error) { waiting <- err })

		time.Sleep(stale)
		synctest.Wait()
		if got := m.Stats(); got.Sessions != 3 {
			t.Fatalf("%+v at StaleAfter; want all three sessions", got)
		}
		time.Sleep(stale / 4)
		synctest.Wait()
		wantCode(t, "who waits for a stale session", <-waiting, study.CodeNotFound)
		wantCode(t, "OnLost of a silent run", <-lost, study.CodeTimeout)
		wantCode(t, "a silent run", w.Append(ctx, study.Event{Kind: study.KindComplete}), study.CodeTimeout)
		b, err := now(m, silent, study.Position{})
		if err != nil || len(b.Events) != 2 || b.Events[1].Kind != study.KindError || !b.Ended {
			t.Errorf("the silent run's journal: %+v, %v; want an error at its end", b, err)
		}
		if got := m.Stats(); got.Sessions != 1 || got.Readers != 0 {
			t.Errorf("%+v; want the silent run's session alone", got)
		}
		audit(t, m)
		time.Sleep(2 * stale)
		synctest.Wait()
		if got := m.Stats(); got != (Stats{DroppedEvents: got.DroppedEvents}) {
			t.Errorf("%+v at the end; want nothing left", got)
		}
		cancel()
		if err := <-ran; err != nil {
			t.Error("Run:", err)
		}
	})
}

func TestUnreadTokensAreJoinedInsteadOfDropped(t *testing.T) {
	const n = 160
	m := New(Options{MaxEvents: 20, MaxEventBytes: 4000})
	session := uuid.NewString()
	w := start(t, m, session)
	appendTo(t, w, study.Event{Kind: study.KindStart})
	var want strings.Builder
	for i := range n {
		text := fmt.Sprintf("%d \"quoted\\\" ü\n", i)
		want.WriteString(text)
		appendTo(t, w, token(text))
		audit(t, m)
		if i == 100 { // a reader comes and goes: events it has got must not change from here on
			if b, err := now(m, session, study.Position{}); err != nil || textOf(t, b.Events) != want.String() {
				t.Fatalf("in the middle: %d missed, %v", b.Missed, err)
			}
		}
	}
	appendTo(t, w, study.Event{Kind: study.KindComplete})
	b, err := now(m, session, study.Position{})
	if err != nil || b.Missed != 0 || textOf(t, b.Events) != want.String() {
		t.Fatalf("missed %d, %v, %d bytes of text, want %d", b.Missed, err, len(textOf(t, b.Events)), want.Len())
	}
	longest := slices.MaxFunc(b.Events, func(a, b study.Event) int { return len(a.Fields) - len(b.Fields) })
	if n := len(longest.Fields); n > stream.MaxJoinedBytes || n < stream.MaxJoinedBytes/2 {
		t.Errorf("the longest joined event has %d bytes, the bound is %d", n, stream.MaxJoinedBytes)
	}
	for i, e := range b.Events {
		if e.Seq != uint64(i+1) || len(e.Fields) > 4000 {
			t.Errorf("event %d has seq %d and %d bytes", i, e.Seq, len(e.Fields))
		}
	}
}

func TestTheNewestRunsUnreadEndStaysAmongOtherUnreadEnds(t *testing.T) {
	for _, most := range []int{1, 3} {
		m := New(Options{MaxEvents: most})
		session := uuid.NewString()
		for i := range 5 {
			appendTo(t, start(t, m, session), study.Event{Kind: study.KindComplete, Fields: fmt.Appendf(nil, `{"i":%d}`, i)})
			audit(t, m)
		}
		if b, err := now(m, session, study.Position{}); err != nil || len(b.Events) != 1 || string(b.Events[0].Fields) != `{"i":4}` || !b.Ended {
			t.Errorf("with room for %d: %+v, %v; want the newest run's end", most, b, err)
		}
	}
}

func textOf(t *testing.T, events []study.Event) string {
	t.Helper()
	var all strings.Builder
	for _, e := range events {
		var f struct{ Text string }
		if len(e.Fields) > 0 {
			if err := json.Unmarshal(e.Fields, &f); err != nil {
				t.Fatalf("fields %q: %v", e.Fields, err)
			}
		}
		all.WriteString(f.Text)
	}
	return all.String()
}

func TestBoundsBelowZeroPanic(t *testing.T) {
	for _, broken := range []func(){
		func() { New(Options{MaxEvents: -1}) },
		func() { New(Options{StaleAfter: -1}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			broken()
		}()
	}
}
