package journal

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/cluster/redistest"
	"studysharper/app/stream"
	"studysharper/app/study"
)

// A worker is replaced while Redis is away: what it holds must be in Redis before it goes.
func TestWhoLeavesDuringAnOutageDeliversItsRunsFirst(t *testing.T) {
	server := redistest.Start(t)
	a := started(t, server.URL(), Options{})
	ended, first := begun(t, a)
	finish(t, ended) // Redis has it, and loses it
	w, second := begun(t, a)
	say(t, w, token("x"))
	server.Kill()
	eventually(t, 10*time.Second, "it is missed", func() bool { return !a.conn.Up() })
	say(t, w, token("y"), study.Event{Kind: study.KindComplete})
	delivered := make(chan struct{})
	go func() { a.Deliver(context.Background()); close(delivered) }()
	select {
	case <-delivered:
		t.Fatal("it does not wait for Redis")
	case <-time.After(3 * pause):
	}
	server.Resume(t)
	<-delivered
	a.stop()
	b := started(t, server.URL(), Options{})
	for _, info := range []stream.RunInfo{first, second} {
		if got := follow(t.Context(), b, info.Session); got.fault != nil || got.missed > 0 || got.last != study.KindComplete {
			t.Errorf("a run of a process that has left: %+v", got)
		}
	}
}

func TestWhoOwesNothingLeavesAtOnce(t *testing.T) {
	server := redistest.Start(t)
	a := started(t, server.URL(), Options{})
	w, _ := begun(t, a)
	finish(t, w)
	began := time.Now()
	a.Deliver(t.Context())
	if took := time.Since(began); took >= lostAfter { // it would be let go then, whatever it had pending
		t.Errorf("it left after %v", took)
	}
	server.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 2*pause)
	defer cancel()
	a.Deliver(ctx)
}

// The reader's place was taken over from a worker that has left with all that Redis has lost.
func TestAReaderWhoComesForWhatIsLostIsToldSo(t *testing.T) {
	server := redistest.Start(t)
	a := started(t, server.URL(), Options{})
	w, info := begun(t, a)
	say(t, w, token("x"))
	sent(t, a)
	at, err := a.Since(t.Context(), stream.Query{Session: info.Session})
	if err != nil {
		t.Fatal(err)
	}
	a.stop()
	flushed(t, server)
	b := started(t, server.URL(), Options{})
	told := make(chan error, 1)
	b.Await(stream.Query{Session: info.Session, After: at.Next}, func(_ study.Batch, err error) { told <- err })
	key := uuid.MustParse(info.Session)
	eventually(t, 20*time.Second, "it is missed", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		s := b.watches[key]
		if s.missing.IsZero() {
			return false
		}
		s.missing = s.missing.Add(-2 * lostAfter)
		s.waiters[0].missing = s.missing
		return true
	})
	select {
	case err := <-told:
		wantCode(t, "a session that nobody puts back", err, study.CodeNotFound)
	case <-time.After(time.Minute):
		t.Error("the reader waits for ever")
	}
}
