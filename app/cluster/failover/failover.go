// Package failover combines two journals: one that all instances share, and the container's own. The one idea: each run
// stays in the journal in which it began. A position's epoch identifies that journal; a reader without a position gets
// the newest run of both. What neither can deliver is answered from the run's record (package record).
package failover

import (
	"cmp"
	"context"
	"sync"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// Options are the two journals and a timeout. A zero duration takes the default.
type Options struct {
	Shared stream.Keeper // of all instances; its epochs start at stream.SharedEpoch
	Local  stream.Keeper // of this container; its epochs are lower
	Up     func() bool   // reports whether Shared is believed to answer

	// BeginWithin is how long Begin waits for Shared before the run begins in Local. Default
	// 300 ms, slightly longer than Shared needs to detect that it is unreachable, so only the
	// first runs wait.
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

// New returns a failover journal. The caller must call Returned when Shared is reachable again.
func New(o Options) *Journal {
	o.BeginWithin = cmp.Or(o.BeginWithin, 300*time.Millisecond)
	return &Journal{o: o, drops: map[string]struct{}{}, back: make(chan struct{}, 1)}
}

// Returned reports that Shared was unreachable and is reachable again. It does not block.
func (f *Journal) Returned() {
	select {
	case f.back <- struct{}{}:
	default:
	}
}

// Run drops sessions in Shared that could not be dropped while it was unreachable, until ctx ends; then it returns nil.
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
			_ = f.Drop(ctx, session) // a failed drop is scheduled again; a missing session is fine
		}
	}
}

// Begin implements stream.Journal. It takes at most BeginWithin longer than Local. A run in Shared also occupies its
// session in Local, so no other run of this container can begin in that session even if Shared fails.
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
		return f.o.Local.Begin(ctx, info) // it already occupies the session there, so no other run can get in between
	}
	return nil, err
}

func (f *Journal) occupy(ctx context.Context, info stream.RunInfo) (stream.Writer, error) {
	return f.o.Local.Begin(ctx, stream.RunInfo{Session: info.Session, Run: info.Run, Owner: info.Owner, Silent: true})
}

// takeOver takes over an orphan from the journal that has it.
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

// occupying combines a run's writer in Shared with the silent run that occupies its session in Local.
type occupying struct {
	stream.Writer
	local stream.Writer
}

// Append implements stream.Writer. It frees the session in Local before anyone can read the terminal event in Shared.
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

// Drop implements stream.Journal. While Shared is unreachable, it returns Local's answer, and Run drops the
// session in Shared later.
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
