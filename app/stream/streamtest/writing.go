package streamtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
)

func (s *suite) anEventOneByteTooLargeIsRefused() {
	w := s.begin()
	frame := len(Event(study.KindToken, "").Fields)
	s.append(w, study.KindToken, strings.Repeat("x", MaxEventBytes-frame))
	err := w.Append(s.ctx, Event(study.KindToken, strings.Repeat("x", MaxEventBytes-frame+1)))
	s.wantCode("one byte past MaxEventBytes", err, study.CodeTooLarge)
	err = w.Append(s.ctx, Event(study.KindComplete, strings.Repeat("x", MaxEventBytes)))
	s.wantCode("an end past MaxEventBytes", err, study.CodeTooLarge)
	s.append(w, study.KindError, "too large")
	events, _, _ := s.rest(study.Position{})
	s.wantSeqs(events, 1, 2)
}

func (s *suite) whatIsNoEventIsRefused() {
	w := s.begin()
	for _, e := range []study.Event{
		{Kind: study.KindGap, Fields: json.RawMessage(`{"missed":1}`)},
		{Kind: `x","y":"`},
		{Fields: json.RawMessage(`{}`)},
		{Kind: study.KindToken, Fields: json.RawMessage(`"text"`)},
		{Kind: study.KindToken, Fields: json.RawMessage(`{`)},
		{Kind: study.KindComplete, Fields: json.RawMessage(`[1]`)},
	} {
		s.wantCode(fmt.Sprintf("%s %s", e.Kind, e.Fields), w.Append(s.ctx, e), study.CodeInvalid)
	}
	if err := w.Append(s.ctx, study.Event{Kind: study.KindComplete}); err != nil {
		s.Error("an end without fields:", err)
	}
	events, _, _ := s.rest(study.Position{})
	s.wantSeqs(events, 1, 1)
}

func (s *suite) nothingFollowsATerminalEvent() {
	for _, kind := range []study.Kind{study.KindComplete, study.KindError} {
		w := s.begin()
		s.append(w, kind, "end")
		for _, late := range []study.Kind{study.KindToken, study.KindComplete} {
			s.wantCode("an event behind the end", w.Append(s.ctx, Event(late, "late")), study.CodeInvalid)
		}
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			s.Error("Close behind the end:", err)
		}
		if events, _, _ := s.rest(study.Position{}); len(events) != 1 || events[0].Kind != kind {
			s.Errorf("events are %+v, want the end alone", events)
		}
	}
}

func (s *suite) closeEndsARunWithOneError() {
	w := s.begin()
	s.append(w, study.KindStart, "1")
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		s.Fatal("Close:", err)
	}
	s.wantCode("an event behind Close", w.Append(s.ctx, Event(study.KindComplete, "late")), study.CodeInvalid)
	events, _, _ := s.rest(study.Position{})
	s.wantSeqs(events, 1, 2)
	s.wantRetryableError(events[1])
	empty := s.begin()
	_ = empty.Close()
	for {
		events, _, last := s.rest(study.Position{})
		if last.Seq < 3 {
			continue // Close takes effect asynchronously
		}
		s.wantSeqs(events, 3, 3)
		s.wantRetryableError(events[0])
		return
	}
}

func (s *suite) wantRetryableError(e study.Event) {
	s.Helper()
	var f struct {
		Error     string
		Retryable bool
	}
	if err := json.Unmarshal(e.Fields, &f); err != nil || e.Kind != study.KindError || f.Error == "" || !f.Retryable {
		s.Errorf("the run ends with %s %s, want a retryable error", e.Kind, e.Fields)
	}
}

func (s *suite) onlyALostRunIsRepeated() {
	for _, length := range []int{0, 1, stream.MaxRequestBytes, stream.MaxRequestBytes + 1} {
		info := stream.RunInfo{Session: uuid.NewString(), Run: uuid.NewString(), Owner: "user-1"}
		s.session = info.Session
		again := info
		again.Takeover = true
		_, err := s.Writer.Begin(s.ctx, again)
		s.wantCode("to repeat what never began", err, study.CodeNotFound)
		info.Request = make([]byte, length)
		w, err := s.Writer.Begin(s.ctx, info)
		if err != nil {
			s.Fatalf("Begin with a request of %d bytes: %v", length, err)
		}
		s.append(w, study.KindStart, "1")
		_, err = s.Reader.Begin(s.ctx, again)
		s.wantCode("to repeat a run under way", err, study.CodeNotFound)
		s.append(w, study.KindComplete, "2")
		_, err = s.Writer.Begin(s.ctx, again)
		s.wantCode("to repeat what has ended", err, study.CodeNotFound)
		events, _, _ := s.rest(study.Position{})
		s.wantSeqs(events, 1, 2)
	}
}

