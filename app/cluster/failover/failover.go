// Package failover makes one journal of two: one that all instances share, and the container's own. The one idea: each run stays
// in the journal in which it began. A position's epoch says which one that is; a reader without a position gets the newest run of
// either. What neither can deliver is answered by the run's record (package record).
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
}

// Journal implements stream.Keeper. Runs begin in Shared, and in Local while Shared is
// unreachable. A reader whose session neither journal knows waits in both, and one that waits in
// Shared continues to wait while it is unreachable. An unreachable Shared counts as one that does
// not know the session.
type Journal struct {
	o    Options
	back chan struct{} // Shared is back

	mu    sync.Mutex
	drops map[string]struct{} // sessions to drop in Shared when it is back
}

// maxDrops bounds the sessions to be dropped when Shared is back.
const maxDrops = 4096

// New makes a failover. The caller must call Returned when Shared is back.
func New(o Options) *Journal {
	o.BeginWithin = cmp.Or(o.BeginWithin, 300*time.Millisecond)
	return &Journal{o: o, drops: map[string]struct{}{}, back: make(chan struct{}, 1)}
}

// Returned notes that Shared was away and is back. It does not block.
func (f *Journal) Returned() {
	select {
	case f.back <- struct{}{}:
	default:
	}
}

// Run drops in Shared what could not be dropped while it was unreachable, until ctx ends, which is nil.
func (f *Journal) Run(ctx context.Context) error {
	for {
		select {
		case <-f.back:
		case <-ctx.Done():
			return nil
		}
		f.mu.Lock()
		drops := f.drops
		f.drops = map[string]struct{}{}
		f.mu.Unlock()
		for session := range drops {
			_ = f.Drop(ctx, session) // on failure it is scheduled again; not found is success
		}
	}
}

// Begin implements stream.Journal. It takes at most BeginWithin longer than Local. A run of Shared occupies its session in Local
// too: no other run of this container begins there, whatever becomes of Shared.
func (f *Journal) Begin(ctx context.Context, info stream.RunInfo) (stream.Writer, error) {
	switch {
	case info.Takeover:
		return f.takeOver(ctx, info)
	case !f.o.Up():
		return f.o.Local.Begin(ctx, info)
	}
	place, err := f.occupy(ctx, info)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, f.o.BeginWithin)
	defer cancel()
	w, err := f.o.Shared.Begin(within, info)
	if err == nil {
		return &occupying{w, place}, nil
	}
	away := isAway(err) && ctx.Err() == nil
	if away && info.Silent {
		return place, nil
	}
	defer func() { _ = place.Close() }()
	if away {
		return f.o.Local.Begin(ctx, info) // in the place that it has, so that no other run comes between
	}
	return nil, err
}

func (f *Journal) occupy(ctx context.Context, info stream.RunInfo) (stream.Writer, error) {
	return f.o.Local.Begin(ctx, stream.RunInfo{Session: info.Session, Run: info.Run, Owner: info.Owner, Silent: true})
}

// takeOver takes an orphan over from the journal that has it.
func (f *Journal) takeOver(ctx context.Context, info stream.RunInfo) (stream.Writer, error) {
	w, err := f.o.Local.Begin(ctx, info)
	if err == nil || !f.o.Up() {
		return w, err
	}
	w, shared := f.o.Shared.Begin(ctx, info)
	if isAway(shared) {
		return nil, err
	}
	if shared != nil {
		return nil, shared
	}
	if place, err := f.occupy(ctx, info); err == nil {
		return &occupying{w, place}, nil
	}
	return w, nil
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

func (f *Journal) dropLater(session string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.drops) >= maxDrops {
		return false
	}
	f.drops[session] = struct{}{}
	return true
}

func isMissing(err error) bool { return study.IsCode(err, study.CodeNotFound) }

// isAway reports whether a journal could not be reached.
func isAway(err error) bool { return study.IsCode(err, study.CodeUnavailable) }

// Since implements stream.Journal.
func (f *Journal) Since(ctx context.Context, q stream.Query) (study.Batch, error) {
	return stream.Wait(ctx, f, q)
}
