package journal

import (
	"context"
	"sync"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// sharedEpoch is where the epochs of the shared journal begin. A stream.Memory stays below
// it, so that a position tells which journal it is of.
const sharedEpoch = 1 << 49

// FailoverOptions are a Failover's. Zero durations take the default; below zero panics.
type FailoverOptions struct {
	Shared stream.Keeper // of all instances; gives epochs from 1<<49 on
	Local  stream.Keeper // of this container; gives epochs below
	Up     func() bool   // whether Shared is believed to answer

	// BeginWithin is how long Begin waits for Shared before the run begins in Local.
	// Default 300 ms, a little more than Shared needs to find out that it is away: so
	// only the first wait at all.
	BeginWithin time.Duration

	// Settle is how long after Shared is back a session that Local knows stays there: as
	// long as a run may take. Default 2 min.
	Settle time.Duration
}

// Failover is the journal of several instances that share one: runs begin in Shared, and
// in Local while Shared is away, where only this container's clients see them until it is
// back: then they are copied (see mirror). Each run stays where it has begun. Readers are taken to where the session's newest run is; one
// whose session neither knows waits in both, and one that waits in Shared goes on to wait
// while that is away. What Shared cannot tell for being away counts as not known there.
type Failover struct {
	o FailoverOptions

	mu      sync.Mutex
	settled time.Time           // from when on Shared is asked first
	drops   map[string]struct{} // sessions to drop in Shared when it is back
	mirrors map[string]backfill // by session, the newest run to copy into Shared when it is back
	begun   uint64              // mirrors ever noted
	more    chan struct{}       // 1: Shared is back, or there is something to copy
}

// maxDrops bounds what is to be dropped once Shared is back.
const maxDrops = 4096

// NewFailover makes a failover. Its Returned has to be called when Shared is back.
func NewFailover(o FailoverOptions) *Failover {
	setDefault(&o.BeginWithin, 300*time.Millisecond)
	setDefault(&o.Settle, 2*time.Minute)
	return &Failover{o: o, settled: time.Now().Add(o.Settle), drops: map[string]struct{}{}, mirrors: map[string]backfill{}, more: make(chan struct{}, 1)}
}

// Returned notes that Shared was away and is back. It does not block.
func (f *Failover) Returned() {
	f.mu.Lock()
	f.settled = time.Now().Add(f.o.Settle)
	f.mu.Unlock()
	f.wake()
}

func (f *Failover) wake() {
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// Run does in Shared what could not be done while it was away, drops and copies, until ctx
// ends; then nil.
func (f *Failover) Run(ctx context.Context) error {
	var copies sync.WaitGroup
	defer copies.Wait()
	for {
		select {
		case <-f.more:
		case <-ctx.Done():
			return nil
		}
		if !f.o.Up() {
			continue // Returned rouses again
		}
		f.mu.Lock()
		drops, mirrors := f.drops, f.mirrors
		f.drops, f.mirrors = map[string]struct{}{}, map[string]backfill{}
		f.mu.Unlock()
		for session := range drops {
			_ = f.Drop(ctx, session) // which notes it again if it cannot; not found is as good
		}
		for _, m := range mirrors {
			copies.Go(func() { f.copyRun(ctx, m) })
		}
	}
}

// localFirst reports whether what Local knows of a session is the newest.
func (f *Failover) localFirst() bool {
	if !f.o.Up() {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Now().Before(f.settled)
}

// Begin implements Journal. It takes BeginWithin longer than Local at most.
func (f *Failover) Begin(ctx context.Context, info stream.RunInfo) (stream.Writer, error) {
	if info.Takeover {
		return f.takeOver(ctx, info)
	}
	if f.localFirst() && (!f.o.Up() || f.inLocal(ctx, info.Session)) {
		return f.beginLocal(ctx, info)
	}
	within, cancel := context.WithTimeout(ctx, f.o.BeginWithin)
	defer cancel()
	w, err := f.o.Shared.Begin(within, info)
	if isAway(err) && ctx.Err() == nil {
		return f.beginLocal(ctx, info)
	}
	return f.occupy(ctx, info, w, err)
}

// occupy has a run of Shared occupy its session in Local too: should Shared go away, no
// other run of this container begins there before this one's end.
func (f *Failover) occupy(ctx context.Context, info stream.RunInfo, w stream.Writer, err error) (stream.Writer, error) {
	if err != nil {
		return nil, err
	}
	silent, err := f.o.Local.Begin(ctx, stream.RunInfo{Session: info.Session, Run: info.Run, Owner: info.Owner, Silent: true})
	if err != nil {
		return w, nil //nolint:nilerr // Shared has decided; Local is for when it cannot
	}
	return &occupying{w, silent}, nil
}

// occupying is a run's writer in Shared, and its silent one in Local.
type occupying struct {
	stream.Writer
	local stream.Writer
}

// Append implements stream.Writer. Local is free before anyone can read the end in Shared.
func (o *occupying) Append(ctx context.Context, e study.Event) error {
	if e.Kind.Terminal() {
		_ = o.local.Append(ctx, study.Event{Kind: e.Kind})
	}
	return o.Writer.Append(ctx, e)
}

// Close implements stream.Writer.
func (o *occupying) Close() error {
	_ = o.local.Close()
	return o.Writer.Close()
}

func (f *Failover) beginLocal(ctx context.Context, info stream.RunInfo) (stream.Writer, error) {
	w, err := f.o.Local.Begin(ctx, info)
	if err == nil && !info.Silent {
		f.scheduleBackfill(backfill{session: info.Session, run: info.Run, owner: info.Owner})
	}
	return w, err
}

// takeOver takes an orphan over from whichever journal has it.
func (f *Failover) takeOver(ctx context.Context, info stream.RunInfo) (stream.Writer, error) {
	w, err := f.o.Local.Begin(ctx, info)
	if err == nil || !f.o.Up() {
		return w, err
	}
	if w, shared := f.o.Shared.Begin(ctx, info); !isAway(shared) {
		return f.occupy(ctx, info, w, shared)
	}
	return nil, err
}

func (f *Failover) inLocal(ctx context.Context, session string) bool {
	b, err := f.o.Local.Since(ctx, stream.Query{Session: session, Peek: true})
	return err == nil && b.Next != study.Position{}
}

// Drop implements Journal. While Shared is away it is dropped there later, by Run, and the
// answer is Local's.
func (f *Failover) Drop(ctx context.Context, session string) error {
	local := f.o.Local.Drop(ctx, session)
	if local != nil && !isMissing(local) {
		return local
	}
	shared := f.o.Shared.Drop(ctx, session)
	switch {
	case isAway(shared) && f.dropLater(session), isMissing(shared):
		return local
	default:
		return shared
	}
}

func isMissing(err error) bool { return err != nil && study.AsError(err).Code == study.CodeNotFound }

func (f *Failover) dropLater(session string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.drops) >= maxDrops {
		return false
	}
	f.drops[session] = struct{}{}
	return true
}

// isAway reports whether a journal could not be reached.
func isAway(err error) bool {
	return err != nil && study.AsError(err).Code == study.CodeUnavailable
}

// Since implements Journal.
func (f *Failover) Since(ctx context.Context, q stream.Query) (study.Batch, error) {
	return stream.Wait(ctx, f, q)
}

// Await implements Awaiter. Where the position does not tell the journal, both are asked
// first which of them knows the session.
func (f *Failover) Await(q stream.Query, deliver func(study.Batch, error)) (cancel func()) {
	if q.After.Epoch >= sharedEpoch && !q.Peek && !q.NoWait {
		return f.o.Shared.Await(q, deliver)
	}
	w := &journalRace{q: q, deliver: deliver, first: f.o.Shared, second: f.o.Local, shared: f.o.Shared}
	local := q.After != study.Position{} && q.After.Epoch < sharedEpoch
	if recent := f.localFirst(); local || (recent && q.After == study.Position{}) {
		w.first, w.second, w.exact = w.second, w.first, !recent
	}
	w.query(w.first, w.onFirst)
	return w.cancel
}
