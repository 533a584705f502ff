package streamtest

import (
	"errors"
	"sync"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// wantBusy checks that a Begin was refused because of an open run.
func (s *suite) wantBusy(what string, err error, open string) {
	s.Helper()
	var e *study.Error
	if !errors.As(err, &e) || e.Code != study.CodeConflict || e.Run != open {
		s.Errorf("%s: error is %+v, want code conflict with run %s", what, err, open)
	}
}

// run names a new run of the session.
func (s *suite) run() stream.RunInfo {
	return stream.RunInfo{Session: s.session, Run: uuid.NewString(), Owner: "user-1"}
}

func (s *suite) aSessionHasOneRunAtATime() {
	const rounds, rivals = 10, 8
	for round := range rounds {
		var all sync.WaitGroup
		var mu sync.Mutex
		var open stream.Writer
		var winner stream.RunInfo
		refused := make(chan error, rivals)
		for i := range rivals {
			info, by := s.run(), s.Writer
			if i%2 == 1 {
				by = s.Reader
			}
			info.Silent = round%2 == 1 && i < rivals/2
			all.Go(func() {
				w, err := by.Begin(s.ctx, info)
				if err != nil {
					refused <- err
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if open != nil {
					s.Error("a second run has begun")
				}
				open, winner = w, info
			})
		}
		all.Wait()
		close(refused)
		if open == nil {
			s.Fatalf("none of %d runs has begun: %v", rivals, <-refused)
		}
		for err := range refused {
			s.wantBusy("a second run", err, winner.Run)
		}
		s.append(open, study.KindComplete, "done") // the next round's runs begin at once
	}
}

func (s *suite) theNextRunBeginsWhenTheEndIsRead() {
	var at study.Position
	for i := range 20 {
		w := s.begin()
		ended := make(chan error, 1)
		go func() { ended <- w.Append(s.ctx, Event(study.KindComplete, "done")) }()
		b := s.since(at)
		if at = b.Next; !b.Ended || len(b.Events) != 1 {
			s.Fatalf("run %d: %+v", i, b)
		}
		next := s.beginIn(s.session, "user-1", nil) // although Append may still be waiting
		if err := <-ended; err != nil {
			s.Fatal(err)
		}
		s.append(next, study.KindComplete, "done")
		at = s.since(at).Next
	}
}

func (s *suite) aSilentRunIsNotSeen() {
	info := s.run()
	info.Silent = true
	w, err := s.Writer.Begin(s.ctx, info)
	if err != nil {
		s.Fatal(err)
	}
	other := s.run()
	_, err = s.Reader.Begin(s.ctx, other)
	s.wantBusy("a run alongside a silent one", err, info.Run)
	other.Silent = true
	_, err = s.Reader.Begin(s.ctx, other)
	s.wantBusy("a silent run alongside a silent one", err, info.Run)
	other.Owner = "user-2"
	_, err = s.Reader.Begin(s.ctx, other)
	s.wantCode("another user's run beside it", err, study.CodeNotFound)
	s.append(w, study.KindToken, "unheard")
	b, err := s.Reader.Since(s.ctx, stream.Query{Session: s.session, NoWait: true})
	if err != nil || b.Next != (study.Position{}) {
		s.Errorf("a reader finds %+v, %v; want nothing to have been posted", b, err)
	}
	s.append(w, study.KindComplete, "unheard")
	s.wantCode("an event behind the end", w.Append(s.ctx, Event(study.KindComplete, "late")), study.CodeInvalid)
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		s.Error("Close:", err)
	}
	s.finished("heard", 2)
	events, missed, _ := s.rest(study.Position{})
	s.wantSeqs(events, 1, 2)
	if missed != 0 {
		s.Errorf("missed %d", missed)
	}
	if w, err = s.Writer.Begin(s.ctx, info); err != nil {
		s.Fatal("behind a run that was heard:", err)
	}
	_ = w.Close()
	for { // Close takes effect asynchronously
		w, err := s.Reader.Begin(s.ctx, s.run())
		if err == nil {
			s.append(w, study.KindComplete, "done")
			return
		}
		s.wantBusy("a run begun too early", err, info.Run)
	}
}

// finishedRun posts a run of n events and returns its id.
func (s *suite) finishedRun(n int) string {
	s.Helper()
	info := s.run()
	w, err := s.Writer.Begin(s.ctx, info)
	if err != nil {
		s.Fatal("Begin:", err)
	}
	for range n - 1 {
		s.append(w, study.KindProgress, info.Run)
	}
	s.append(w, study.KindComplete, info.Run)
	return info.Run
}

func (s *suite) of(run string, after study.Position) study.Batch {
	s.Helper()
	b, err := s.Reader.Since(s.ctx, stream.Query{Session: s.session, Run: run, After: after})
	if err != nil {
		s.Fatalf("Since of run %s: %v", run, err)
	}
	return b
}

func (s *suite) oneRunIsShownAlone() {
	ids := []string{s.finishedRun(3), s.finishedRun(4), s.finishedRun(2)} // 1 to 3, 4 to 7, 8 and 9
	first := []uint64{1, 4, 8, 10}
	epoch := s.since(study.Position{}).Next.Epoch
	for i, run := range ids {
		for seq := range uint64(10) {
			b := s.of(run, study.Position{Epoch: epoch, Seq: seq})
			from, end := max(first[i], seq+1), first[i+1]-1
			if b.Run != run || !b.Ended || b.Missed != 0 || b.Next.Seq != max(seq, end) {
				s.Fatalf("run %d behind %d: %+v", i, seq, b)
			}
			s.wantSeqs(b.Events, from, max(from-1, end))
			peek, err := s.Reader.Since(s.ctx, stream.Query{Session: s.session, Run: run, After: study.Position{Epoch: epoch, Seq: seq}, Peek: true})
			if err != nil || peek.Ended != (seq >= end) {
				s.Errorf("peeking at run %d behind %d: %+v, %v", i, seq, peek, err)
			}
		}
		b := s.of(run, study.Position{})
		s.wantSeqs(b.Events, first[i], first[i+1]-1)
		b = s.of(run, study.Position{Epoch: epoch ^ 1<<20, Seq: 1})
		if s.wantSeqs(b.Events, first[i], first[i+1]-1); b.Missed != 1 {
			s.Errorf("from another life: missed %d", b.Missed)
		}
	}
	for _, q := range []stream.Query{{Run: uuid.NewString()}, {Run: uuid.NewString(), Peek: true}, {Run: uuid.NewString(), NoWait: true}} {
		q.Session = s.session
		_, err := s.Reader.Since(s.ctx, q)
		s.wantCode("a run that the session never had", err, study.CodeNotFound)
	}
	_, err := s.Reader.Since(s.ctx, stream.Query{Session: s.session, Run: "x"})
	s.wantCode("a run's id that is not a UUID", err, study.CodeInvalid)
}

func (s *suite) aReaderOfOneRunWaitsForItAlone() {
	older, info := s.finishedRun(2), s.run()
	w, err := s.Writer.Begin(s.ctx, info)
	if err != nil {
		s.Fatal(err)
	}
	got := make(chan study.Batch, 1)
	go func() { got <- s.of(info.Run, study.Position{}) }()
	if b := s.of(older, study.Position{}); !b.Ended || len(b.Events) != 2 {
		s.Errorf("the older run while the newer one is open: %+v", b)
	}
	s.append(w, study.KindStart, "1")
	b := <-got
	if s.wantSeqs(b.Events, 3, 3); b.Ended || b.Run != info.Run {
		s.Errorf("the open run: %+v", b)
	}
	s.append(w, study.KindComplete, "2")
	if b = s.of(info.Run, b.Next); !b.Ended {
		s.Errorf("its end: %+v", b)
	}
	for range MaxEvents { // nothing of the older run is kept any more
		s.finishedRun(1)
		s.rest(study.Position{})
	}
	b, err = s.Reader.Since(s.ctx, stream.Query{Session: s.session, Run: older, NoWait: true})
	if err == nil && (b.Missed != 2 || len(b.Events) > 0 || !b.Ended) {
		s.Errorf("a run of which nothing is kept: %+v; want a gap, or CodeNotFound", b)
	}
}

func (s *suite) aBatchIsOfOneRun() {
	ids := []string{s.finishedRun(2), s.finishedRun(3)}
	life := s.since(study.Position{}).Next
	b := s.since(study.Position{Epoch: life.Epoch})
	if s.wantSeqs(b.Events, 1, 2); b.Run != ids[0] || b.Ended {
		s.Errorf("the first run's batch: %+v", b)
	}
	b = s.since(b.Next)
	if s.wantSeqs(b.Events, 3, 5); b.Run != ids[1] || !b.Ended {
		s.Errorf("the second run's batch: %+v", b)
	}
}
