package relay_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
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

// peer is one end of a relay, played by the test frame by frame.
type peer struct {
	t  *testing.T
	c  net.Conn
	in *bufio.Reader
}

func (p *peer) send(frames ...wire.Frame) {
	p.t.Helper()
	var out []byte
	for _, f := range frames {
		out = f.AppendTo(out)
	}
	if _, err := p.c.Write(out); err != nil {
		p.t.Error("send:", err)
	}
}

func (p *peer) receive(kind wire.Kind) wire.Frame {
	p.t.Helper()
	got, body, err := wire.Read(p.in, wire.MaxFrame)
	if err != nil {
		p.t.Fatal("receive:", err)
	}
	f, _, err := wire.Parse(got, body)
	if err != nil || got != kind {
		p.t.Fatalf("received kind %d, %v; want %d", got, err, kind)
	}
	return f
}

var hello = wire.Frame{Kind: wire.KindHello, Version: wire.Version, MaxEvent: 1000, MaxFrame: 10_000}

// workerPeer plays a worker to Serve.
func workerPeer(t *testing.T, m *memory.Journal, o relay.Options) (*peer, chan error) {
	supervisor, worker := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- relay.Serve(t.Context(), supervisor, m, o) }()
	p := &peer{t: t, c: worker, in: bufio.NewReader(worker)}
	p.receive(wire.KindHello)
	return p, served
}

func TestFault_P31_MalformedFramesEndTheConnectionAndItsRuns(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	id := uuid.New()
	since := wire.Frame{Kind: wire.KindSince, No: 5, Session: id}
	tooLarge := wire.Frame{Kind: wire.KindAppend, No: 1, Event: study.Event{Kind: study.KindToken, Fields: make([]byte, stream.MaxRequestBytes+4<<10)}}
	for name, garbage := range map[string][]byte{
		"an empty frame":                  {0, 0, 0, 0},
		"a frame too large":               tooLarge.AppendTo(nil),
		"a huge frame":                    {255, 255, 255, 255, 3},
		"a payload that does not parse":   {0, 0, 0, 2, byte(wire.KindSince), 255},
		"a payload with more behind it":   {0, 0, 0, 3, byte(wire.KindClose), 1, 1},
		"an event of no kind":             {0, 0, 0, 4, byte(wire.KindAppend), 1, 9, 0},
		"a reader that asks twice":        since.AppendTo(since.AppendTo(nil)),
		"a run begun twice":               (&wire.Frame{Kind: wire.KindBegin, No: 1, Session: id, Run: uuid.New()}).AppendTo(nil),
		"what only a supervisor may send": (&wire.Frame{Kind: wire.KindDone, No: 1}).AppendTo(nil),
		"a second hello":                  hello.AppendTo(nil),
	} {
		t.Run(name, func(t *testing.T) {
			m := memory.New(memory.Options{MaxEventBytes: 1000})
			p, served := workerPeer(t, m, relay.Options{})
			p.send(hello, wire.Frame{Kind: wire.KindBegin, No: 1, Session: id, Run: uuid.New()})
			p.receive(wire.KindDone)
			_, _ = p.c.Write(garbage)
			wantCode(t, "Serve", <-served, study.CodeMalformed)
			if events := toTheEnd(t, m, id.String()); len(events) != 1 || events[0].Kind != study.KindError {
				t.Errorf("the run ended as %+v", events)
			}
			if got := m.Stats(); got.Runs != 0 || got.Readers != 0 {
				t.Errorf("it left %+v", got)
			}
		})
	}
}

func TestFault_P31_HalfAFrameIsTheEnd(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	m := memory.New(memory.Options{})
	p, served := workerPeer(t, m, relay.Options{})
	id := uuid.New()
	p.send(hello, wire.Frame{Kind: wire.KindBegin, No: 1, Session: id, Run: uuid.New()})
	p.receive(wire.KindDone)
	_, _ = p.c.Write([]byte{0, 0, 0, 50, byte(wire.KindAppend), 1})
	_ = p.c.Close()
	if err := <-served; err != nil {
		t.Error("Serve:", err)
	}
	if events := toTheEnd(t, m, id.String()); len(events) != 1 || events[0].Kind != study.KindError {
		t.Errorf("the run ended as %+v", events)
	}
}

