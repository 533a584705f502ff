package failover_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"studysharper/app/cluster/failover"
	"studysharper/app/stream"
	"studysharper/app/stream/memory"
	"studysharper/app/stream/streamtest"
	"studysharper/app/study"
)

// away is a journal that can be made unreachable: then waits keep waiting, and all other calls fail.
type away struct {
	*memory.Journal
	down atomic.Bool
}

var errAway = study.Errorf(study.CodeUnavailable, "away")

func (a *away) Begin(ctx context.Context, info stream.RunInfo) (stream.Writer, error) {
	if a.down.Load() {
		return nil, errAway
	}
	return a.Journal.Begin(ctx, info)
}

func (a *away) Drop(ctx context.Context, session string) error {
	if a.down.Load() {
		return errAway
	}
	return a.Journal.Drop(ctx, session)
}

func (a *away) Await(q stream.Query, deliver func(study.Batch, error)) func() {
	if a.down.Load() && (q.NoWait || q.Peek) {
		deliver(study.Batch{}, errAway)
		return func() {}
	}
	return a.Journal.Await(q, deliver)
}

// pair is a failover with its two journals.
type pair struct {
	*failover.Journal
	shared *away
	local  *memory.Journal
	known  atomic.Bool // the failover knows that shared is unreachable
}

func newPair() *pair {
	o := memory.Options{MaxEvents: streamtest.MaxEvents, MaxEventBytes: streamtest.MaxEventBytes}
	p := &pair{local: memory.New(o)}
	o.Epoch = stream.SharedEpoch + 77
	p.shared = &away{Journal: memory.New(o)}
	p.Journal = failover.New(failover.Options{Shared: p.shared, Local: p.local, Up: func() bool { return !p.known.Load() }})
	return p
}

func (p *pair) leave() { p.shared.down.Store(true); p.known.Store(true) }
func (p *pair) back()  { p.shared.down.Store(false); p.known.Store(false); p.Returned() }

func (p *pair) say(t *testing.T, session, what string) {
	t.Helper()
	w, err := p.Begin(t.Context(), stream.RunInfo{Session: session, Run: runID(), Owner: "user-1"})
	if err == nil {
		err = w.Append(t.Context(), streamtest.Event(study.KindComplete, what))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p *pair) wantNewest(t *testing.T, session, want string) study.Position {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b, err := p.Since(ctx, stream.Query{Session: session})
	if err != nil || len(b.Events) != 1 || string(b.Events[0].Fields) != string(streamtest.Event("", want).Fields) {
		t.Errorf("the newest run is %+v, %v; want %q", b, err, want)
	}
	return b.Next
}

func TestFailoverKeepsTheContractWithSharedThereAndAway(t *testing.T) {
	for name, down := range map[string]bool{"there": false, "away": true} {
		t.Run(name, func(t *testing.T) {
			streamtest.Run(t, func(*testing.T) streamtest.Fixture {
				p := newPair()
				p.shared.down.Store(down) // and the failover does not know it yet
				return streamtest.Fixture{Writer: p, Reader: p}
			})
		})
	}
}

func TestRunsBeginInSharedUnlessItIsAway(t *testing.T) {
	p := newPair()
	p.say(t, uuid.NewString(), "a")
	if p.shared.Stats().Sessions != 1 || p.local.Stats().Sessions != 0 {
		t.Error("with Shared there the run did not begin in it")
	}
	p.leave()
	p.say(t, uuid.NewString(), "b")
	if p.shared.Stats().Sessions != 1 || p.local.Stats().Sessions != 1 {
		t.Error("with Shared away the run did not begin in Local")
	}
	p.back()
	p.say(t, uuid.NewString(), "c")
	if p.shared.Stats().Sessions != 2 || p.local.Stats().Sessions != 1 {
		t.Error("with Shared back the run did not begin in it")
	}
}

func TestReadersAreTakenToWhereTheNewestRunIs(t *testing.T) {
	p := newPair()
	session := uuid.NewString()
	p.say(t, session, "before")
	p.wantNewest(t, session, "before")
	p.leave()
	p.say(t, session, "meanwhile")
	at := p.wantNewest(t, session, "meanwhile")
	p.back()
	p.wantNewest(t, session, "meanwhile")
	p.say(t, session, "after")
	p.wantNewest(t, session, "after")
	b, err := p.Since(t.Context(), stream.Query{Session: session, After: at})
	if err != nil || len(b.Events) != 1 || b.Missed == 0 || b.Next.Epoch < stream.SharedEpoch {
		t.Errorf("after a position of Local's: %+v, %v; want a gap and the newest run", b, err)
	}
}

func TestASessionHasOneRunAtATimeAlsoWhenSharedGoesAway(t *testing.T) {
	for _, begin := range []bool{true, false} { // Shared is reachable when the first run begins, or when the second does
		p := newPair()
		if !begin {
			p.leave()
		}
		info := stream.RunInfo{Session: uuid.NewString(), Run: runID(), Owner: "user-1"}
		w, err := p.Begin(t.Context(), info)
		if err != nil {
			t.Fatal(err)
		}
		if begin {
			p.leave()
		} else {
			p.back()
		}
		first := info.Run
		info.Run = runID()
		if _, err := p.Begin(t.Context(), info); !study.IsCode(err, study.CodeConflict) || study.AsError(err).Run != first {
			t.Errorf("beside the first run: %v", err)
		}
		if err := w.Append(t.Context(), streamtest.Event(study.KindComplete, "x")); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Begin(t.Context(), info); err != nil {
			t.Error("after it:", err)
		}
	}
}

func TestAReaderThatCameFirstGetsWhatBeginsInEitherPlace(t *testing.T) {
	for _, during := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := newPair()
			if during {
				p.leave()
			}
			session, got := uuid.NewString(), make(chan study.Batch, 1)
			cancel := p.Await(stream.Query{Session: session}, func(b study.Batch, _ error) { got <- b })
			defer cancel()
			p.say(t, session, "x")
			if b := <-got; len(b.Events) != 1 {
				t.Errorf("it got %+v", b)
			}
			if p.shared.Stats().Readers+p.local.Stats().Readers != 0 {
				t.Error("one of its waits continues")
			}
			gone := p.Await(stream.Query{Session: uuid.NewString()}, func(study.Batch, error) { t.Error("a cancelled wait was answered") })
			if p.shared.Stats().Readers+p.local.Stats().Readers != 2 {
				t.Error("it does not wait in both")
			}
			gone()
			if p.shared.Stats().Readers+p.local.Stats().Readers != 0 {
				t.Error("a cancelled wait continues")
			}
		})
	}
}

