package failover

import (
	"context"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

const (
	maxMirrors  = 1024                   // sessions that wait; further ones are not copied
	mirrorTries = 20                     // to begin a copy: its writer's own attempt may not have been undone yet
	mirrorRest  = 250 * time.Millisecond // between two tries
)

// backfill is a run in Local to be copied to Shared, because readers of other instances may
// wait for it. The copy has the same events, with numbers of Shared's; readers that have read
// a part in Local continue there.
type backfill struct {
	session, run, owner string
	no                  uint64 // in the order in which runs began; 0 = not scheduled yet
	tries               int
}

// scheduleBackfill schedules the copy of a run, instead of an older one of its session.
func (f *Journal) scheduleBackfill(m backfill) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.no == 0 {
		f.begun++
		m.no = f.begun
	}
	other, known := f.mirrors[m.session]
	if other.no > m.no {
		return // a newer run has begun while the copy of this one could not be
	}
	if known || len(f.mirrors) < maxMirrors {
		f.mirrors[m.session] = m
		f.wake()
	}
}

// copyRun copies a run into Shared until the run's end. If Shared becomes unreachable
// before the copy has begun, it is scheduled again.
func (f *Journal) copyRun(ctx context.Context, m backfill) {
	within, cancel := context.WithTimeout(ctx, f.o.BeginWithin)
	w, err := f.o.Shared.Begin(within, stream.RunInfo{Session: m.session, Run: m.run, Owner: m.owner})
	cancel()
	switch {
	case err == nil:
		f.follow(ctx, m, w)
	case !isMissing(err) && m.tries < mirrorTries:
		m.tries++
		wait(ctx, mirrorRest)
		f.scheduleBackfill(m)
	}
}

// follow appends the session's events in Local, from its newest run on, to the copy.
func (f *Journal) follow(ctx context.Context, m backfill, w stream.Writer) {
	defer func() { _ = w.Close() }()
	for at := (study.Position{}); ; {
		b, err := f.o.Local.Since(ctx, stream.Query{Session: m.session, After: at})
		if err != nil {
			return
		}
		for _, e := range b.Events {
			if w.Append(ctx, e) != nil || e.Kind.Terminal() {
				return
			}
		}
		if at = b.Next; b.Ended {
			return
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
