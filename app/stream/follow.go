package stream

import (
	"context"
	"io"
	"math/rand/v2"
	"time"

	"studysharper/app/eventstream"
	"studysharper/app/study"
)

// FollowOptions say how a client is kept. Zero takes the default; below zero panics.
type FollowOptions struct {
	Resumed       bool          // this client was sent its retry line already, by whom it is taken over from
	Retry         time.Duration // what the retry line says; default random, 500 to 3,000 ms
	Keepalive     time.Duration // silence before a comment is sent; default 15 s
	PendingFor    time.Duration // how long a session nobody has posted to is held open; default 60 s
	Stale         time.Duration // silence of a run before the stream is ended; default 10 min
	MaxBatchBytes int           // a Write ends with the event that reaches it; default 64 KiB

	// Written, if not nil, is told after each Write of events how far the client is:
	// where another Follow goes on from when ctx ends this one.
	Written func(study.Position)
}

func (o *FollowOptions) fill() {
	if o.Retry == 0 {
		o.Retry = 500*time.Millisecond + rand.N(2501*time.Millisecond)
	}
	def(&o.Retry, 0)
	def(&o.Keepalive, 15*time.Second)
	def(&o.PendingFor, time.Minute)
	def(&o.Stale, 10*time.Minute)
	def(&o.MaxBatchBytes, 64<<10)
}

// Follow writes the stream of q to w, all that comes behind the response's headers:
// the retry line at once, then events as they come, each batch with one Write (more
// where it is past o.MaxBatchBytes), and comments into the silence. It is the same
// for a first connect, a reconnect and a stream taken over from another process.
//
// It gives nil once it has ended the stream by itself: behind the newest run's
// terminal event, or with an error event of its own when nobody has posted to the
// session for o.PendingFor or its run is silent for o.Stale. When the session is
// dropped the client is sent an error event too, and Follow gives CodeNotFound. When
// ctx ends, w fails or the journal cannot be reached, it gives that error and sends
// nothing: the client comes back and resumes. q.NoWait is ignored.
//
// Follow holds a goroutine, its caller's; w is the caller's to flush and to give a
// deadline for each Write.
func Follow(ctx context.Context, j Journal, q Query, o FollowOptions, w io.Writer) error {
	o.fill()
	q.NoWait = false
	now := time.Now()
	f := &follower{
		journal: j, query: q, o: o, w: w,
		pendingEnds: now.Add(o.PendingFor), staleAt: now.Add(o.Stale), keepaliveAt: now.Add(o.Keepalive),
	}
	if !o.Resumed {
		if err := f.write(eventstream.AppendRetry(nil, o.Retry)); err != nil {
			return err
		}
	}
	for {
		ended, err := f.step(ctx)
		if ended || err != nil {
			return err
		}
	}
}

// follower is one client's stream.
type follower struct {
	journal Journal
	query   Query
	o       FollowOptions
	w       io.Writer

	posted      bool // somebody has posted to the session
	pendingEnds time.Time
	staleAt     time.Time
	keepaliveAt time.Time
}

// step waits for what is next, be it silence, and writes it.
func (f *follower) step(ctx context.Context) (ended bool, err error) {
	wait, cancel := context.WithDeadline(ctx, f.nextDeadline())
	b, err := f.journal.Since(wait, f.query)
	silent := err != nil && wait.Err() != nil
	cancel()
	switch {
	case err == nil:
		return b.Ended, f.writeBatch(b)
	case ctx.Err() != nil:
		return false, waitEnded(ctx)
	case silent:
		return f.silence(ctx, time.Now())
	default:
		return false, f.fail(err)
	}
}

func (f *follower) nextDeadline() time.Time {
	next := f.keepaliveAt
	if f.staleAt.Before(next) {
		next = f.staleAt
	}
	if !f.posted && f.pendingEnds.Before(next) {
		next = f.pendingEnds
	}
	return next
}

