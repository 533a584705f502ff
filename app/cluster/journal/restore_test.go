package journal

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/cluster/redistest"
	"studysharper/app/stream"
	"studysharper/app/study"
)

func TestNothingIsLostWhenASentinelMakesAReplicaTheMaster(t *testing.T) {
	master, _, url := redistest.Sentinel(t)
	a, b := started(t, url, roomy), started(t, url, roomy)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l := &traffic{t: t, ctx: ctx, writers: []stream.Journal{a, b}, readers: []stream.Journal{a, b}}
	for n := range 4 {
		l.run(n, 600, 10*time.Millisecond)
	}
	eventually(t, time.Minute, "the load continues", func() bool { return l.said.Load() > 400 })
	master.Kill()
	l.all.Wait()
}

func TestNothingIsLostWhenAClusterLosesAllItHeld(t *testing.T) {
	servers, url := redistest.Cluster(t)
	a, b := started(t, url, roomy), started(t, url, roomy)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l := &traffic{t: t, ctx: ctx, writers: []stream.Journal{a}, readers: []stream.Journal{a, b}}
	for n := range 6 {
		l.run(n, 600, 10*time.Millisecond)
	}
	for _, s := range servers {
		eventually(t, time.Minute, "the load continues", func() bool { return l.said.Load() > 400 })
		s.Kill()
		time.Sleep(300 * time.Millisecond) // so long it is away
		s.Resume(t)
	}
	l.all.Wait()
}

// flushed empties a server behind its clients' backs.
func flushed(t *testing.T, server *redistest.Server) {
	t.Helper()
	if err := server.Client(t).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

func say(t *testing.T, w stream.Writer, events ...study.Event) {
	t.Helper()
	for _, e := range events {
		if err := w.Append(t.Context(), e); err != nil {
			t.Fatal("Append:", err)
		}
	}
}

// sent waits until Redis has all that p was given.
func sent(t *testing.T, p *process) {
	t.Helper()
	eventually(t, 10*time.Second, "it is sent", func() bool { return !p.unsent() })
}

func TestRunsOfOneSessionArePutBackUnderTheirNumbers(t *testing.T) {
	server := redistest.Start(t)
	a, b := started(t, server.URL(), Options{}), started(t, server.URL(), Options{})
	older := runInfo()
	first, err := a.Begin(t.Context(), older)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		say(t, first, progress(fmt.Sprint("first ", i)))
	}
	say(t, first, study.Event{Kind: study.KindComplete})
	newer := older
	newer.Run = uuid.NewString()
	second, err := b.Begin(t.Context(), newer)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		say(t, second, progress(fmt.Sprint("second ", i)))
	}
	sent(t, b)
	read := func(after study.Position) (of [2]study.Batch) {
		t.Helper()
		for i, run := range []string{older.Run, newer.Run} {
			if of[i], err = b.Since(t.Context(), stream.Query{Session: older.Session, Run: run, After: after}); err != nil {
				t.Fatal(err)
			}
		}
		return of
	}
	before := read(study.Position{})
	flushed(t, server)
	say(t, second, progress("second 10")) // b finds out by its append
	sent(t, b)
	a.returned() // and a later, with what stands before that
	eventually(t, 10*time.Second, "both are put back", func() bool { return a.Stats().Restored == 1 && b.Stats().Restored == 1 })
	after := read(study.Position{Epoch: before[0].Next.Epoch})
	for i, was := range before {
		if got := after[i]; got.Missed != 0 || len(got.Events) != 11 || got.Next.Epoch != was.Next.Epoch {
			t.Fatalf("put back of run %d: %+v", i, got)
		}
		for k, e := range was.Events {
			if got := after[i].Events[k]; got.Seq != e.Seq || string(got.Fields) != string(e.Fields) {
				t.Errorf("event %d is %s, was %s", e.Seq, got.Fields, e.Fields)
			}
		}
	}
	say(t, second, study.Event{Kind: study.KindComplete})
	end, err := b.Since(t.Context(), stream.Query{Session: older.Session, After: after[1].Next})
	if err != nil || end.Missed != 0 || len(end.Events) != 1 || !end.Ended {
		t.Errorf("the rest is %+v, %v", end, err)
	}
}

