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
	"studysharper/app/testkit"
)

func TestRunsContinueWhenASentinelMakesAReplicaTheMaster(t *testing.T) {
	master, _, url := redistest.Sentinel(t)
	a, b := started(t, url, roomy), started(t, url, roomy)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l := &traffic{t: t, ctx: ctx, writers: []stream.Journal{a, b}, readers: []stream.Journal{a, b}, lossy: true}
	for n := range 4 {
		l.run(n, 600, 10*time.Millisecond)
	}
	testkit.Eventually(t, "the load continues", func() bool { return l.said.Load() > 400 })
	master.Kill()
	l.all.Wait()
}

func TestRunsContinueWhenAClusterLosesAllItHeld(t *testing.T) {
	servers, url := redistest.Cluster(t)
	a, b := started(t, url, roomy), started(t, url, roomy)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l := &traffic{t: t, ctx: ctx, writers: []stream.Journal{a}, readers: []stream.Journal{a, b}, lossy: true}
	for n := range 6 {
		l.run(n, 600, 10*time.Millisecond)
	}
	for _, s := range servers {
		testkit.Eventually(t, "the load continues", func() bool { return l.said.Load() > 400 })
		s.Kill()
		testkit.Pause(300 * time.Millisecond) // so long it is away
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
	testkit.Eventually(t, "it is sent", func() bool { return !p.unsent() })
}

func TestAnOpenRunIsPutBackUnderItsNumbersAndWithoutItsEvents(t *testing.T) {
	server := redistest.Start(t)
	a, b := started(t, server.URL(), Options{}), started(t, server.URL(), Options{})
	w, info := begun(t, a)
	for i := range 10 {
		say(t, w, progress(fmt.Sprint(i)))
	}
	sent(t, a)
	read, err := b.Since(t.Context(), stream.Query{Session: info.Session})
	if err != nil || read.Next.Seq != 10 {
		t.Fatal(read, err)
	}
	flushed(t, server)
	say(t, w, progress("10"), study.Event{Kind: study.KindComplete}) // a finds out by its append
	next, err := b.Since(t.Context(), stream.Query{Session: info.Session, After: read.Next})
	if err != nil || next.Missed != 0 || len(next.Events) != 2 || next.Events[0].Seq != 11 || next.Next.Epoch != read.Next.Epoch || !next.Ended {
		t.Errorf("a reader who had everything gets %+v, %v", next, err)
	}
	if all, err := b.Since(t.Context(), stream.Query{Session: info.Session, Run: info.Run}); err != nil || all.Missed != 10 || len(all.Events) != 2 || !all.Ended {
		t.Errorf("a new reader gets %+v, %v", all, err)
	}
	if n := a.Stats(); n.Restored != 1 || n.Runs != 0 || n.QueuedBytes != 0 {
		t.Errorf("stats %+v", n)
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
	if err != nil || len(all.Events) != 1 || all.Missed != 0 {
		t.Errorf("the session has %+v, %v", all, err)
	}
	if rest, err := b.Since(t.Context(), stream.Query{Session: info.Session, After: all.Next}); err != nil || len(rest.Events) != 1 || rest.Missed != 2 {
		t.Errorf("after what was lost: %+v, %v", rest, err)
	}
}

func TestARunInWhoseSessionAnotherBeganMeanwhileIsNotPutBack(t *testing.T) {
	server := redistest.Start(t)
	a, b := started(t, server.URL(), Options{}), started(t, server.URL(), Options{})
	info := runInfo()
	lost := make(chan error, 1)
	info.OnLost = func(err error) { lost <- err }
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
	info.Run, info.OnLost = uuid.NewString(), nil
	newer, err := b.Begin(t.Context(), info)
	if err != nil {
		t.Fatal(err)
	}
	say(t, newer, token("new"))
	_ = older.Append(t.Context(), token("er"))
	wantCode(t, "the older run", <-lost, study.CodeUnavailable)
	finish(t, newer)
	got, err := b.Since(t.Context(), stream.Query{Session: info.Session, After: at.Next})
	if err != nil || got.Missed == 0 || len(got.Events) != 2 || text(got.Events[0]) != "new" || !got.Ended {
		t.Errorf("the reader of the older run: %+v, %v; want a gap and the newer one", got, err)
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
	testkit.Eventually(t, "the writer hears of it", func() bool {
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
	testkit.Eventually(t, "Redis is known to be away", func() bool { return !a.conn.Up() })
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
	delete(a.runs, runKey{uuid.MustParse(info.Session), uuid.MustParse(info.Run)}) // as if its process had died with Redis
	a.mu.Unlock()
	flushed(t, server)
	b.mu.Lock()
	b.since = time.Now()
	b.mu.Unlock()
	b.requeueReaders(true)
	if _, err := b.Since(t.Context(), stream.Query{Session: info.Session, NoWait: true}); err != nil || len(told) > 0 {
		t.Error("it is told before a writer could put it back", err)
	}
	b.mu.Lock()
	b.since = time.Time{}
	b.mu.Unlock()
	b.requeueReaders(true)
	wantCode(t, "a session that nobody puts back", <-told, study.CodeNotFound)
}
