package relay_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"studysharper/app/stream"
	"studysharper/app/stream/memory"
	"studysharper/app/stream/relay"
	"studysharper/app/stream/relay/internal/wire"
	"studysharper/app/stream/streamtest"
	"studysharper/app/study"
)

// staff is a journal with workers that come and go, in its own bubble.
type staff struct {
	*testing.T
	m       *memory.Journal
	session string
	run     string
	read    chan []study.Event // the whole stream of session, read directly from the journal
}

// inBubble runs a test with a reader of its session, which must not be left waiting.
func inBubble(t *testing.T, o memory.Options, test func(s *staff)) {
	synctest.Test(t, func(t *testing.T) {
		s := &staff{T: t, m: memory.New(o), session: uuid.NewString(), run: uuid.NewString(), read: make(chan []study.Event, 1)}
		go func() {
			b := study.Batch{}
			var events []study.Event
			for err := error(nil); err == nil && !b.Ended; {
				b, err = s.m.Since(t.Context(), stream.Query{Session: s.session, After: b.Next})
				events = append(events, b.Events...)
			}
			s.read <- events
		}()
		synctest.Wait()
		test(s)
		if got := s.m.Stats(); got.Runs != 0 || got.Orphans != 0 {
			t.Errorf("it left %+v", got)
		}
	})
}

// hand is one worker.
type hand struct {
	*relay.Client
	told chan stream.Orphan
	kill func()
}

func (s *staff) hire() *hand {
	supervisor, worker := net.Pipe()
	h := &hand{told: make(chan stream.Orphan, 64)}
	var kill func()
	var stop func() error
	h.Client, kill, stop = connect(s.m, supervisor, worker, relay.Options{Orphaned: func(o stream.Orphan) { h.told <- o }})
	h.kill = func() { kill(); synctest.Wait() }
	s.Cleanup(func() { _ = stop() })
	synctest.Wait()
	return h
}

// start begins the staff's run on a worker, with a request and these events.
func (s *staff) start(h *hand, request string, kinds ...study.Kind) stream.Writer {
	s.Helper()
	w, err := h.Begin(s.Context(), stream.RunInfo{Session: s.session, Run: s.run, Owner: "user-1", Request: []byte(request)})
	if err != nil {
		s.Fatal("Begin:", err)
	}
	s.append(w, kinds...)
	return w
}

func (s *staff) append(w stream.Writer, kinds ...study.Kind) {
	s.Helper()
	for _, kind := range kinds {
		if err := w.Append(s.Context(), streamtest.Event(kind, "")); err != nil {
			s.Fatalf("Append %s: %v", kind, err)
		}
	}
	synctest.Wait()
}

// orphan returns the orphan that a worker was offered, and checks that it was offered only once.
func (s *staff) orphan(h *hand) stream.Orphan {
	s.Helper()
	synctest.Wait()
	if len(h.told) != 1 {
		s.Fatalf("told of %d orphans, want one", len(h.told))
	}
	return <-h.told
}

func (s *staff) take(h *hand, o stream.Orphan) (stream.Writer, error) {
	return h.Begin(s.Context(), stream.RunInfo{Session: o.Session, Run: o.Run, Owner: o.Owner, Takeover: true})
}

func (s *staff) mustTake(h *hand) stream.Writer {
	s.Helper()
	w, err := s.take(h, s.orphan(h))
	if err != nil {
		s.Fatal("Begin with Takeover:", err)
	}
	return w
}

// ends checks what the reader got: exactly these kinds, numbered consecutively.
func (s *staff) ends(kinds ...study.Kind) {
	s.Helper()
	events := <-s.read
	if len(events) != len(kinds) {
		s.Fatalf("the reader got %+v, want %v", events, kinds)
	}
	for i, e := range events {
		if e.Kind != kinds[i] || e.Seq != uint64(i+1) {
			s.Errorf("event %d is %s %d, want %s", i+1, e.Kind, e.Seq, kinds[i])
		}
	}
	last := events[len(events)-1]
	if last.Kind == study.KindError && !strings.Contains(string(last.Fields), `"retryable":true`) {
		s.Errorf("the error is %s", last.Fields)
	}
}