func TestFault_P32_UnknownFramesAreCountedAndPassedOver(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	unknown := []byte{0, 0, 0, 6, 200, 1, 2, 3, 4, 5}
	m := memory.New(memory.Options{})
	var ignored atomic.Int64
	o := relay.Options{UnknownFrame: func() { ignored.Add(1) }}
	p, served := workerPeer(t, m, o)
	p.send(hello)
	_, _ = p.c.Write(unknown)
	p.send(wire.Frame{Kind: wire.KindDrop, No: 3, Session: uuid.New()})
	if f := p.receive(wire.KindFault); f.No != 3 {
		t.Errorf("answered %d", f.No)
	}
	if got := ignored.Load(); got != 1 {
		t.Errorf("the supervisor's end counted %d", got)
	}
	_ = p.c.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}

	supervisor, worker := net.Pipe()
	r := relay.NewClient(worker, o)
	ran := make(chan error, 1)
	go func() { ran <- r.Run(t.Context()) }()
	s := &peer{t: t, c: supervisor, in: bufio.NewReader(supervisor)}
	s.receive(wire.KindHello)
	s.send(hello)
	_, _ = s.c.Write(unknown)
	dropped := make(chan error, 1)
	go func() { dropped <- r.Drop(t.Context(), uuid.NewString()) }()
	s.send(wire.Frame{Kind: wire.KindDone, No: s.receive(wire.KindDrop).No})
	if err := <-dropped; err != nil || ignored.Load() != 2 {
		t.Errorf("%v; the worker's end counted %d", err, ignored.Load())
	}
	_, _ = s.c.Write([]byte{0, 0, 0, 1, byte(wire.KindSince)})
	wantCode(t, "Run after garbage", <-ran, study.CodeMalformed)
}

func TestRelaysOfTwoVersionsPart(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	later := wire.Frame{Kind: wire.KindHello, Version: wire.Version + 1}
	p, served := workerPeer(t, memory.New(memory.Options{}), relay.Options{})
	p.send(later)
	wantCode(t, "Serve", <-served, study.CodeUnsupported)

	for _, h := range []wire.Frame{later, {Kind: wire.KindHello, Version: wire.Version, MaxFrame: wire.MaxFrame + 1}} {
		supervisor, worker := net.Pipe()
		ran := make(chan error, 1)
		go func() { ran <- relay.NewClient(worker, relay.Options{}).Run(t.Context()) }()
		s := &peer{t: t, c: supervisor, in: bufio.NewReader(supervisor)}
		s.receive(wire.KindHello)
		s.send(h)
		if err := <-ran; err == nil {
			t.Error("a worker took a hello it must not")
		}
	}
}

