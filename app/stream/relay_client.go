package stream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"studysharper/app/stream/internal/wire"
	"studysharper/app/study"
)

// Relay is the workers' end: the supervisor's journal, over one connection that all
// sessions share. Calls made before Run are sent once it runs; once it has ended, all
// give CodeUnavailable, and open runs are lost. A waiting reader holds about 100
// bytes here, and no goroutine when it uses Await.
//
// An Append is sent on its way without waiting for the supervisor, except that a
// terminal event waits to be acknowledged; Writer says what its nil means. It blocks
// while o.MaxQueuedBytes wait to be sent.
type Relay struct {
	conn       net.Conn
	out        *wire.Outbox
	maxReaders int
	orphaned   func(Orphan)
	ignored    atomic.Uint64

	mu       sync.Mutex
	last     uint64 // number given to a run or a request
	maxEvent int    // as the supervisor said; 0 = it has not yet
	runs     map[uint64]*relayRun
	readers  map[uint64]func(study.Batch, error)
	calls    map[uint64]chan error // what waits for its one acknowledgement
	down     *study.Error          // why nothing goes any more
}

// RelayStats counts what a Relay has under way.
type RelayStats struct {
	Runs          int
	Readers       int
	IgnoredFrames uint64 // of kinds this version does not know
}

// NewRelay makes the workers' end over conn, a stream connection of its own whose
// other end is with ServeRelay. Run closes it.
func NewRelay(conn net.Conn, o RelayOptions) *Relay {
	o.fill()
	r := &Relay{
		conn: conn, out: wire.NewOutbox(conn, o.MaxQueuedBytes, o.StallAfter, nil), maxReaders: o.MaxReaders,
		orphaned: o.Orphaned,
		runs:     map[uint64]*relayRun{}, readers: map[uint64]func(study.Batch, error){}, calls: map[uint64]chan error{},
	}
	r.out.Put(&wire.Frame{Kind: wire.KindHello, Version: wire.Version})
	return r
}

// Stats counts what is under way now.
func (r *Relay) Stats() RelayStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return RelayStats{Runs: len(r.runs), Readers: len(r.readers), IgnoredFrames: r.ignored.Load()}
}

// Run moves frames until ctx ends, which is nil after what was queued is sent, or the
// connection does, which is an error. It takes two goroutines, its caller's included.
func (r *Relay) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, r.out.Close)
	defer stop()
	written := make(chan error, 1)
	go func() {
		err := r.out.Run()
		_ = r.conn.Close()
		written <- err
	}()
	err := r.receive(bufio.NewReader(r.conn))
	stopped := ctx.Err() != nil
	_ = r.conn.Close()
	r.out.Close()
	if stalled := <-written; errors.Is(err, io.EOF) && stalled != nil {
		err = stalled
	}
	lost := study.Wrap(err, study.CodeUnavailable, "the connection to the journal has ended")
	r.lose(study.AsError(lost))
	if stopped {
		return nil
	}
	return lost
}

func (r *Relay) receive(in *bufio.Reader) error {
	hello, err := wire.ReadHello(in)
	if err != nil {
		return err
	}
	if hello.MaxFrame > wire.MaxFrame || hello.MaxEvent > hello.MaxFrame {
		return study.Errorf(study.CodeMalformed, "the supervisor's frames would be too large")
	}
	r.mu.Lock()
	r.maxEvent = int(hello.MaxEvent)
	r.mu.Unlock()
	for {
		kind, body, err := wire.Read(in, hello.MaxFrame)
		if err != nil {
			return err
		}
		f, known, err := wire.Parse(kind, body)
		if err != nil {
			return err
		}
		if !known {
			r.ignored.Add(1)
			continue
		}
		if err := r.handle(&f); err != nil {
			return err
		}
	}
}