// running checks that the reader still waits.
func (s *staff) running() {
	s.Helper()
	synctest.Wait()
	b, err := s.m.Since(s.Context(), stream.Query{Session: s.session, NoWait: true})
	if len(s.read) > 0 || err != nil || b.Ended {
		s.Fatalf("the stream has ended: %+v, %v", b, err)
	}
}

const (
	starts    = study.KindStart
	goesOn    = study.KindProgress
	speaks    = study.KindToken
	completes = study.KindComplete
	fails     = study.KindError
)

func TestASiblingGoesOnWithADeadWorkersRun(t *testing.T) {
	inBubble(t, memory.Options{}, func(s *staff) {
		dying, sibling, late := s.hire(), s.hire(), s.hire()
		s.start(dying, "what was asked", starts, goesOn, goesOn)
		dying.kill()
		o := s.orphan(sibling)
		if o.Session != s.session || o.Run != s.run || o.Owner != "user-1" || string(o.Request) != "what was asked" {
			s.Errorf("the sibling was told of %+v", o)
		}
		if got := s.m.Stats(); got.Runs != 1 || got.Orphans != 1 {
			s.Errorf("counted %+v", got)
		}
		s.running()
		lost := o
		lost.Owner = "user-2"
		_, err := s.take(sibling, lost)
		wantCode(s.T, "for another owner", err, study.CodeNotFound)
		w, err := s.take(sibling, o)
		if err != nil {
			s.Fatal(err)
		}
		_, err = s.take(late, s.orphan(late))
		wantCode(s.T, "who comes second", err, study.CodeNotFound)
		s.running()
		s.append(w, starts, goesOn, goesOn, speaks, completes)
		s.ends(starts, goesOn, goesOn, goesOn, goesOn, speaks, completes)
	})
}

func TestARunThatDiedBeforeItsStartIsStartedOnce(t *testing.T) {
	inBubble(t, memory.Options{}, func(s *staff) {
		dying, sibling := s.hire(), s.hire()
		s.start(dying, "again")
		dying.kill()
		w := s.mustTake(sibling)
		s.append(w, starts, goesOn, starts, completes)
		s.ends(starts, goesOn, completes)
	})
}

func TestAnOrphanIsOfferedToWhoConnectsLater(t *testing.T) {
	inBubble(t, memory.Options{}, func(s *staff) {
		only := s.hire()
		s.start(only, "again", starts)
		only.kill()
		s.running()
		time.Sleep(9 * time.Second)
		successor := s.hire()
		w := s.mustTake(successor)
		time.Sleep(time.Minute) // its deadline no longer applies after the takeover
		s.running()
		s.append(w, starts, completes)
		s.ends(starts, completes)
	})
}

func TestAnOrphanNobodyTakesEndsInTime(t *testing.T) {
	for name, hands := range map[string]int{"nobody is there": 0, "all decline": 3} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, memory.Options{TakeoverWithin: 4 * time.Second}, func(s *staff) {
				dying := s.hire()
				var others []*hand
				for range hands {
					others = append(others, s.hire())
				}
				s.start(dying, "again", starts, goesOn)
				dying.kill()
				died := time.Now()
				var o stream.Orphan
				for _, h := range others {
					o = s.orphan(h)
				}
				s.ends(starts, goesOn, fails)
				if took := time.Since(died); took != 4*time.Second {
					s.Errorf("the reader was told after %v", took)
				}
				if hands > 0 {
					_, err := s.take(others[0], o)
					wantCode(s.T, "who comes too late", err, study.CodeNotFound)
				}
				if newcomer := s.hire(); len(newcomer.told) > 0 {
					s.Error("a run that has ended is still offered")
				}
			})
		})
	}
}

