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
	eventCost  = 96       // bytes counted for an event besides its fields, here and in Redis
	chunkBytes = 64 << 10 // a call ends with the event that reaches this
	chunkSize  = 64       // events in one call
)

type runKey struct{ session, run uuid.UUID }

// run is the writer of a run. The Journal's lock guards the fields from epoch on.
type run struct {
	queueState
	journal  *Journal
	key      runKey
	owner    string
	token    string // identifies this writer in Redis
	repeated bool
	silent   bool
	onLost   func(error)
	request  []byte // nil = the run can no longer be taken over

	epoch    uint64        // of the session
	first    uint64        // number of its first event; 0 = none yet
	taken    uint64        // number of the session's newest event that Redis has acknowledged
	last     uint64        // number of the run's newest event
	queue    []study.Event // not acknowledged
	sent     int           // events at the front of queue that may be in Redis already and must not change
	held     int64         // bytes of queue
	over     error         // why no event can follow; nil while the run is open
	lost     bool          // ended, but not by its writer
	detached bool          // Redis has lost it: it continues, and its events are discarded
	abort    bool          // its caller was told that it did not begin, so Redis must forget it
	done     bool          // nothing is left to send
	closed   chan struct{} // closed with done
	moved    chan struct{} // closed and replaced when the queue becomes shorter
}

// cost is what an event counts towards MaxQueueBytes.
func cost(e study.Event) int64 { return int64(len(e.Fields)) + eventCost }

// Append implements stream.Writer. It returns before an event is in Redis, unless the event is terminal. If MaxEvents or
// MaxSessionBytes of a run are queued, it waits for room while Redis answers; while Redis is unreachable, it drops the
// oldest event, which readers then count as missed. Append of a terminal event waits until Redis has the run, unless
// Redis is unreachable.
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
		case <-time.After(pause): // Redis may be unreachable by now
		case <-ctx.Done():
			return waitEnded(ctx)
		}
	}
}

func waitEnded(ctx context.Context) error {
	return study.Wrap(context.Cause(ctx), study.CodeUnavailable, "the wait for the journal was ended")
}

// take queues e. If there is no room, it returns a channel that closes when the queue becomes shorter.
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
			break // accept exceeding the bound by the few events that may be in Redis already
		}
	}
	r.put(e)
	return nil, nil
}

// full reports whether e must wait for room.
func (r *run) full(e study.Event) bool {
	o, n := &r.journal.o, int64(len(e.Fields))
	return len(r.queue) > 0 && (len(r.queue) >= o.MaxEvents || r.held+n > o.MaxSessionBytes || r.journal.stats.QueuedBytes+n > o.MaxQueueBytes)
}

// joined adds the text of a token to the queued token before it.
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

// giveUp drops the oldest event that may be dropped.
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

// appendSilent ends a silent run at its terminal event, and waits until Redis has recorded that.
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
