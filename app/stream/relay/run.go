package relay

import (
	"context"

	"studysharper/app/stream"
	"studysharper/app/stream/relay/internal/wire"
	"studysharper/app/study"
)

// run is the writer of a run begun through a Client.
type run struct {
	client *Client
	no     uint64
	onLost func(error)

	// Guarded by the lock of the client.
	begun bool
	over  error // why nothing can follow; nil while the run is open
	lost  bool
}

// Begin implements stream.Journal. If ctx ends first, no run is left open.
func (r *Client) Begin(ctx context.Context, info stream.RunInfo) (stream.Writer, error) {
	session, id, err := info.Parse()
	if err != nil {
		return nil, err
	}
	run := &run{client: r, onLost: info.OnLost}
	answer := make(chan error, 1)
	r.mu.Lock()
	if run.no, err = r.number(); err == nil {
		r.runs[run.no], r.calls[run.no] = run, answer
	}
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	f := &wire.Frame{Kind: wire.KindBegin, No: run.no, Session: session, Run: id, Owner: info.Owner, Takeover: info.Takeover, Silent: info.Silent}
	if len(info.Request) <= stream.MaxRequestBytes {
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

// settle handles the acknowledgement of Begin or of the terminal event, or the loss of
// the run, and reports whether the run is over.
func (w *run) settle(fault *study.Error) (over bool) {
	if fault == nil {
		w.begun = true
	} else {
		w.over, w.lost = fault, true
	}
	return w.over != nil
}

// notifyLost calls OnLost, unless Begin returns the error.
func (w *run) notifyLost() {
	if w.begun && w.onLost != nil {
		w.onLost(w.over)
	}
}

// Append implements stream.Writer.
func (w *run) Append(ctx context.Context, e study.Event) error {
	r := w.client
	terminal := e.Kind.Terminal()
	var answer chan error
	r.mu.Lock()
	err := w.over
	if err == nil {
		err = stream.CheckEvent(e, r.maxEvent)
	}
	if err == nil && terminal {
		answer = make(chan error, 1)
		w.over, r.calls[w.no] = stream.ErrEnded, answer
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

// unsent reopens a run whose terminal event could not be sent.
func (w *run) unsent(err error) error {
	w.client.mu.Lock()
	defer w.client.mu.Unlock()
	delete(w.client.calls, w.no)
	if !w.lost {
		w.over = nil
	}
	return err
}

// Close implements stream.Writer.
func (w *run) Close() error {
	r := w.client
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case w.lost:
		return w.over
	case w.over == nil:
		w.over = stream.ErrEnded
		delete(r.runs, w.no)
		delete(r.calls, w.no)
		r.out.Put(&wire.Frame{Kind: wire.KindClose, No: w.no})
	}
	return nil
}