func TestARunIsRepeatedOnceOnly(t *testing.T) {
	inBubble(t, memory.Options{}, func(s *staff) {
		first, second, third := s.hire(), s.hire(), s.hire()
		s.start(first, "again", starts, goesOn)
		first.kill()
		s.orphan(third)
		w := s.mustTake(second)
		s.append(w, starts, goesOn)
		second.kill()
		s.ends(starts, goesOn, goesOn, fails)
		if len(third.told) > 0 {
			s.Error("it was offered a second time")
		}
	})
}

func TestARunThatCannotBeRepeatedEndsAtOnce(t *testing.T) {
	long := strings.Repeat("x", stream.MaxRequestBytes+1)
	for _, c := range []struct {
		name    string
		request string
		kinds   []study.Kind
	}{
		{"a token was sent", "again", []study.Kind{starts, goesOn, speaks}},
		{"there is no request", "", []study.Kind{starts, goesOn}},
		{"the request is a byte too long", long, []study.Kind{starts}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, memory.Options{}, func(s *staff) {
				dying, sibling := s.hire(), s.hire()
				s.start(dying, c.request, c.kinds...)
				dying.kill()
				died := time.Now()
				s.ends(append(c.kinds, fails)...)
				if len(sibling.told) > 0 || !time.Now().Equal(died) {
					s.Errorf("%d orphans offered, and the reader told after %v", len(sibling.told), time.Since(died))
				}
			})
		})
	}
	inBubble(t, memory.Options{}, func(s *staff) { // at the bound it can be taken over
		dying, sibling := s.hire(), s.hire()
		s.start(dying, long[1:], starts)
		dying.kill()
		o := s.orphan(sibling)
		w, err := s.take(sibling, o)
		if err != nil || string(o.Request) != long[1:] {
			s.Fatalf("%v, a request of %d bytes", err, len(o.Request))
		}
		s.append(w, completes)
		s.ends(starts, completes)
	})
}

func TestAnOrphanGoesWithItsSession(t *testing.T) {
	inBubble(t, memory.Options{}, func(s *staff) {
		dying, sibling := s.hire(), s.hire()
		s.start(dying, "again", starts)
		dying.kill()
		if err := sibling.Drop(s.Context(), s.session); err != nil {
			s.Fatal(err)
		}
		_, err := s.take(sibling, s.orphan(sibling))
		wantCode(s.T, "the orphan of a dropped session", err, study.CodeNotFound)
		if events := <-s.read; len(events) != 1 || events[0].Kind != starts {
			s.Errorf("the reader got %+v", events)
		}
		time.Sleep(time.Minute) // its deadline no longer applies
		if got := s.m.Stats(); got.QueuedBytes != 0 {
			s.Errorf("it left %+v", got)
		}
	})
}

func TestAnOrphanGoesStaleWithItsSession(t *testing.T) {
	inBubble(t, memory.Options{StaleAfter: time.Second, TakeoverWithin: time.Hour}, func(s *staff) {
		ctx, cancel := context.WithCancel(s.Context())
		ran := make(chan error, 1)
		go func() { ran <- s.m.Run(ctx) }()
		dying := s.hire()
		s.start(dying, "again", starts)
		dying.kill()
		s.ends(starts, fails)
		cancel()
		<-ran
	})
}

func TestASupervisorThatStopsLetsNobodyWaitForARepeat(t *testing.T) {
	inBubble(t, memory.Options{}, func(s *staff) {
		ctx, cancel := context.WithCancel(s.Context())
		ran := make(chan error, 1)
		go func() { ran <- s.m.Run(ctx) }()
		dying, later := s.hire(), s.hire()
		s.start(dying, "again", starts)
		dying.kill()
		s.running()
		stopped := time.Now()
		cancel()
		if err := <-ran; err != nil {
			s.Error("Run:", err)
		}
		s.ends(starts, fails)
		w := s.start(later, "again")
		later.kill()
		if got := s.m.Stats(); got.Runs != 0 || !time.Now().Equal(stopped) {
			s.Errorf("behind the stop: %+v after %v", got, time.Since(stopped))
		}
		wantCode(s.T, "Close", w.Close(), study.CodeUnavailable)
	})
}

