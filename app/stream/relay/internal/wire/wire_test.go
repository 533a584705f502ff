package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"studysharper/app/study"
)

// samples has a frame of every kind.
func samples() []Frame {
	id, other := uuid.UUID{1, 2, 3}, uuid.UUID{15: 9}
	event := study.Event{Kind: study.KindToken, Fields: []byte(`{"text":"é"}`)}
	numbered := event
	numbered.Seq = math.MaxUint64
	return []Frame{
		{Kind: KindHello, Version: Version, MaxEvent: 256 << 10, MaxFrame: 1 << 20},
		{Kind: KindBegin, No: 1, Session: id, Run: other, Owner: "someone", Takeover: true, Silent: true, Request: []byte("what was asked")},
		{Kind: KindAppend, No: 1 << 40, Event: event},
		{Kind: KindClose, No: 3},
		{Kind: KindSince, No: 4, Session: id, Run: other, After: study.Position{Epoch: math.MaxUint64, Seq: 7}, Owner: "x", NoWait: true, Peek: true},
		{Kind: KindSince, No: 5, Session: id},
		{Kind: KindCancel, No: 6},
		{Kind: KindDrop, No: 7, Session: other},
		{Kind: KindDone, No: 8},
		{Kind: KindFault, No: 9, Fault: &study.Error{Code: study.CodeOverloaded, Message: "full", RetryAfter: 1500 * time.Millisecond}},
		{Kind: KindFault, No: 9, Fault: &study.Error{Code: study.CodeConflict, Message: "busy", Run: other.String()}},
		{Kind: KindBatch, No: 10},
		{Kind: KindBatch, No: 11, Batch: study.Batch{
			Missed: 3, Next: study.Position{Epoch: 9, Seq: 12}, Ended: true, Run: other.String(), Events: []study.Event{event, numbered},
		}},
		{Kind: KindOrphan, Session: id, Run: other, Owner: "someone", Request: []byte("what was asked")},
	}
}

func read(t *testing.T, wire []byte) []Frame {
	t.Helper()
	var frames []Frame
	for r := bufio.NewReader(bytes.NewReader(wire)); ; {
		kind, body, err := Read(r, MaxFrame)
		if errors.Is(err, io.EOF) {
			return frames
		}
		f, known, perr := Parse(kind, body)
		if err != nil || perr != nil || !known {
			t.Fatalf("frame %d: %v, %v, known %v", len(frames), err, perr, known)
		}
		frames = append(frames, f)
	}
}

func TestEveryFrameIsReadAsItWasWritten(t *testing.T) {
	var stream []byte
	for _, f := range samples() {
		stream = f.AppendTo(stream)
	}
	if got := read(t, stream); !reflect.DeepEqual(got, samples()) {
		t.Errorf("got %+v, want %+v", got, samples())
	}
}

func TestALongMessageIsCut(t *testing.T) {
	f := Frame{Kind: KindFault, Fault: study.Errorf(study.CodeInternal, "%s", strings.Repeat("x", 600))}
	if got := read(t, f.AppendTo(nil)); len(got[0].Fault.Message) != maxReason {
		t.Errorf("the message has %d bytes, want %d", len(got[0].Fault.Message), maxReason)
	}
}

func TestEveryFrameCutShortOrTooLongIsMalformed(t *testing.T) {
	for _, f := range samples() {
		body := f.AppendTo(nil)[headBytes:]
		for n := range body { // no prefix of any of them may parse
			if _, known, err := Parse(f.Kind, body[:n]); err == nil {
				t.Errorf("kind %d with %d of %d bytes: known %v, no error", f.Kind, n, len(body), known)
			}
		}
		if _, _, err := Parse(f.Kind, append(body[:len(body):len(body)], 0)); err == nil {
			t.Errorf("kind %d with a byte too many: no error", f.Kind)
		}
	}
}

func TestUnknownKindsAreTold(t *testing.T) {
	for _, kind := range []Kind{0, KindOrphan + 1, 255} {
		if _, known, err := Parse(kind, []byte("whatever")); known || err != nil {
			t.Errorf("kind %d: known %v, %v", kind, known, err)
		}
	}
}

func TestReadRefusesAFrameOneByteTooLarge(t *testing.T) {
	for size, want := range map[uint32]string{0: "malformed", 1: "ok", 100: "ok", 101: "malformed", math.MaxUint32: "malformed"} {
		wire := binary.BigEndian.AppendUint32(nil, size)
		wire = append(wire, make([]byte, 200)...)
		_, body, err := Read(bufio.NewReader(bytes.NewReader(wire)), 100)
		if e := study.AsError(err); want == "ok" && (err != nil || len(body) != int(size)-1) || want != "ok" && (e == nil || string(e.Code) != want) {
			t.Errorf("%d bytes: %v, want %s", size, err, want)
		}
	}
	if _, _, err := Read(bufio.NewReader(strings.NewReader("\x00\x00\x00\x09\x01half")), 100); !errors.Is(err, io.EOF) {
		t.Errorf("half a frame: %v, want io.EOF", err)
	}
}

