// Package streamtest is the conformance suite for implementations of stream.Journal. It
// uses a journal only through its contract. Each implementation runs it from a test of its
// own.
package streamtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// The bounds with which a fixture's journal must be created.
const (
	MaxEvents     = 20
	MaxEventBytes = 1000
)

// Fixture is an empty journal, accessed from two places: one that writes runs and one that
// reads them. Both may be the same.
type Fixture struct {
	Writer stream.Journal
	Reader stream.Journal
}

// Run runs each test of the suite with a fixture of its own; open may clean it up with
// t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	for name, test := range map[string]func(*suite){
		"EventsComeInOrderAndEnd":                 (*suite).eventsComeInOrderAndEnd,
		"AReaderMayComeBeforeDuringAndAfter":      (*suite).aReaderMayComeBeforeDuringAndAfter,
		"AWaitEndsWithItsContext":                 (*suite).aWaitEndsWithItsContext,
		"NoWaitTellsPostedFromUnknown":            (*suite).noWaitTellsPostedFromUnknown,
		"PeekTellsWhatIsToComeAndLeavesItUnread":  (*suite).peekTellsWhatIsToCome,
		"EveryPositionResumes":                    (*suite).everyPositionResumes,
		"AForeignPositionIsAGap":                  (*suite).aForeignPositionIsAGap,
		"TheOldestAreDroppedAndCounted":           (*suite).theOldestAreDroppedAndCounted,
		"AnUnreadEndOutlivesItsRunsEvents":        (*suite).anUnreadEndOutlivesItsRunsEvents,
		"AnEventOneByteTooLargeIsRefused":         (*suite).anEventOneByteTooLargeIsRefused,
		"WhatIsNoEventIsRefused":                  (*suite).whatIsNoEventIsRefused,
		"NothingFollowsATerminalEvent":            (*suite).nothingFollowsATerminalEvent,
		"CloseEndsARunWithOneError":               (*suite).closeEndsARunWithOneError,
		"EveryReaderGetsEverything":               (*suite).everyReaderGetsEverything,
		"ALaterRunIsWhereNewReadersStart":         (*suite).aLaterRunIsWhereNewReadersStart,
		"OnlyALostRunIsRepeated":                  (*suite).onlyALostRunIsRepeated,
		"ASessionHasOneRunAtATime":                (*suite).aSessionHasOneRunAtATime,
		"TheNextRunBeginsWhenTheEndIsRead":        (*suite).theNextRunBeginsWhenTheEndIsRead,
		"ASilentRunIsNotSeen":                     (*suite).aSilentRunIsNotSeen,
		"OneRunIsShownAlone":                      (*suite).oneRunIsShownAlone,
		"AReaderOfOneRunWaitsForItAlone":          (*suite).aReaderOfOneRunWaitsForItAlone,
		"ABatchIsOfOneRun":                        (*suite).aBatchIsOfOneRun,
		"AnothersSessionIsNotFound":               (*suite).anothersSessionIsNotFound,
		"DropEndsReadersAndRuns":                  (*suite).dropEndsReadersAndRuns,
		"OddIDsAreInvalid":                        (*suite).oddIDsAreInvalid,
		"LiveAndReplayMeetWithoutAHole":           (*suite).liveAndReplayMeetWithoutAHole,
		"AnUnreadingReaderDoesNotHoldTheProducer": (*suite).anUnreadingReaderDoesNotHoldTheProducer,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			test(&suite{T: t, ctx: ctx, Fixture: open(t), session: uuid.NewString()})
		})
	}
}

// suite is one test with its own journal and session.
type suite struct {
	*testing.T
	Fixture
	ctx     context.Context
	session string
}

// Event returns an event whose fields contain text as a note.
func Event(kind study.Kind, text string) study.Event {
	fields, _ := json.Marshal(map[string]string{"note": text})
	return study.Event{Kind: kind, Fields: fields}
}

func (s *suite) begin() stream.Writer {
	s.Helper()
	return s.beginIn(s.session, "user-1", nil)
}

func (s *suite) beginIn(session, owner string, onLost func(error)) stream.Writer {
	s.Helper()
	w, err := s.Writer.Begin(s.ctx, stream.RunInfo{Session: session, Run: uuid.NewString(), Owner: owner, OnLost: onLost})
	if err != nil {
		s.Fatal("Begin:", err)
	}
	return w
}

func (s *suite) append(w stream.Writer, kind study.Kind, text string) {
	s.Helper()
	if err := w.Append(s.ctx, Event(kind, text)); err != nil {
		s.Fatalf("Append %s %s: %v", kind, text, err)
	}
}

// finished posts a run of n events, the last one terminal.
func (s *suite) finished(name string, n int) {
	s.Helper()
	w := s.begin()
	for i := 1; i < n; i++ {
		s.append(w, study.KindProgress, fmt.Sprint(name, i))
	}
	s.append(w, study.KindComplete, name+" done")
}

func (s *suite) since(after study.Position) study.Batch {
	s.Helper()
	b, err := s.Reader.Since(s.ctx, stream.Query{Session: s.session, After: after})
	if err != nil {
		s.Fatalf("Since %v: %v", after, err)
	}
	return b
}

// rest reads from after to the end of the stream, and returns its events and the number missed.
func (s *suite) rest(after study.Position) (events []study.Event, missed uint64, last study.Position) {
	s.Helper()
	for {
		b := s.since(after)
		for i := range b.Events[min(1, len(b.Events)):] {
			if b.Events[i+1].Seq != b.Events[i].Seq+1 {
				s.Fatalf("a hole within a batch: %d, %d", b.Events[i].Seq, b.Events[i+1].Seq)
			}
		}
		events, missed, after = append(events, b.Events...), missed+b.Missed, b.Next
		if n := len(b.Events); n > 0 && b.Next.Seq != b.Events[n-1].Seq {
			s.Fatalf("Next is %v behind event %d", b.Next, b.Events[n-1].Seq)
		}
		if b.Ended {
			return events, missed, after
		}
	}
}

func note(e study.Event) string {
	var f struct{ Note, Error string }
	_ = json.Unmarshal(e.Fields, &f)
	return f.Note + f.Error
}

func (s *suite) wantCode(what string, err error, code study.Code) {
	s.Helper()
	var e *study.Error
	if !errors.As(err, &e) || e.Code != code {
		s.Errorf("%s: error is %v, want code %s", what, err, code)
	}
}

// wantSeqs checks that the events are numbered consecutively from first to last.
func (s *suite) wantSeqs(events []study.Event, first, last uint64) {
	s.Helper()
	if len(events) != int(last-first+1) {
		s.Fatalf("%d events, want those from %d to %d", len(events), first, last)
	}
	for i, e := range events {
		if e.Seq != first+uint64(i) {
			s.Fatalf("event %d has seq %d, want %d", i, e.Seq, first+uint64(i))
		}
	}
}
