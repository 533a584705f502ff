package journal

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
)

const (
	eventCost  = 96       // what an event costs beside its fields, here and in Redis
	chunkBytes = 64 << 10 // a call is closed by the event that reaches it
	chunkSize  = 64       // events a call
)

type runKey struct{ session, run uuid.UUID }

// run is a run's writer. Everything from epoch on is guarded by the lock of the Journal.
type run struct {
	queueState
	journal  *Journal
	key      runKey
	owner    string
	token    string // this writer, to Redis
	repeated bool
	silent   bool
	onLost   func(error)
	request  []byte // nil = it is not repeated any more

	epoch    uint64        // of the session's life
	first    uint64        // number of its first event; 0 = none yet
	taken    uint64        // number of the session's newest event that Redis is known to have taken
	last     uint64        // number of its newest event
	queue    []study.Event // not acknowledged
	sent     int           // of queue: may have been taken, so they stay as they are
	held     int64         // bytes of queue
	over     error         // why nothing can follow; nil while the run is open
	lost     bool          // over without its writer's doing
	detached bool          // Redis has lost it: it continues, and its events go nowhere
	abort    bool          // it never began, as far as its maker knows: take it back
	done     bool          // nothing is left to be done
	closed   chan struct{} // closed with done
	moved    chan struct{} // closed and renewed when the queue has got shorter
}

// cost is what an event counts against MaxQueueBytes.
func cost(e study.Event) int64 { return int64(len(e.Fields)) + eventCost }

// Append implements stream.Writer. An event that is not terminal is on its way when Append
// returns. Where MaxEvents or MaxSessionBytes of a run wait, Append waits too while Redis
// answers; while it does not, the oldest event is given up, and counts as missed.
// Append of a terminal event waits until Redis has it, unless Redis is away.
func (r *run) Append(ctx context.Context, e study.Event) error {
	if r.silent {
		return r.appendSilent(ctx, e)
	}
	for {
		wait, err := r.take(e)
		if err != nil || wait == nil {
			if err == nil && e.Kind.Terminal() {
				return r.acknowledged(ctx)
			}
			return err
		}
		select {
		case <-wait:
		case <-time.After(pause): // Redis may be away by now
		case <-ctx.Done():
			return waitEnded(ctx)
		}
	}
}

func waitEnded(ctx context.Context) error {
	return study.Wrap(context.Cause(ctx), study.CodeUnavailable, "the wait for the journal was ended")
}

// take puts e into the queue; where there is no room it gives what to wait for.
func (r *run) take(e study.Event) (wait <-chan struct{}, err error) {
	j := r.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case r.over != nil:
		return nil, r.over
	case r.detached:
		if e.Kind.Terminal() {
			r.over = stream.ErrEnded
		}
		return nil, nil
	}
	if err := stream.CheckEvent(e, j.o.MaxEventBytes); err != nil {
		return nil, err
	}
	if e.Kind == study.KindStart && r.repeated && r.first != 0 {
		return nil, nil
	}
	if r.joined(e) {
		return nil, nil
	}
	for r.full(e) {
		if j.conn.Writable() {
			return r.moved, nil
		}
		if !r.giveUp() {
			break // what may have been taken is a few dozen events at most
		}
	}
	r.put(e)
	return nil, nil
}

// full reports whether e has to wait for room.
func (r *run) full(e study.Event) bool {
	o, n := &r.journal.o, int64(len(e.Fields))
	return len(r.queue) > 0 && (len(r.queue) >= o.MaxEvents || r.held+n > o.MaxSessionBytes || r.journal.stats.QueuedBytes+n > o.MaxQueueBytes)
}

// joined adds a token's text to the one that waits before it.
func (r *run) joined(e study.Event) bool {
	n := len(r.queue)
	if n <= r.sent || e.Kind != study.KindToken || r.queue[n-1].Kind != study.KindToken {
		return false
	}
	fields, ok := stream.JoinTokens(r.queue[n-1].Fields, e.Fields)
	if !ok || len(fields) > r.journal.o.MaxEventBytes {
		return false
	}
	r.counted(int64(len(fields)-len(r.queue[n-1].Fields)), 0)
	r.queue[n-1].Fields = fields
	return true
}

// giveUp drops the oldest event that may be.
func (r *run) giveUp() bool {
	for i := r.sent; i < len(r.queue); i++ {
		if !r.queue[i].Kind.Terminal() {
			r.counted(-cost(r.queue[i]), -1)
			r.queue = slices.Delete(r.queue, i, i+1)
			r.journal.stats.DroppedEvents++
			return true
		}
	}
	return false
}

func (r *run) put(e study.Event) {
	r.last++
	e.Seq = r.last
	if r.first == 0 {
		r.first = e.Seq
	}
	r.queue = append(r.queue, e)
	r.counted(cost(e), 1)
	if e.Kind != study.KindStart && e.Kind != study.KindProgress {
		r.request = nil
	}
	if e.Kind.Terminal() {
		r.over = stream.ErrEnded
	}
	r.journal.send(r)
}

func (r *run) counted(bytes int64, events int) {
	r.held += bytes
	r.journal.stats.QueuedBytes += bytes
	r.journal.stats.QueuedEvents += events
}

// acknowledged waits until Redis has the whole run.
func (r *run) acknowledged(ctx context.Context) error {
	for {
		select {
		case <-r.closed:
			r.journal.mu.Lock()
			defer r.journal.mu.Unlock()
			if r.lost {
				return r.over
			}
			return nil
		case <-time.After(pause):
			if !r.journal.conn.Writable() {
				return nil
			}
		case <-ctx.Done():
			return waitEnded(ctx)
		}
	}
}

// Close implements stream.Writer.
func (r *run) Close() error {
	r.journal.mu.Lock()
	defer r.journal.mu.Unlock()
	switch {
	case r.lost:
		return r.over
	case r.detached:
		r.over = stream.ErrEnded
	case r.over == nil && r.silent:
		r.over = stream.ErrEnded
		r.journal.send(r)
	case r.over == nil:
		r.put(stream.ErrorEvent(stream.ErrBroke.Message, true))
	}
	return nil
}

// appendSilent ends a silent run at its terminal event, and waits for that as for any
// other's.
func (r *run) appendSilent(ctx context.Context, e study.Event) error {
	r.journal.mu.Lock()
	over := r.over
	if over == nil && e.Kind.Terminal() {
		r.over = stream.ErrEnded
		r.journal.send(r)
	}
	r.journal.mu.Unlock()
	if over != nil || !e.Kind.Terminal() {
		return over
	}
	return r.acknowledged(ctx)
}