func TestAReaderAheadOfARedisThatLostItsTailWaitsForTheWriter(t *testing.T) {
	server := redistest.Start(t)
	a, b := started(t, server.URL(), Options{}), started(t, server.URL(), Options{})
	w, info := begun(t, a)
	say(t, w, progress("1"))
	sent(t, a)
	client := server.Client(t)
	old := map[string]string{}
	for _, kind := range []string{":j", ":m"} {
		key := a.base(uuid.MustParse(info.Session)) + info.Session + kind
		old[key] = client.Dump(t.Context(), key).Val()
	}
	say(t, w, progress("2"), progress("3"))
	sent(t, a)
	at, err := b.Since(t.Context(), stream.Query{Session: info.Session})
	if err != nil || at.Next.Seq != 3 {
		t.Fatal(at, err)
	}
	for key, value := range old { // as a replica that had not got the rest
		if err := client.RestoreReplace(t.Context(), key, 0, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	b.mu.Lock()
	b.since = time.Now()
	b.mu.Unlock()
	got := make(chan study.Batch, 1)
	b.requeueReaders(true)
	b.Await(stream.Query{Session: info.Session, After: at.Next}, func(b study.Batch, _ error) { got <- b })
	if _, err := b.Since(t.Context(), stream.Query{Session: info.Session, NoWait: true}); err != nil || len(got) > 0 {
		t.Fatal("the reader was answered", err)
	}
	say(t, w, progress("4"))
	if next := <-got; next.Missed != 0 || len(next.Events) != 1 || next.Next.Seq != 4 {
		t.Errorf("it got %+v, want event 4 alone", next)
	}
	all, err := b.Since(t.Context(), stream.Query{Session: info.Session})
	if err != nil || len(all.Events) != 4 || all.Missed != 0 {
		t.Errorf("the session has %+v, %v", all, err)
	}
}

func TestARunGoesOnInALaterLifeThatBeganBeforeItWasPutBack(t *testing.T) {
	server := redistest.Start(t)
	a, b := started(t, server.URL(), Options{}), started(t, server.URL(), Options{})
	info := runInfo()
	older, err := a.Begin(t.Context(), info)
	if err != nil {
		t.Fatal(err)
	}
	say(t, older, token("old"))
	sent(t, a)
	at, err := a.Since(t.Context(), stream.Query{Session: info.Session})
	if err != nil {
		t.Fatal(err)
	}
	flushed(t, server)
	info.Run = uuid.NewString()
	newer, err := b.Begin(t.Context(), info)
	if err != nil {
		t.Fatal(err)
	}
	say(t, newer, token("new"), study.Event{Kind: study.KindComplete})
	say(t, older, token("er"), study.Event{Kind: study.KindComplete})
	b1, err := b.Since(t.Context(), stream.Query{Session: info.Session, After: at.Next})
	if err != nil || b1.Missed == 0 || len(b1.Events) != 2 || text(b1.Events[0]) != "new" || b1.Ended {
		t.Errorf("the later life: %+v, %v; want a gap and the newer run", b1, err)
	}
	b2, err := b.Since(t.Context(), stream.Query{Session: info.Session, After: b1.Next})
	if err != nil || b2.Missed != 0 || len(b2.Events) != 3 || text(b2.Events[0])+text(b2.Events[1]) != "older" || !b2.Ended {
		t.Errorf("the later life: %+v, %v; want the older run behind the newer one", b2, err)
	}
}

func TestADroppedSessionIsNotPutBack(t *testing.T) {
	hurried(t)
	server := redistest.Start(t)
	p := newProxy(t, server.Addr())
	a, b := started(t, p.url(), Options{}), started(t, server.URL(), Options{})
	w, info := begun(t, a)
	say(t, w, token("x"))
	sent(t, a)
	p.mute(func([]byte) bool { return true })
	if err := b.Drop(t.Context(), info.Session); err != nil {
		t.Fatal(err)
	}
	p.mute(func([]byte) bool { return false })
	p.cut()
	eventually(t, 10*time.Second, "the writer hears of it", func() bool {
		err := w.Append(t.Context(), token("y"))
		return err != nil && study.AsError(err).Code == study.CodeNotFound
	})
	if got, err := b.Since(t.Context(), stream.Query{Session: info.Session, NoWait: true}); err != nil || got.Next != (study.Position{}) {
		t.Errorf("the session is back: %+v, %v", got, err)
	}
}

func TestAnOutageLongerThanTheBufferIsToldByAGap(t *testing.T) {
	server := redistest.Start(t)
	a := started(t, server.URL(), Options{MaxEvents: 10})
	w, info := begun(t, a)
	say(t, w, progress("before"))
	sent(t, a)
	server.Kill()
	eventually(t, 5*time.Second, "Redis is known to be away", func() bool { return !a.conn.Up() })
	for i := range 30 {
		say(t, w, progress(fmt.Sprint(i)))
	}
	say(t, w, study.Event{Kind: study.KindComplete})
	if s := a.Stats(); s.QueuedEvents != 10 || s.DroppedEvents != 21 {
		t.Errorf("%d events wait, %d were dropped; want 10 and 21", s.QueuedEvents, s.DroppedEvents)
	}
	server.Resume(t)
	sent(t, a)
	got := follow(t.Context(), a, info.Session)
	if got.fault != nil || got.missed != 22 || got.last != study.KindComplete {
		t.Errorf("the reader got %+v; want the newest ten events", got)
	}
}

func TestAReaderOfASessionThatNobodyPutsBackIsToldSo(t *testing.T) {
	server := redistest.Start(t)
	a, b := started(t, server.URL(), Options{}), started(t, server.URL(), Options{})
	w, info := begun(t, a)
	say(t, w, token("x"))
	sent(t, a)
	at, err := b.Since(t.Context(), stream.Query{Session: info.Session})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1)
	b.Await(stream.Query{Session: info.Session, After: at.Next}, func(_ study.Batch, err error) { told <- err })
	a.mu.Lock()
	a.release(a.runs[runKey{uuid.MustParse(info.Session), uuid.MustParse(info.Run)}]) // as if its process had died with Redis
	a.mu.Unlock()
	flushed(t, server)
	b.mu.Lock()
	b.since = time.Time{}
	b.mu.Unlock()
	b.requeueReaders(true)
	key := uuid.MustParse(info.Session)
	eventually(t, 10*time.Second, "it is missed", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, r := range b.watches[key].waiters {
			if !r.missing.IsZero() {
				r.missing = r.missing.Add(-2 * lostAfter)
				return true
			}
		}
		return false
	})
	b.requeueReaders(true)
	wantCode(t, "a session that nobody puts back", <-told, study.CodeNotFound)
}