func (s *suite) anothersSessionIsNotFound() {
	foreign := make(chan error, 1)
	go func() {
		_, err := s.Reader.Since(s.ctx, stream.Query{Session: s.session, Owner: "user-2"})
		foreign <- err
	}()
	w := s.begin()
	s.wantCode("a wait for what became another's", <-foreign, study.CodeNotFound)
	s.append(w, study.KindStart, "1")
	_, err := s.Reader.Since(s.ctx, stream.Query{Session: s.session, Owner: "user-2"})
	s.wantCode("another's session", err, study.CodeNotFound)
	_, err = s.Reader.Since(s.ctx, stream.Query{Session: s.session, Owner: "user-2", NoWait: true})
	s.wantCode("another's session without waiting", err, study.CodeNotFound)
	_, err = s.Writer.Begin(s.ctx, stream.RunInfo{Session: s.session, Run: uuid.NewString(), Owner: "user-2"})
	s.wantCode("a run in another's session", err, study.CodeNotFound)
	for _, owner := range []string{"", "user-1"} {
		if b, err := s.Reader.Since(s.ctx, stream.Query{Session: s.session, Owner: owner}); err != nil || len(b.Events) != 1 {
			s.Errorf("as %q: %+v, %v", owner, b, err)
		}
	}
}

func (s *suite) dropEndsReadersAndRuns() {
	s.wantCode("Drop of an unknown session", s.Writer.Drop(s.ctx, s.session), study.CodeNotFound)
	lost := make(chan error, 2)
	w := s.beginIn(s.session, "user-1", func(err error) { lost <- err })
	s.append(w, study.KindStart, "1")
	last := s.since(study.Position{}).Next
	waiting := make(chan error, 1)
	go func() {
		_, err := s.Reader.Since(s.ctx, stream.Query{Session: s.session, After: last})
		waiting <- err
	}()
	if err := s.Reader.Drop(s.ctx, s.session); err != nil {
		s.Fatal("Drop:", err)
	}
	s.wantCode("a waiting reader", <-waiting, study.CodeNotFound)
	s.wantCode("OnLost", <-lost, study.CodeNotFound)
	for _, kind := range []study.Kind{study.KindToken, study.KindComplete} {
		s.wantCode("the dropped run", w.Append(s.ctx, Event(kind, "late")), study.CodeNotFound)
	}
	s.wantCode("Close of the dropped run", w.Close(), study.CodeNotFound)
	_, err := s.Reader.Since(s.ctx, stream.Query{Session: s.session, After: last})
	s.wantCode("a position of the dropped session", err, study.CodeNotFound)

	s.finished("y", 2)
	events, missed, next := s.rest(last)
	s.wantSeqs(events, 1, 2)
	if missed < 1 || next.Epoch == last.Epoch {
		s.Errorf("the session's next life: missed %d, epoch %d after %d", missed, next.Epoch, last.Epoch)
	}
	if len(lost) > 0 {
		s.Error("OnLost was called twice")
	}
}

func (s *suite) oddIDsAreInvalid() {
	id := uuid.NewString()
	for _, odd := range []string{"", "x", id[1:], id + " ", "{" + id + "}", "urn:uuid:" + id, strings.ReplaceAll(id, "-", ""), strings.Repeat("0", 1<<20)} {
		_, err := s.Reader.Since(s.ctx, stream.Query{Session: odd, NoWait: true})
		s.wantCode("Since", err, study.CodeInvalid)
		_, err = s.Writer.Begin(s.ctx, stream.RunInfo{Session: odd, Run: id})
		s.wantCode("Begin", err, study.CodeInvalid)
		_, err = s.Writer.Begin(s.ctx, stream.RunInfo{Session: id, Run: odd})
		s.wantCode("Begin", err, study.CodeInvalid)
		s.wantCode("Drop", s.Writer.Drop(s.ctx, odd), study.CodeInvalid)
	}
	long := strings.Repeat("x", 4*study.MaxIDRunes+1)
	_, err := s.Reader.Since(s.ctx, stream.Query{Session: id, Owner: long, NoWait: true})
	s.wantCode("an owner too long", err, study.CodeInvalid)
	_, err = s.Writer.Begin(s.ctx, stream.RunInfo{Session: id, Run: id, Owner: long})
	s.wantCode("an owner too long", err, study.CodeInvalid)
	w, err := s.Writer.Begin(s.ctx, stream.RunInfo{Session: id, Run: id, Owner: long[1:]})
	if err != nil {
		s.Fatal("an owner at the bound:", err)
	}
	_, err = s.Writer.Begin(s.ctx, stream.RunInfo{Session: id, Run: id, Owner: long[1:]})
	s.wantCode("a run begun twice", err, study.CodeInvalid)
	_ = w.Close()
}