// handle never blocks: the supervisor counts on its frames being taken.
func (r *Relay) handle(f *wire.Frame) error {
	switch f.Kind {
	case wire.KindBatch:
		r.mu.Lock()
		deliver := r.readers[f.No]
		delete(r.readers, f.No)
		r.mu.Unlock()
		if deliver != nil {
			deliver(f.Batch, nil)
		}
	case wire.KindOrphan:
		if r.orphaned != nil {
			r.orphaned(Orphan{Session: f.Session.String(), Run: f.Run.String(), Owner: f.Owner, Request: f.Request})
		}
	case wire.KindDone:
		r.settle(f.No, nil)
	case wire.KindFault:
		r.settle(f.No, f.Fault)
	default:
		return study.Errorf(study.CodeMalformed, "a relay frame of kind %d is not a supervisor's to send", f.Kind)
	}
	return nil
}

// settle ends what no asked for. An error also loses the run it names.
func (r *Relay) settle(no uint64, fault *study.Error) {
	r.mu.Lock()
	call, deliver, run := r.calls[no], r.readers[no], r.runs[no]
	delete(r.calls, no)
	if fault != nil {
		delete(r.readers, no)
	}
	if run != nil && run.settle(fault) {
		delete(r.runs, no)
	}
	r.mu.Unlock()
	if call != nil {
		call <- asError(fault)
	}
	if fault == nil {
		return
	}
	if run != nil {
		r.out.Put(&wire.Frame{Kind: wire.KindClose, No: no}) // so that the supervisor forgets it too
		run.tellLost()
	}
	if deliver != nil {
		deliver(study.Batch{}, fault)
	}
}

// asError keeps a nil *study.Error nil.
func asError(fault *study.Error) error {
	if fault == nil {
		return nil
	}
	return fault
}

// lose ends everything under way, for good.
func (r *Relay) lose(why *study.Error) {
	r.mu.Lock()
	r.down = why
	all := slices.AppendSeq(slices.Collect(maps.Keys(r.calls)), maps.Keys(r.readers))
	all = slices.AppendSeq(all, maps.Keys(r.runs))
	r.mu.Unlock()
	for _, no := range all {
		r.settle(no, why)
	}
}

// number gives the next number, or why there is none. The lock is held.
func (r *Relay) number() (uint64, error) {
	if r.down != nil {
		return 0, r.down
	}
	r.last++
	return r.last, nil
}

// Drop implements Journal.
func (r *Relay) Drop(ctx context.Context, session string) error {
	key, err := ParseID("session", session)
	if err != nil {
		return err
	}
	answer := make(chan error, 1)
	r.mu.Lock()
	no, err := r.number()
	if err == nil {
		r.calls[no] = answer
	}
	r.mu.Unlock()
	if err != nil {
		return err
	}
	r.out.Put(&wire.Frame{Kind: wire.KindDrop, No: no, Session: key})
	return r.answered(ctx, no, answer)
}

// answered waits for an acknowledgement.
func (r *Relay) answered(ctx context.Context, no uint64, answer chan error) error {
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		r.mu.Lock()
		delete(r.calls, no)
		r.mu.Unlock()
		return waitEnded(ctx)
	}
}

// Since implements Journal.
func (r *Relay) Since(ctx context.Context, q Query) (study.Batch, error) {
	return Wait(ctx, r, q)
}

// Await implements Awaiter.
func (r *Relay) Await(q Query, deliver func(study.Batch, error)) (cancel func()) {
	session, run, err := q.Parse()
	if err != nil {
		deliver(study.Batch{}, err)
		return func() {}
	}
	r.mu.Lock()
	no, err := r.number()
	if err == nil && len(r.readers) >= r.maxReaders {
		err = study.Errorf(study.CodeOverloaded, "too many streams are open")
	}
	if err == nil {
		r.readers[no] = deliver
	}
	r.mu.Unlock()
	if err != nil {
		deliver(study.Batch{}, err)
		return func() {}
	}
	r.out.Put(&wire.Frame{Kind: wire.KindSince, No: no, Session: session, Run: run, After: q.After, Owner: q.Owner, NoWait: q.NoWait, Peek: q.Peek})
	return func() {
		r.mu.Lock()
		_, waits := r.readers[no]
		delete(r.readers, no)
		r.mu.Unlock()
		if waits {
			r.out.Put(&wire.Frame{Kind: wire.KindCancel, No: no})
		}
	}
}
