package journal

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
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
		testkit.Pause(300 * time.Millisecond) // how long it is unreachable
		s.Resume(t)
	}
	l.all.Wait()
}

// flushed empties a server without its clients' knowledge.
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

// sent waits until Redis has everything that p was given.
func sent(t *testing.T, p *process) {
	t.Helper()
	testkit.Eventually(t, "it is sent", func() bool { return !p.unsent() })
}

func TestARunThatRedisHasLostContinuesWithoutItAndItsReadersAreLeftToItsRecord(t *testing.T) {
	server := redistest.Start(t)
	a, b := started(t, server.URL(), Options{}), started(t, server.URL(), Options{})
	w, info := begun(t, a)
	say(t, w, progress("1"))
	sent(t, a)
	read, err := b.Since(t.Context(), stream.Query{Session: info.Session})
	if err != nil || read.Next.Seq != 1 {
		t.Fatal(read, err)
	}
	flushed(t, server)
	say(t, w, progress("2")) // a finds out through its append
	testkit.Eventually(t, "the run continues without Redis", func() bool { return a.Stats().Detached == 1 })
	for _, q := range []stream.Query{{Session: info.Session, After: read.Next}, {Session: info.Session, After: read.Next, Run: info.Run}} {
		_, err := b.Since(t.Context(), q)
		wantCode(t, "a reader", err, study.CodeNotFound)
	}
	say(t, w, progress("3"))
	finish(t, w)
	if n := a.Stats(); n.Runs != 0 || n.QueuedBytes != 0 {
		t.Errorf("stats %+v", n)
	}
	if err := w.Append(t.Context(), progress("4")); err == nil {
		t.Error("an event follows the end")
	}
}

func TestAReaderAheadOfARedisThatLostItsTailIsSentNothingAgain(t *testing.T) {
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
	for key, value := range old { // like a replica that had not received the rest
		if err := client.RestoreReplace(t.Context(), key, 0, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	b.mu.Lock()
	b.since = time.Now()
	b.mu.Unlock()
	got := make(chan error, 1)
	b.requeueReaders(true)
	b.Await(stream.Query{Session: info.Session, After: at.Next}, func(_ study.Batch, err error) { got <- err })
	if _, err := b.Since(t.Context(), stream.Query{Session: info.Session, NoWait: true}); err != nil || len(got) > 0 {
		t.Fatal("the reader was answered", err)
	}
	say(t, w, progress("4"))
	wantCode(t, "the reader, when the writer has found the session behind", <-got, study.CodeNotFound)
}

func TestARunInWhoseSessionAnotherBeganMeanwhileDoesNotDisturbIt(t *testing.T) {
	server := redistest.Start(t)
	a, b := started(t, server.URL(), Options{}), started(t, server.URL(), Options{})
	older, info := begun(t, a)
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
	say(t, newer, token("new"))
	say(t, older, token("er"))
	finish(t, older)
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
	hurried(t)
	server := redistest.Start(t)
	a := started(t, server.URL(), Options{MaxEvents: 10})
	w, info := begun(t, a)
	say(t, w, progress("before"))
	sent(t, a)
	server.Freeze(t)
	testkit.Eventually(t, "Redis is known to be away", func() bool { return !a.conn.Up() })
	for i := range 30 {
		say(t, w, progress(fmt.Sprint(i)))
	}
	say(t, w, study.Event{Kind: study.KindComplete})
	if s := a.Stats(); s.QueuedEvents != 10 || s.DroppedEvents != 21 {
		t.Errorf("%d events wait, %d were dropped; want 10 and 21", s.QueuedEvents, s.DroppedEvents)
	}
	server.Thaw(t)
	sent(t, a)
	got := follow(t.Context(), a, info.Session)
	if got.fault != nil || got.missed != 22 || got.last != study.KindComplete {
		t.Errorf("the reader got %+v; want the newest ten events", got)
	}
}