// silence does what is due at now when no event has come.
func (f *follower) silence(ctx context.Context, now time.Time) (ended bool, err error) {
	if !f.posted && !now.Before(f.pendingEnds) {
		return f.checkPosted(ctx)
	}
	if !now.Before(f.staleAt) {
		return true, f.sendError("nothing has happened for too long", true)
	}
	if now.Before(f.keepaliveAt) {
		return false, nil
	}
	return false, f.write(eventstream.AppendComment(nil, "keepalive"))
}

// checkPosted ends the stream of a session nobody has posted to.
func (f *follower) checkPosted(ctx context.Context) (ended bool, err error) {
	q := f.query
	q.NoWait = true
	b, err := f.journal.Since(ctx, q)
	switch {
	case ctx.Err() != nil:
		return false, waitEnded(ctx)
	case err != nil:
		return false, f.fail(err)
	case b.Next == study.Position{}:
		return true, f.sendError("nothing was asked for in this session", true)
	}
	f.posted = true
	if len(b.Events) == 0 && b.Missed == 0 && !b.Ended {
		return false, nil // Next says nothing then
	}
	return b.Ended, f.writeBatch(b)
}

// fail tells the client of an error that coming back would not mend.
func (f *follower) fail(err error) error {
	if e := study.AsError(err); !e.Retryable() {
		_ = f.sendError(e.Message, false) // err says more than a client that has left
	}
	return err
}

// writeBatch writes b and moves on behind it.
func (f *follower) writeBatch(b study.Batch) error {
	f.posted, f.staleAt = true, time.Now().Add(f.o.Stale)
	events := b.Events
	for first := true; first || len(events) > 0; first = false {
		n := fit(events, f.o.MaxBatchBytes)
		part := study.Batch{Events: events[:n], Next: b.Next}
		if first {
			part.Missed = b.Missed
		}
		if events = events[n:]; len(events) > 0 {
			part.Next.Seq = part.Events[n-1].Seq
		}
		if err := f.write(AppendBatch(nil, part)); err != nil {
			return err
		}
		f.query.After = part.Next
		if f.o.Written != nil {
			f.o.Written(part.Next)
		}
	}
	return nil
}

// fit is how many of the events make one Write.
func fit(events []study.Event, maxBytes int) int {
	n, size := 0, 0
	for n < len(events) && size < maxBytes {
		size += len(events[n].Fields)
		n++
	}
	return n
}

// sendError sends an error event that is not in the journal: without an id, so that
// the client's position stays, and with the number of the last event sent.
func (f *follower) sendError(message string, retryable bool) error {
	e := closing(message, retryable)
	e.Seq = f.query.After.Seq
	return f.write(eventstream.AppendEvent(nil, "", e.Data()))
}

func (f *follower) write(b []byte) error {
	f.keepaliveAt = time.Now().Add(f.o.Keepalive)
	if len(b) == 0 {
		return nil
	}
	_, err := f.w.Write(b)
	return study.Wrap(err, study.CodeUnavailable, "the client takes no more of its stream")
}

// AppendBatch appends a batch as a client is sent it. Each event has its position as
// id and no event field. A gap event comes first when events were missed; its seq
// and its id are those of the last event missed, so that the client's next id
// is right and its numbers grow by one again from there.
func AppendBatch(dst []byte, b study.Batch) []byte {
	at := b.Next
	if b.Missed > 0 {
		if len(b.Events) > 0 {
			at.Seq = b.Events[0].Seq - 1
		}
		// Marshalling a number cannot fail.
		gap, _ := study.NewEvent(study.KindGap, map[string]uint64{"missed": b.Missed})
		gap.Seq = at.Seq
		dst = eventstream.AppendEvent(dst, at.String(), gap.Data())
	}
	for _, e := range b.Events {
		at.Seq = e.Seq
		dst = eventstream.AppendEvent(dst, at.String(), e.Data())
	}
	return dst
}