func TestARunClosedByItsOwnWorkerIsNoOrphan(t *testing.T) {
	inBubble(t, memory.Options{}, func(s *staff) {
		leaving, sibling := s.hire(), s.hire()
		w := s.start(leaving, "again", starts)
		if err := w.Close(); err != nil {
			s.Fatal(err)
		}
		synctest.Wait()
		leaving.kill()
		s.ends(starts, fails)
		if len(sibling.told) > 0 {
			s.Error("it was offered")
		}
	})
}

func TestManyOrphansDoNotFloodAWorker(t *testing.T) {
	inBubble(t, memory.Options{}, func(s *staff) {
		const n = 60
		dying := s.hire()
		request := bytes.Repeat([]byte("x"), stream.MaxRequestBytes)
		for range n {
			_, err := dying.Begin(s.Context(), stream.RunInfo{Session: uuid.NewString(), Run: uuid.NewString(), Request: request})
			if err != nil {
				s.Fatal(err)
			}
		}
		dying.kill()
		supervisor, worker := net.Pipe()
		told := make(chan stream.Orphan, n)
		small := relay.Options{MaxQueuedBytes: 10_000, Orphaned: func(o stream.Orphan) { told <- o }}
		r, _, stop := connect(s.m, supervisor, worker, small) // all of them together would exceed 16 times its bound
		for range n {
			o := <-told
			w, err := r.Begin(s.Context(), stream.RunInfo{Session: o.Session, Run: o.Run, Owner: o.Owner, Takeover: true})
			if err != nil {
				s.Fatal(err)
			}
			s.append(w, completes)
		}
		s.start(s.hire(), "", completes)
		s.ends(completes)
		if err := stop(); err != nil {
			s.Error(err)
		}
	})
}

func TestAWorkerWithoutOrphanedPassesOffersOver(t *testing.T) {
	inBubble(t, memory.Options{}, func(s *staff) {
		dying := s.hire()
		supervisor, worker := net.Pipe()
		var ignored atomic.Int64
		deaf, _, stop := connect(s.m, supervisor, worker, relay.Options{UnknownFrame: func() { ignored.Add(1) }})
		s.start(dying, "again", starts)
		dying.kill()
		if _, err := deaf.Since(s.Context(), stream.Query{Session: s.session}); err != nil {
			s.Error("its connection is broken:", err)
		}
		s.ends(starts, fails)
		if err := stop(); err != nil || ignored.Load() != 0 {
			s.Errorf("%v, %+v", err, deaf.Stats())
		}
	})
}

func TestWhatADeadWorkerHadSentCountsBehindItsEnd(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	supervisor, worker := socketpair(t)
	m := memory.New(memory.Options{})
	session := uuid.New()
	sent := hello.AppendTo(nil)
	begun := wire.Frame{Kind: wire.KindBegin, No: 1, Session: session, Run: uuid.New(), Request: []byte("again")}
	sent = begun.AppendTo(sent)
	for range 50 {
		f := wire.Frame{Kind: wire.KindAppend, No: 1, Event: streamtest.Event(study.KindToken, strings.Repeat("x", 500))}
		sent = f.AppendTo(sent)
	}
	if _, err := worker.Write(sent); err != nil {
		t.Fatal(err)
	}
	_ = worker.Close()
	gone, reaped := context.WithCancel(t.Context())
	reaped()
	if err := relay.Serve(gone, supervisor, m, relay.Options{}); err != nil {
		t.Error("Serve:", err)
	}
	if events := toTheEnd(t, m, session.String()); len(events) != 51 || events[50].Kind != study.KindError {
		t.Errorf("%d events are there, want all 50 and an error", len(events))
	}
}