func TestReadHelloWantsAHelloOfThisVersion(t *testing.T) {
	hello := Frame{Kind: KindHello, Version: Version}
	later := Frame{Kind: KindHello, Version: Version + 1, MaxEvent: 5}
	longer := append(later.AppendTo(nil), "more"...)
	longer[3] += 4
	begin := Frame{Kind: KindDone, No: 1}
	for _, c := range []struct {
		name string
		wire []byte
		want study.Code
	}{
		{"this version", hello.AppendTo(nil), ""},
		{"a later version", later.AppendTo(nil), study.CodeUnsupported},
		{"a later version with more in it", longer, study.CodeUnsupported},
		{"another frame", begin.AppendTo(nil), study.CodeMalformed},
		{"an unknown frame", []byte{0, 0, 0, 1, 200}, study.CodeMalformed},
		{"something else", []byte("GET / HTTP/1.1\r\n"), study.CodeMalformed},
	} {
		_, err := ReadHello(bufio.NewReader(bytes.NewReader(c.wire)))
		if e := study.AsError(err); (e == nil) != (c.want == "") || e != nil && e.Code != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.AppendTo(nil)[4:])
	}
	f.Add([]byte{byte(KindBatch), 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, wire []byte) {
		if len(wire) == 0 {
			return
		}
		first, known, err := Parse(Kind(wire[0]), wire[1:])
		if err != nil || !known || first.Fault != nil && len(first.Fault.Message) > maxReason {
			return
		}
		if first.Kind == KindHello && first.Version != Version {
			return // its other fields are ignored
		}
		second, _, err := Parse(first.Kind, first.AppendTo(nil)[headBytes:])
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("%x is read as %+v, written and read again as %+v, %v", wire, first, second, err)
		}
	})
}

func TestTheOutboxGathersFramesIntoOneWrite(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		extra := Frame{Kind: KindDone, No: 99}
		o := NewOutbox(here, 1<<10, time.Second, func(dst []byte) []byte {
			if len(dst) > 0 {
				dst = extra.AppendTo(dst)
			}
			return dst
		})
		var want []byte
		for _, f := range samples() {
			o.Put(&f)
			want = f.AppendTo(want)
		}
		want = extra.AppendTo(want)
		ran := make(chan error)
		go func() { ran <- o.Run() }()
		got := make([]byte, len(want))
		if n, err := there.Read(got); err != nil || n != len(want) || !bytes.Equal(got, want) {
			t.Errorf("one read gave %d bytes, %v; want %d", n, err, len(want))
		}
		o.Close()
		if err := <-ran; err != nil {
			t.Error("Run:", err)
		}
		_ = here.Close()
	})
}

func TestAdmitWaitsForRoom(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		o := NewOutbox(here, 100, time.Hour, nil)
		f := &Frame{Kind: KindAppend, Event: study.Event{Kind: study.KindToken, Fields: make([]byte, 80)}}
		big := &Frame{Kind: KindAppend, Event: study.Event{Kind: study.KindToken, Fields: make([]byte, 500)}}
		if err := o.Admit(t.Context(), big); err != nil {
			t.Fatal("an empty outbox refused a large frame:", err)
		}
		enough := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, enough)
		defer cancel()
		if err := o.Admit(ctx, f); !errors.Is(err, enough) {
			t.Errorf("Admit to a full outbox: %v, want it to wait", err)
		}
		ran, admitted := make(chan error), make(chan error)
		go func() { ran <- o.Run() }()
		go func() { admitted <- o.Admit(t.Context(), f) }()
		synctest.Wait()
		select {
		case err := <-admitted:
			t.Fatal("admitted while a Write is under way:", err)
		default:
		}
		if _, err := io.ReadFull(there, make([]byte, len(big.AppendTo(nil)))); err != nil {
			t.Fatal(err)
		}
		if err := <-admitted; err != nil {
			t.Error("Admit:", err)
		}
		go func() { _, _ = io.Copy(io.Discard, there) }()
		o.Close()
		if err := <-ran; err != nil {
			t.Error("Run:", err)
		}
		if err := o.Admit(t.Context(), f); study.AsError(err).Code != study.CodeUnavailable {
			t.Errorf("Admit behind Close: %v", err)
		}
		_ = here.Close()
	})
}

func TestAnOutboxPastSixteenTimesItsBoundClosesTheConnection(t *testing.T) {
	here, there := net.Pipe()
	o := NewOutbox(here, 100, time.Hour, nil)
	f := &Frame{Kind: KindDone, No: 1} // six bytes
	for range 1600 / 6 {
		o.Put(f)
	}
	_ = there.SetReadDeadline(time.Now())
	if _, err := there.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("at the bound: %v, want an open connection", err)
	}
	o.Put(f)
	_ = there.SetReadDeadline(time.Time{})
	if _, err := there.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("past the bound: %v, want a closed connection", err)
	}
	if err := o.Run(); err != nil {
		t.Error("Run:", err)
	}
}

func TestRunGivesUpAPeerThatTakesNothing(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		o := NewOutbox(here, 100, 10*time.Second, nil)
		o.Put(&Frame{Kind: KindDone})
		start := time.Now()
		if err := o.Run(); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		_, _ = here.Close(), there.Close()
	})
}

func TestABufferIsKeptWhileItIsOfUse(t *testing.T) {
	for _, c := range []struct {
		capacity, length int
		want             bool
	}{
		{smallSpare, 0, false}, {smallSpare + 1, 0, true},
		{wideSpare * 100_000, 100_000, false}, {wideSpare*100_000 + 1, 100_000, true},
	} {
		if got := outgrown(make([]byte, c.length, c.capacity)); got != c.want {
			t.Errorf("%d of %d bytes in use: outgrown %v", c.length, c.capacity, got)
		}
	}
}
