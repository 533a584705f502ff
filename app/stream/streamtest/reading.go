package streamtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
)

func (s *suite) eventsComeInOrderAndEnd() {
	w := s.begin()
	s.append(w, study.KindStart, "a")
	s.append(w, study.KindToken, "b")
	s.append(w, study.KindComplete, "c")
	events, missed, last := s.rest(study.Position{})
	s.wantSeqs(events, 1, 3)
	for i, want := range []string{"a", "b", "c"} {
		if got := note(events[i]); got != want {
			s.Errorf("event %d is %q, want %q", i, got, want)
		}
	}
	if missed != 0 || events[0].Kind != study.KindStart || events[2].Kind != study.KindComplete {
		s.Errorf("missed %d, kinds %s, %s", missed, events[0].Kind, events[2].Kind)
	}
	if b := s.since(last); !b.Ended || len(b.Events) != 0 || b.Missed != 0 || b.Next != last {
		s.Errorf("behind the end: %+v; want an immediate answer that the stream has ended", b)
	}
}

func (s *suite) aReaderMayComeBeforeDuringAndAfter() {
	type read struct {
		events []study.Event
		missed uint64
	}
	before := make(chan read)
	go func() {
		events, missed, _ := s.rest(study.Position{})
		before <- read{events, missed}
	}()
	w := s.begin()
	s.append(w, study.KindStart, "1")
	s.append(w, study.KindProgress, "2")
	during := s.since(study.Position{})
	s.append(w, study.KindProgress, "3")
	s.append(w, study.KindComplete, "4")
	late, _, _ := s.rest(during.Next)
	s.wantSeqs(append(during.Events, late...), 1, 4)
	after, _, _ := s.rest(study.Position{})
	s.wantSeqs(after, 1, 4)
	got := <-before
	s.wantSeqs(got.events, 1, 4)
	if got.missed != 0 {
		s.Errorf("the early reader missed %d", got.missed)
	}
}

func (s *suite) aWaitEndsWithItsContext() {
	enough := errors.New("enough")
	for _, session := range []string{s.session, uuid.NewString()} {
		ctx, cancel := context.WithTimeoutCause(s.ctx, 20*time.Millisecond, enough)
		_, err := s.Reader.Since(ctx, stream.Query{Session: session})
		cancel()
		if !errors.Is(err, enough) {
			s.Errorf("error is %v, want the cause of the context", err)
		}
		s.wantCode("a wait cut short", err, study.CodeUnavailable)
		if session == s.session { // the second wait is for another session than this
			s.begin()
		}
	}
}

func (s *suite) noWaitTellsPostedFromUnknown() {
	q := stream.Query{Session: s.session, NoWait: true}
	if b, err := s.Reader.Since(s.ctx, q); err != nil || b.Next != (study.Position{}) || len(b.Events) > 0 || b.Ended {
		s.Fatalf("an unknown session: %+v, %v; want nothing, and the zero position", b, err)
	}
	w := s.begin()
	if b, err := s.Reader.Since(s.ctx, q); err != nil || b.Next == (study.Position{}) || len(b.Events) > 0 || b.Ended {
		s.Fatalf("a run without events: %+v, %v; want nothing, and a position", b, err)
	}
	s.append(w, study.KindStart, "1")
	b := s.since(study.Position{}) // waits for an Append that is still on its way
	q.After = b.Next
	if b, err := s.Reader.Since(s.ctx, q); err != nil || b.Next != q.After || len(b.Events) > 0 || b.Ended {
		s.Fatalf("nothing new: %+v, %v; want nothing, and the position asked for", b, err)
	}
	s.append(w, study.KindError, "2")
	if b, err := s.Reader.Since(s.ctx, q); err != nil || len(b.Events) != 1 || !b.Ended {
		s.Fatalf("the end: %+v, %v", b, err)
	}
}

func (s *suite) everyPositionResumes() {
	s.finished("x", MaxEvents/2)
	s.finished("y", MaxEvents/2)
	_, _, last := s.rest(study.Position{})
	for seq := range last.Seq {
		events, missed, _ := s.rest(study.Position{Epoch: last.Epoch, Seq: seq})
		if missed != 0 {
			s.Errorf("behind %d: missed %d", seq, missed)
		}
		s.wantSeqs(events, seq+1, last.Seq)
	}
}

func (s *suite) aForeignPositionIsAGap() {
	s.finished("x", 3)
	s.finished("y", 4)
	_, _, last := s.rest(study.Position{})
	for _, p := range []study.Position{
		{Epoch: last.Epoch + 1<<32, Seq: 2}, {Epoch: 1, Seq: 1 << 63}, {Epoch: last.Epoch, Seq: last.Seq + 1},
		{Epoch: last.Epoch, Seq: 1<<64 - 1}, {Epoch: 0, Seq: 1},
	} {
		events, missed, _ := s.rest(p)
		if missed < 1 {
			s.Errorf("position %v: no gap", p)
		}
		s.wantSeqs(events, 4, 7)
	}
}

func (s *suite) theOldestAreDroppedAndCounted() {
	const extra = 7
	s.finished("x", MaxEvents+extra)
	for _, c := range []struct {
		after          study.Position
		missed, oldest uint64
	}{
		{study.Position{}, extra, extra + 1},
		{study.Position{Seq: 0, Epoch: 1}, extra, extra + 1},
	} {
		events, missed, last := s.rest(c.after)
		if missed != c.missed {
			s.Errorf("behind %v: missed %d, want %d", c.after, missed, c.missed)
		}
		s.wantSeqs(events, c.oldest, MaxEvents+extra)
		for seq := uint64(0); seq <= last.Seq; seq++ {
			_, missed, _ := s.rest(study.Position{Epoch: last.Epoch, Seq: seq})
			if want := uint64(max(0, extra-int(seq))); missed != want {
				s.Errorf("behind %d: missed %d, want %d", seq, missed, want)
			}
		}
	}
}

