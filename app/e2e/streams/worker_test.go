package streams_test

import (
	"slices"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"studysharper/app/e2e/servicetest"
	"studysharper/loadtest/fakellm"
)

func TestStreamOfAKilledWorkerIsResumedOnTheOther(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil)
	fake.Hold()
	runner, other := s.Pair()
	session, _ := s.Post(runner, "")
	steady, first := s.Open(runner, session), s.Open(other, session)
	first.ReachMiddle()
	s.Kill(other)
	seen := first.Cut()
	fake.LetGo()
	all := slices.Concat(seen, s.Open(runner, session, servicetest.LastID(seen)).End())
	servicetest.ExpectEssay(t, all, 1)
	if !slices.Equal(all, steady.End()) {
		t.Errorf("the stream in two parts is another than the one in one: %+v", all)
	}
}

func TestStreamIsResumedManyTimesWithNothingLostOrDoubled(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	a, b := s.Pair()
	session, _ := s.Post(a, "")
	var all []servicetest.Event
	for i := 0; len(all) == 0 || !all[len(all)-1].Terminal(); i++ {
		var header []string
		if len(all) > 0 {
			header = []string{servicetest.LastID(all)}
		}
		part := s.Open([]int{a, b}[i%2], session, header...)
		s.Eventually("a part of the run", func() bool {
			got := part.Sofar()
			return len(got) >= 5 || len(got) > 0 && got[len(got)-1].Terminal()
		})
		_ = part.Close()
		all = append(all, part.Cut()...)
	}
	servicetest.ExpectEssay(t, all, 1)
}

func TestStreamsOfARunKilledInTheMiddleEndWithOneErrorThatMayBeRetried(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil)
	fake.Hold()
	runner, other := s.Pair()
	session, _ := s.Post(runner, "")
	there, here := s.Open(other, session), s.Open(runner, session)
	here.ReachMiddle()
	there.ReachMiddle() // text that was sent cannot be taken back
	s.Kill(runner)
	seen := here.Cut()
	again := s.Open(other, session, servicetest.LastID(seen))
	for _, events := range [][]servicetest.Event{there.End(), slices.Concat(seen, again.End())} {
		if last := servicetest.ExpectWhole(t, events, 1); last.Type != "error" || !last.Retryable {
			t.Errorf("the run ended with %+v", last)
		}
	}
	if after := s.Open(other, session, servicetest.LastID(there.Sofar())); after.Status != 204 {
		t.Errorf("who has seen the end is answered %d", after.Status)
	}
	if calls := fake.Counts().Calls; calls != 1 {
		t.Errorf("the model was asked %d times for one answer", calls)
	}
}

func TestStreamOfARunKilledBeforeItSaidAnythingHasOneEnd(t *testing.T) {
	s, fake := servicetest.StartStudying(t, []fakellm.Rule{{Fault: fakellm.Hang, Times: 1}})
	runner, other := s.Pair()
	session, _ := s.Post(runner, "")
	w := s.Open(other, session)
	w.Until(2) // Start and progress
	s.Eventually("the model is asked", func() bool { return fake.Counts().Calls == 1 })
	s.Kill(runner)
	events := w.End()
	switch last := servicetest.ExpectWhole(t, events, 1); {
	case last.Type == "error" && !last.Retryable:
		t.Errorf("the run ended with %+v", last)
	case last.Type == "complete":
		servicetest.ExpectEssay(t, events, 1) // it was rerun
	}
}

func TestStreamsGoOnThroughAReloadOnTheSameConnections(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	a, b := s.Pair()
	session, _ := s.Post(a, "")
	watchers := []*servicetest.Watcher{s.Open(a, session), s.Open(a, session), s.Open(b, session), s.Open(b, session)}
	watchers[0].Until(15)
	if err := s.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for _, w := range watchers {
		servicetest.ExpectEssay(t, w.End(), 1)
	}
	s.Eventually("both workers are new", func() bool {
		pids := s.PIDs()
		return len(pids) == 2 && !pids[a] && !pids[b]
	})
}

func TestStreamsOfOneSessionAreTheSameOnBothWorkersWheneverTheyAreOpened(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil)
	fake.Hold()
	a, b := s.Pair()
	session := uuid.NewString()
	watchers := []*servicetest.Watcher{s.Open(a, session), s.Open(b, session)} // before the run
	s.Post(a, session)
	watchers = append(watchers, s.Open(a, session), s.Open(b, session))
	watchers[0].ReachMiddle() // in the middle of it
	watchers = append(watchers, s.Open(a, session), s.Open(b, session))
	fake.LetGo()
	whole := watchers[0].End() // after it
	watchers = append(watchers, s.Open(a, session), s.Open(b, session))
	servicetest.ExpectEssay(t, whole, 1)
	for i, w := range watchers {
		if got := w.End(); !slices.Equal(got, whole) {
			t.Errorf("watcher %d has another stream than the first: %+v", i, got)
		}
	}
}

func TestStreamsOfSeveralRunsOfASessionAreNumberedOn(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	a, b := s.Pair()
	session, run := s.Post(a, "")
	last := s.Open(b, session).End()
	servicetest.ExpectEssay(t, last, 1)
	for i, worker := range []int{b, a} {
		before := run
		if _, run = s.Post(worker, session); run == before {
			t.Fatalf("two runs are called %s", run)
		}
		next := last[len(last)-1].Seq + 1
		fresh := s.Open(a, session)
		resumed := s.Open(b, session, servicetest.LastID(last)).End()
		servicetest.ExpectEssay(t, resumed, next)
		if !slices.Equal(fresh.End(), resumed) || resumed[0].RunID != run {
			t.Errorf("run %d: a new stream begins elsewhere than a resumed one: %+v", i+2, fresh.Sofar())
		}
		last = resumed
	}
}
