// Package failover makes one journal of two: one that all instances share, and the container's own. The one idea: each run stays
// in the journal in which it began, and a position's epoch says which one that is.
package failover

import (
	"cmp"
	"context"
	"sync"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// Options are the two journals and their delays. Zero durations take the default.
type Options struct {
	Shared stream.Keeper // of all instances; gives epochs from stream.SharedEpoch on
	Local  stream.Keeper // of this container; gives epochs below
	Up     func() bool   // whether Shared is believed to answer

	// BeginWithin is how long Begin waits for Shared before the run begins in Local.
	// Default 300 ms, a little more than Shared needs to find out that it is unreachable, so
	// that only the first runs wait.
	BeginWithin time.Duration

	// Settle is how long after Shared has returned a session that Local knows stays there: as
	// long as a run may take. Default 2 min.
	Settle time.Duration
}

// Journal implements stream.Keeper. Runs begin in Shared, and in Local while Shared is
// unreachable; when Shared returns, those are copied to it (see backfill), so that readers of other
// instances see them. Readers are routed to the journal of the session's newest run. A reader whose
// session neither journal knows waits in both, and one that waits in Shared continues to wait
// while it is unreachable. An unreachable Shared counts as one that does not know the session.
type Journal struct {
	o Options

	mu      sync.Mutex
	settled time.Time           // after it, Shared is asked first
	drops   map[string]struct{} // sessions to drop in Shared when it is back
	mirrors map[string]backfill // by session, the newest run to copy into Shared when it is back
	begun   uint64              // backfills ever scheduled
	more    chan struct{}       // Shared is back, or there is something to copy
}

// maxDrops bounds the sessions to be dropped when Shared is back.
const maxDrops = 4096

// New makes a failover. The caller must call Returned when Shared is back.
func New(o Options) *Journal {
	o.BeginWithin, o.Settle = cmp.Or(o.BeginWithin, 300*time.Millisecond), cmp.Or(o.Settle, 2*time.Minute)
	return &Journal{o: o, settled: time.Now().Add(o.Settle), drops: map[string]struct{}{}, mirrors: map[string]backfill{}, more: make(chan struct{}, 1)}
}

// Returned notes that Shared was away and is back. It does not block.
func (f *Journal) Returned() {
	f.mu.Lock()
	f.settled = time.Now().Add(f.o.Settle)
	f.mu.Unlock()
	f.wake()
}

func (f *Journal) wake() {
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// Run drops and copies in Shared what could not be dropped or written while it was unreachable, until ctx
// ends, which is nil.
func (f *Journal) Run(ctx context.Context) error {
	var copies sync.WaitGroup
	defer copies.Wait()
	for {
		select {
		case <-f.more:
		case <-ctx.Done():
			return nil
		}
		if !f.o.Up() {
			continue // Returned wakes it again
		}
		f.mu.Lock()
		drops, mirrors := f.drops, f.mirrors
		f.drops, f.mirrors = map[string]struct{}{}, map[string]backfill{}
		f.mu.Unlock()
		for session := range drops {
			_ = f.Drop(ctx, session) // on failure it is scheduled again; not found is success
		}
		for _, m := range mirrors {
			copies.Go(func() { f.copyRun(ctx, m) })
		}
	}
}

// localFirst reports whether Local, if it knows a session, has its newest run.
func (f *Journal) localFirst() bool {
	if !f.o.Up() {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Now().Before(f.settled)
}

// Begin implements stream.Journal. It takes at most BeginWithin longer than Local.
func (f *Journal) Begin(ctx context.Context, info stream.RunInfo) (stream.Writer, error) {
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

// occupy has a run of Shared occupy its session in Local too: if Shared becomes unreachable, no
// other run of this container begins there before this one has ended.
func (f *Journal) occupy(ctx context.Context, info stream.RunInfo, w stream.Writer, err error) (stream.Writer, error) {
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

// Append implements stream.Writer. The session in Local is free before anyone can read the end in Shared.
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

func (f *Journal) beginLocal(ctx context.Context, info stream.RunInfo) (stream.Writer, error) {
	w, err := f.o.Local.Begin(ctx, info)
	if err == nil && !info.Silent {
		f.scheduleBackfill(backfill{session: info.Session, run: info.Run, owner: info.Owner})
	}
	return w, err
}

// takeOver takes an orphan over from the journal that has it.
func (f *Journal) takeOver(ctx context.Context, info stream.RunInfo) (stream.Writer, error) {
	w, err := f.o.Local.Begin(ctx, info)
	if err == nil || !f.o.Up() {
		return w, err
	}
	if w, shared := f.o.Shared.Begin(ctx, info); !isAway(shared) {
		return f.occupy(ctx, info, w, shared)
	}
	return nil, err
}

func (f *Journal) inLocal(ctx context.Context, session string) bool {
	b, err := f.o.Local.Since(ctx, stream.Query{Session: session, Peek: true})
	return err == nil && b.Next != study.Position{}
}

// Drop implements stream.Journal. While Shared is unreachable, the answer is Local's, and Run drops the session
// in Shared later.
func (f *Journal) Drop(ctx context.Context, session string) error {
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

func (f *Journal) dropLater(session string) bool {
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

// Since implements stream.Journal.
func (f *Journal) Since(ctx context.Context, q stream.Query) (study.Batch, error) {
	return stream.Wait(ctx, f, q)
}

// Await implements stream.Awaiter. If the position does not name the journal, both are asked
// first which of them knows the session.
func (f *Journal) Await(q stream.Query, deliver func(study.Batch, error)) (cancel func()) {
	if q.After.Epoch >= stream.SharedEpoch && !q.Peek && !q.NoWait {
		return f.o.Shared.Await(q, deliver)
	}
	w := &journalRace{q: q, deliver: deliver, first: f.o.Shared, second: f.o.Local, shared: f.o.Shared}
	local := q.After != study.Position{} && q.After.Epoch < stream.SharedEpoch
	if recent := f.localFirst(); local || (recent && q.After == study.Position{}) {
		w.first, w.second, w.exact = w.second, w.first, !recent
	}
	w.query(w.first, w.onFirst)
	return w.cancel
}