func TestWhatIsDroppedWhileSharedIsAwayIsDroppedThereLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		session := uuid.NewString()
		p.say(t, session, "x")
		p.leave()
		if err := p.Drop(t.Context(), session); study.AsError(err).Code != study.CodeNotFound {
			t.Error("Drop of what Local has not got:", err)
		}
		p.back()
		synctest.Wait()
		if p.shared.Stats().Sessions != 0 {
			t.Error("the session is still there")
		}
		if err := p.Drop(t.Context(), session); study.AsError(err).Code != study.CodeNotFound {
			t.Error("Drop again:", err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAnOrphanIsTakenOverFromWhichJournalHasIt(t *testing.T) {
	p := newPair()
	info := stream.RunInfo{Session: uuid.NewString(), Run: uuid.NewString(), Owner: "user-1", Takeover: true}
	if _, err := p.Begin(t.Context(), info); study.AsError(err).Code != study.CodeNotFound {
		t.Error("an orphan of neither:", err)
	}
	p.leave()
	if _, err := p.Begin(t.Context(), info); study.AsError(err).Code != study.CodeNotFound {
		t.Error("an orphan of neither with Shared away:", err)
	}
}

// A run may begin in Shared without its caller learning of it: then it is aborted there, and
// begins in Local.
func TestAReaderWhoWaitsInSharedIsTakenToWhereTheRunWasMadeAfterAll(t *testing.T) {
	p, session := newPair(), uuid.NewString()
	unheard, err := p.shared.Begin(t.Context(), stream.RunInfo{Session: session, Run: uuid.NewString(), Owner: "user-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unheard.Close() }()
	type got struct {
		study.Batch
		error
	}
	read := func() <-chan got {
		answers := make(chan got, 1)
		t.Cleanup(p.Await(stream.Query{Session: session}, func(b study.Batch, err error) { answers <- got{b, err} }))
		return answers
	}
	waits := read()
	p.leave()
	p.say(t, session, "made here")
	p.back()
	if err := p.shared.Drop(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if g := <-waits; g.error != nil || len(g.Events) != 1 {
		t.Errorf("it gets %+v, %v", g.Batch, g.error)
	}
	if err := p.local.Drop(t.Context(), session); err != nil { // and a session that no journal has is not found
		t.Fatal(err)
	}
	again, err := p.shared.Begin(t.Context(), stream.RunInfo{Session: session, Run: uuid.NewString(), Owner: "user-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	waits = read()
	if err := p.Drop(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if g := <-waits; study.AsError(g.error).Code != study.CodeNotFound {
		t.Errorf("of a session that was dropped: %+v, %v", g.Batch, g.error)
	}
}

// runID returns the id of a run that begins now.
func runID() string { return uuid.Must(uuid.NewV7()).String() }
