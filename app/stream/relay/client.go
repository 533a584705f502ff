// Package relay connects the workers to the journals in the supervisor. The one idea: one connection for all sessions
// of a worker, on which neither side waits for the other. Events that a worker cannot accept yet stay in the journal.
package relay

import (
	"bufio"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"studysharper/app/stream"
	"studysharper/app/stream/internal/bounds"
	"studysharper/app/stream/relay/internal/wire"
	"studysharper/app/study"
)

// Options configure one end of a relay. Zero takes the default; a negative value panics.
type Options struct {
	MaxReaders int // waiting readers; one more is CodeOverloaded. Default 20,000; for Serve the journal's bound

	// MaxQueuedBytes limits the send queue: in a worker, of events; in the supervisor, of
	// batches, which otherwise stay in the journal. Requests and acknowledgements may exceed
	// it; at sixteen times the limit the connection is closed. Default 512 KiB.
	MaxQueuedBytes int

	// Orphaned is called in a worker with each run whose worker died; Begin with
	// RunInfo.Takeover takes it over. It must not block. nil = nothing is taken over.
	Orphaned func(stream.Orphan)

	StallAfter   time.Duration // a peer that reads nothing for this long is disconnected. Default 10 s
	UnknownFrame func()        // called for each frame of an unknown kind, which is ignored. nil = not called
}

func (o *Options) fill() {
	bounds.SetDefault(&o.MaxReaders, 20_000)
	bounds.SetDefault(&o.MaxQueuedBytes, 512<<10)
	bounds.SetDefault(&o.StallAfter, 10*time.Second)
	if o.UnknownFrame == nil {
		o.UnknownFrame = func() {}
	}
}

// Client is a worker's end of the relay: it gives access to the supervisor's journal over
// one connection that all sessions share. Calls made before Run are sent when it runs;
// after it has ended, all calls return CodeUnavailable, and open runs are lost. A waiting
// reader costs about 100 bytes here, and no goroutine if it uses Await.
//
// Append does not wait for the supervisor, except that a terminal event waits for its
// acknowledgement; stream.Writer documents what nil means. Append blocks while
// Options.MaxQueuedBytes are waiting to be sent.
type Client struct {
	o    Options
	conn net.Conn
	out  *wire.Outbox

	mu       sync.Mutex
	last     uint64 // number of the latest run or request
	maxEvent int    // from the supervisor's hello; 0 = not received yet
	runs     map[uint64]*run
	readers  map[uint64]func(study.Batch, error)
	calls    map[uint64]chan error // requests waiting for an acknowledgement
	down     *study.Error          // why every call fails; nil = connected
}

// ClientStats counts a Client's open runs and waiting readers.
type ClientStats struct{ Runs, Readers int }

// NewClient returns a worker's end of conn, a stream connection whose other end is served
// by Serve. Run closes it.
func NewClient(conn net.Conn, o Options) *Client {
	o.fill()
	r := &Client{
		o: o, conn: conn, out: wire.NewOutbox(conn, o.MaxQueuedBytes, o.StallAfter, nil),
		runs: map[uint64]*run{}, readers: map[uint64]func(study.Batch, error){}, calls: map[uint64]chan error{},
	}
	r.out.Put(&wire.Frame{Kind: wire.KindHello, Version: wire.Version})
	return r
}

// Stats returns the current counts.
func (r *Client) Stats() ClientStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ClientStats{Runs: len(r.runs), Readers: len(r.readers)}
}

// Run sends and receives frames until ctx or the connection ends. If ctx ends, it sends
// what is queued and returns nil; if the connection ends, it returns an error. It uses two
// goroutines, including its caller's.
func (r *Client) Run(ctx context.Context) error {
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

func (r *Client) receive(in *bufio.Reader) error {
	hello, err := wire.ReadHello(in)
	if err != nil {
		return err
	}
	if hello.MaxFrame > wire.MaxFrame || hello.MaxEvent > hello.MaxFrame {
		return study.Errorf(study.CodeMalformed, "the supervisor announced too large a frame limit")
	}
	r.mu.Lock()
	r.maxEvent = int(hello.MaxEvent)
	r.mu.Unlock()
	return wire.ReadEach(in, hello.MaxFrame, r.o.UnknownFrame, r.handle)
}

// handle never blocks: the supervisor relies on its frames being read.
func (r *Client) handle(f *wire.Frame) error {
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
		if r.o.Orphaned != nil {
			r.o.Orphaned(stream.Orphan{Session: f.Session.String(), Run: f.Run.String(), Owner: f.Owner, Request: f.Request})
		}
	case wire.KindDone:
		r.settle(f.No, nil)
	case wire.KindFault:
		r.settle(f.No, f.Fault)
	default:
		return study.Errorf(study.CodeMalformed, "a relay frame of kind %d may not be sent by the supervisor", f.Kind)
	}
	return nil
}

// settle completes the request no. An error also loses the run of that number.
func (r *Client) settle(no uint64, fault *study.Error) {
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
		r.out.Put(&wire.Frame{Kind: wire.KindClose, No: no}) // makes the supervisor forget it too
		run.notifyLost()
	}
	if deliver != nil {
		deliver(study.Batch{}, fault)
	}
}

// asError converts a nil *study.Error to a nil error.
func asError(fault *study.Error) error {
	if fault == nil {
		return nil
	}
	return fault
}

// lose fails everything in progress and every later call.
func (r *Client) lose(why *study.Error) {
	r.mu.Lock()
	r.down = why
	all := slices.AppendSeq(slices.Collect(maps.Keys(r.calls)), maps.Keys(r.readers))
	all = slices.AppendSeq(all, maps.Keys(r.runs))
	r.mu.Unlock()
	for _, no := range all {
		r.settle(no, why)
	}
}

// number returns the next number, or the error of a lost connection. The lock must be held.
func (r *Client) number() (uint64, error) {
	if r.down != nil {
		return 0, r.down
	}
	r.last++
	return r.last, nil
}

// Drop implements stream.Journal.
func (r *Client) Drop(ctx context.Context, session string) error {
	key, err := stream.ParseID("session", session)
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

// answered waits for the acknowledgement of request no.
func (r *Client) answered(ctx context.Context, no uint64, answer chan error) error {
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		r.mu.Lock()
		delete(r.calls, no)
		r.mu.Unlock()
		return stream.WaitEnded(ctx)
	}
}

// Since implements stream.Journal.
func (r *Client) Since(ctx context.Context, q stream.Query) (study.Batch, error) {
	return stream.Wait(ctx, r, q)
}

// Await implements stream.Awaiter.
func (r *Client) Await(q stream.Query, deliver func(study.Batch, error)) (cancel func()) {
	session, run, err := q.Parse()
	if err != nil {
		deliver(study.Batch{}, err)
		return func() {}
	}
	r.mu.Lock()
	no, err := r.number()
	if err == nil && len(r.readers) >= r.o.MaxReaders {
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
