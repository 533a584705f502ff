package stream

import (
	"context"
	"time"

	"studysharper/app/stream/internal/wire"
	"studysharper/app/study"
)

// RelayOptions bound one end of a relay. Zero takes the default; below zero panics.
type RelayOptions struct {
	MaxReaders int // waiting readers; one more is CodeOverloaded. Default 20,000; for ServeRelay the journal's

	// MaxQueuedBytes is from where on nothing is added to what waits to be sent:
	// events in a worker, batches in the supervisor, where they then stay in the
	// journal. What cannot wait (requests, acknowledgements) may pass it; sixteen
	// times the bound closes the connection. Default 512 KiB.
	MaxQueuedBytes int

	// Orphaned, in a worker, is told of a run whose own worker died; Begin with
	// RunInfo.Takeover takes it over. It must not block. nil = nothing is taken over.
	Orphaned func(Orphan)

	StallAfter time.Duration // a peer that takes nothing for so long is given up. Default 10 s
}

func (o *RelayOptions) fill() {
	setDefault(&o.MaxReaders, 20_000)
	setDefault(&o.MaxQueuedBytes, 512<<10)
	setDefault(&o.StallAfter, 10*time.Second)
}

// relayRun is the writer of a run begun through a Relay.
type relayRun struct {
	relay  *Relay
	no     uint64
	onLost func(error)

	// Guarded by the lock of the relay.
	begun bool
	over  error // why nothing can follow; nil while the run is open
	lost  bool
}

// Begin implements Journal. Cut short by ctx it leaves no run open.
func (r *Relay) Begin(ctx context.Context, info RunInfo) (Writer, error) {
	session, id, err := info.Parse()
	if err != nil {
		return nil, err
	}
	run := &relayRun{relay: r, onLost: info.OnLost}
	answer := make(chan error, 1)
	r.mu.Lock()
	if run.no, err = r.number(); err == nil {
		r.runs[run.no], r.calls[run.no] = run, answer
	}
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	f := &wire.Frame{Kind: wire.KindBegin, No: run.no, Session: session, Run: id, Owner: info.Owner, Repeat: info.Takeover, Silent: info.Silent}
	if len(info.Request) <= MaxRequestBytes {
		f.Request = info.Request
	}
	if err = r.out.Admit(ctx, f); err == nil {
		err = r.answered(ctx, run.no, answer)
	}
	if err != nil {
		_ = run.Close()
		return nil, err
	}
	return run, nil
}

// settle takes in an acknowledgement, of Begin or of the terminal event, or what the
// run was lost by, and reports whether the run is over.
func (w *relayRun) settle(fault *study.Error) (over bool) {
	if fault == nil {
		w.begun = true
	} else {
		w.over, w.lost = fault, true
	}
	return w.over != nil
}

// tellLost tells the run's maker, unless it hears from Begin.
func (w *relayRun) tellLost() {
	if w.begun && w.onLost != nil {
		w.onLost(w.over)
	}
}

// Append implements Writer.
func (w *relayRun) Append(ctx context.Context, e study.Event) error {
	r := w.relay
	terminal := e.Kind.Terminal()
	var answer chan error
	r.mu.Lock()
	err := w.over
	if err == nil {
		err = CheckEvent(e, r.maxEvent)
	}
	if err == nil && terminal {
		answer = make(chan error, 1)
		w.over, r.calls[w.no] = ErrEnded, answer
	}
	r.mu.Unlock()
	if err != nil {
		return err
	}
	err = r.out.Admit(ctx, &wire.Frame{Kind: wire.KindAppend, No: w.no, Event: e})
	switch {
	case !terminal:
		return err
	case err != nil:
		return w.unsent(err)
	default:
		return r.answered(ctx, w.no, answer)
	}
}

// unsent takes back that a terminal event was about to end the run.
func (w *relayRun) unsent(err error) error {
	w.relay.mu.Lock()
	defer w.relay.mu.Unlock()
	delete(w.relay.calls, w.no)
	if !w.lost {
		w.over = nil
	}
	return err
}

// Close implements Writer.
func (w *relayRun) Close() error {
	r := w.relay
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case w.lost:
		return w.over
	case w.over == nil:
		w.over = ErrEnded
		delete(r.runs, w.no)
		delete(r.calls, w.no)
		r.out.Put(&wire.Frame{Kind: wire.KindClose, No: w.no})
	}
	return nil
}