func TestAWorkerThatTakesNothingHoldsNobodyAndIsGivenUp(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	synctest.Test(t, func(t *testing.T) {
		const readers, events = 500, 2000
		m := memory.New(memory.Options{})
		hung, served := workerPeer(t, m, relay.Options{MaxQueuedBytes: 10_000, StallAfter: 10 * time.Second})
		supervisor, worker := net.Pipe()
		sibling, _, stop := connect(m, supervisor, worker, relay.Options{})

		session := uuid.New()
		w := begin(t, sibling, session.String(), nil)
		hung.send(hello)
		for i := range readers {
			hung.send(wire.Frame{Kind: wire.KindSince, No: uint64(i), Session: session})
		}
		synctest.Wait()
		start := time.Now()
		got := make(chan []study.Event, 1)
		go func() { got <- toTheEnd(t, sibling, session.String()) }()
		for i := range events {
			if err := w.Append(t.Context(), streamtest.Event(study.KindProgress, fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // the sibling's reader keeps up
		}
		if err := w.Append(t.Context(), streamtest.Event(study.KindComplete, "")); err != nil {
			t.Fatal(err)
		}
		if n := len(<-got); n != events+1 {
			t.Errorf("the sibling's reader got %d events of %d", n, events+1)
		}
		if held := time.Since(start); held != 0 {
			t.Errorf("the hung worker held its sibling for %v", held)
		}
		if err := <-served; err == nil || time.Since(start) != 10*time.Second {
			t.Errorf("the hung worker was given up after %v: %v", time.Since(start), err)
		} else {
			wantCode(t, "Serve", err, study.CodeUnavailable)
		}
		if got := m.Stats(); got.Readers != 0 {
			t.Errorf("it left %+v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAppendWaitsForASupervisorThatTakesNothing(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	synctest.Test(t, func(t *testing.T) {
		supervisor, worker := net.Pipe()
		r := relay.NewClient(worker, relay.Options{MaxQueuedBytes: 5000, StallAfter: time.Minute})
		ran := make(chan error, 1)
		go func() { ran <- r.Run(t.Context()) }()
		s := &peer{t: t, c: supervisor, in: bufio.NewReader(supervisor)}
		s.receive(wire.KindHello)
		s.send(hello)
		writers := make(chan stream.Writer)
		go func() { writers <- begin(t, r, uuid.NewString(), nil) }()
		s.send(wire.Frame{Kind: wire.KindDone, No: s.receive(wire.KindBegin).No})
		w := <-writers
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		sent := 0
		var err error
		for ; err == nil; sent++ {
			err = w.Append(ctx, streamtest.Event(study.KindProgress, strings.Repeat("x", 400)))
		}
		if !errors.Is(err, context.DeadlineExceeded) || sent < 10 || sent > 14 {
			t.Errorf("%d events of 400 bytes were taken, then %v", sent, err)
		}
		if err := w.Append(ctx, streamtest.Event(study.KindComplete, strings.Repeat("x", 400))); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the end: %v", err)
		}
		ended := make(chan error, 1)
		go func() { ended <- w.Append(t.Context(), streamtest.Event(study.KindComplete, "")) }()
		for range sent - 1 {
			s.receive(wire.KindAppend)
		}
		s.send(wire.Frame{Kind: wire.KindDone, No: s.receive(wire.KindAppend).No})
		if err := <-ended; err != nil {
			t.Error("the end, once there is room:", err)
		}
		_ = supervisor.Close()
		wantCode(t, "Run", <-ran, study.CodeUnavailable)
	})
}

func FuzzServeOutlivesWhateverAWorkerSends(f *testing.F) {
	id := uuid.New()
	frames := []wire.Frame{
		{Kind: wire.KindBegin, No: 1, Session: id, Run: uuid.New()},
		{Kind: wire.KindAppend, No: 1, Event: study.Event{Kind: study.KindToken, Fields: []byte(`{"text":"x"}`)}},
		{Kind: wire.KindSince, No: 2, Session: id},
		{Kind: wire.KindSince, No: 3, Session: id, NoWait: true},
		{Kind: wire.KindCancel, No: 2},
		{Kind: wire.KindAppend, No: 1, Event: study.Event{Kind: study.KindComplete}},
		{Kind: wire.KindClose, No: 1},
		{Kind: wire.KindDrop, No: 4, Session: id},
		{Kind: wire.KindBegin, No: 5, Session: id, Run: uuid.New(), Request: []byte("again")},
		{Kind: wire.KindBegin, No: 6, Session: id, Run: uuid.New(), Takeover: true},
	}
	var all []byte
	for _, fr := range frames {
		all = fr.AppendTo(all)
		f.Add(all)
	}
	f.Add(all[:len(all)-3])
	f.Fuzz(func(t *testing.T, sent []byte) {
		m := memory.New(memory.Options{MaxEvents: 3, MaxEventBytes: 500, MaxBytes: 20_000, TakeoverWithin: time.Minute})
		supervisor, worker := net.Pipe()
		served := make(chan error, 1)
		go func() { served <- relay.Serve(t.Context(), supervisor, m, relay.Options{}) }()
		go func() { _, _ = io.Copy(io.Discard, worker) }()
		_, _ = worker.Write(append(hello.AppendTo(nil), sent...))
		_ = worker.Close()
		<-served
		if got := m.Stats(); got.Runs != got.Orphans || got.Readers != 0 || got.QueuedBytes > 20_000 {
			t.Errorf("it left %+v", got)
		}
		stopped, stop := context.WithCancel(t.Context())
		stop()
		if err := m.Run(stopped); err != nil || m.Stats().Runs != 0 {
			t.Errorf("behind Run it left %+v, %v", m.Stats(), err)
		}
	})
}