func (s *suite) anUnreadEndOutlivesItsRunsEvents() {
	s.finished("older", 3)
	newer := s.begin()
	for i := range 3 * MaxEvents {
		s.append(newer, study.KindProgress, fmt.Sprint(i))
	}
	s.append(newer, study.KindComplete, "newer done")
	life, err := s.Reader.Since(s.ctx, stream.Query{Session: s.session, Peek: true})
	if err != nil {
		s.Fatal(err)
	}
	b := s.since(study.Position{Epoch: life.Next.Epoch})
	if len(b.Events) != 1 || note(b.Events[0]) != "older done" || b.Missed != 2 {
		s.Fatalf("%+v; want the older run's end alone, and two missed", b)
	}
	events, _, _ := s.rest(b.Next)
	if n := len(events); n == 0 || note(events[n-1]) != "newer done" {
		s.Errorf("%d events of the newer run, without its end", n)
	}
}

func (s *suite) everyReaderGetsEverything() {
	const readers, n = 8, MaxEvents
	got := make(chan []study.Event, readers)
	for range readers {
		go func() {
			events, _, _ := s.rest(study.Position{})
			got <- events
		}()
	}
	s.finished("x", n)
	for range readers {
		s.wantSeqs(<-got, 1, n)
	}
}

func (s *suite) aLaterRunIsWhereNewReadersStart() {
	s.finished("x", 3)
	events, _, last := s.rest(study.Position{})
	s.wantSeqs(events, 1, 3)
	w := s.begin()
	ctx, cancel := context.WithTimeout(s.ctx, 20*time.Millisecond)
	defer cancel()
	if b, err := s.Reader.Since(ctx, stream.Query{Session: s.session}); err == nil {
		s.Errorf("before the run's first event: %+v, want to wait", b)
	}
	s.append(w, study.KindStart, "y1")
	s.append(w, study.KindComplete, "y2")
	events, _, _ = s.rest(study.Position{})
	s.wantSeqs(events, 4, 5)
	events, missed, _ := s.rest(last)
	s.wantSeqs(events, 4, 5)
	if missed != 0 {
		s.Errorf("continuing after the first run missed %d", missed)
	}
}

func (s *suite) liveAndReplayMeetWithoutAHole() {
	const n, readers = 2000, 4
	w := s.begin()
	got := make(chan string, readers)
	for r := range readers {
		go func() { got <- s.readInPieces(r) }()
	}
	for i := range n {
		s.append(w, study.KindProgress, fmt.Sprint(i))
	}
	s.append(w, study.KindComplete, "")
	for range readers {
		if fault := <-got; fault != "" {
			s.Error(fault)
		}
	}
}

// readInPieces reads a stream to its end, disconnecting and reconnecting after every few
// batches, and returns what was wrong with the numbers it saw.
func (s *suite) readInPieces(every int) (fault string) {
	var after study.Position
	for k := 0; ; k++ {
		ctx, cancel := context.WithCancel(s.ctx)
		if k%(every+3) == 0 {
			cancel() // gone before the answer
		}
		b, err := s.Reader.Since(ctx, stream.Query{Session: s.session, After: after})
		cancel()
		if err != nil {
			if s.ctx.Err() != nil {
				return "the stream did not end: " + err.Error()
			}
			continue
		}
		at := after.Seq + b.Missed
		for _, e := range b.Events {
			if at++; e.Seq != at {
				return fmt.Sprintf("event %d came for %d", e.Seq, at)
			}
		}
		if b.Next.Seq != at {
			return fmt.Sprintf("Next is %d behind %d", b.Next.Seq, at)
		}
		if after = b.Next; b.Ended {
			return ""
		}
	}
}

func (s *suite) anUnreadingReaderDoesNotHoldTheProducer() {
	w := s.begin()
	s.append(w, study.KindStart, "1")
	b := s.since(study.Position{}) // and never reads again
	for i := range 50 * MaxEvents {
		s.append(w, study.KindProgress, fmt.Sprint(i))
	}
	s.append(w, study.KindComplete, "end")
	events, missed, last := s.rest(b.Next)
	if len(events) != MaxEvents || note(events[len(events)-1]) != "end" || missed != last.Seq-1-MaxEvents {
		s.Errorf("%d events, %d missed of %d", len(events), missed, last.Seq)
	}
}

func (s *suite) peekTellsWhatIsToCome() {
	peek := func(what string, after study.Position, posted, ended bool) {
		s.Helper()
		b, err := s.Reader.Since(s.ctx, stream.Query{Session: s.session, After: after, Peek: true})
		if err != nil || len(b.Events) > 0 || (b.Next != study.Position{}) != posted || b.Ended != ended {
			s.Errorf("%s: %+v, %v; want posted %v, ended %v", what, b, err, posted, ended)
		}
	}
	peek("an unknown session", study.Position{}, false, false)
	w := s.begin()
	peek("a run without events", study.Position{}, true, false)
	s.append(w, study.KindStart, "1")
	s.append(w, study.KindComplete, "2")
	peek("an unread run", study.Position{}, true, false)
	b := s.since(study.Position{})
	if len(b.Events) != 2 {
		s.Errorf("peeking left %d of 2 events", len(b.Events))
	}
	peek("behind the first event", study.Position{Epoch: b.Next.Epoch, Seq: 1}, true, false)
	peek("behind the last event", b.Next, true, true)
	peek("another life's position", study.Position{Epoch: b.Next.Epoch ^ 1<<40, Seq: 2}, true, false)
}
