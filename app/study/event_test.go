package study

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestEventDataIsOneObjectWithTypeSeqAndRunFirst(t *testing.T) {
	for want, fields := range map[string]any{
		`{"type":"token","seq":7,"run_id":"r1","text":"a\nb"}`: map[string]string{"text": "a\nb"},
		`{"type":"token","seq":7,"run_id":"r1"}`:               map[string]string{},
	} {
		e, err := NewEvent(KindToken, fields)
		e.Seq = 7
		if got := string(e.Data("r1")); err != nil || got != want || !json.Valid([]byte(got)) {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
	for _, fields := range []any{nil, 3, []int{1}, "x", func() {}} {
		if e, err := NewEvent(KindToken, fields); err == nil {
			t.Errorf("%v became an event: %s", fields, e.Data(""))
		}
	}
}

func TestPositionsReadBackAndNothingElseDoes(t *testing.T) {
	for _, p := range []Position{{}, {1, 2}, {1<<64 - 1, 1<<64 - 1}} {
		if got, err := ParsePosition(p.String()); err != nil || got != p {
			t.Errorf("%v: got %v, %v", p, got, err)
		}
	}
	for _, s := range []string{"", ".", "1", "1.", ".1", "1.01", "01.1", "1.-1", "1.1.1", "A.1", " 1.1", "1.1\n", "zzzzzzzzzzzzzz.1", strings.Repeat("1", 1<<20)} {
		if p, err := ParsePosition(s); err == nil {
			t.Errorf("%.30q is taken as %v", s, p)
		}
	}
}

func TestAnEventIDSaysWhetherItsStreamEndsThere(t *testing.T) {
	p, run := Position{Epoch: 1 << 48, Seq: 3}, "018f2a30-0000-7000-8000-000000000001"
	for text, want := range map[string]EventID{
		p.String():    {Position: p},
		p.LastID(""):  {Position: p, Last: true},
		p.LastID(run): {Position: p, Last: true, Run: run},
	} {
		if got, err := ParseEventID(text); err != nil || got != want {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ".", "1.", "1.1..", "x.", p.LastID("") + ".", p.LastID(run) + "0", strings.Repeat(".", 100)} {
		if got, err := ParseEventID(text); err == nil || got != (EventID{}) {
			t.Errorf("%q is taken as %+v", text, got)
		}
	}
}

func TestAnEventOfNoRunHasTheNilUUID(t *testing.T) {
	if got := string(Event{Kind: KindError, Seq: 1}.Data("")); got != `{"type":"error","seq":1,"run_id":"`+NoRun+`"}` {
		t.Error(got)
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add("3k7x1c0a.42")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := ParsePosition(s); err == nil && p.String() != s {
			t.Errorf("%q is taken as %v", s, p)
		}
	})
}

func TestWrapKeepsWhatAlreadyHasACode(t *testing.T) {
	inner := Errorf(CodeNotFound, "no such note")
	if got := AsError(Wrap(fmt.Errorf("reading: %w", inner), CodeUnavailable, "x")); got != inner {
		t.Errorf("got %v", got)
	}
	cause := errors.New("disk")
	if got := Wrap(cause, CodeUnavailable, "the store is away"); !errors.Is(got, cause) || AsError(got).Code != CodeUnavailable {
		t.Errorf("got %v", got)
	}
	if Wrap(nil, CodeInternal, "x") != nil || AsError(nil) != nil || Invalid(nil) != nil {
		t.Error("nothing wrong became an error")
	}
	if got := AsError(cause); got.Code != CodeInternal || strings.Contains(got.Message, "disk") {
		t.Errorf("got %+v", got)
	}
}
