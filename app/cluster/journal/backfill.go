package journal

import (
	"context"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

const (
	maxMirrors  = 1024                   // sessions that wait; of more none is copied
	mirrorTries = 20                     // to begin a copy: its maker's own attempt may still have to be taken back
	mirrorRest  = 250 * time.Millisecond // between two of them
)

// backfill is a run in Local that other instances are to see: one of their readers may have
// been waiting for it since before Shared went away. Its copy in Shared has the same events,
// with numbers of Shared's; whoever has read a part in Local goes on there.
type backfill struct {
	session, run, owner string
	no                  uint64 // in the order that runs began; 0 = not noted yet
	tries               int
}

// scheduleBackfill notes a run to be copied, in the place of an older one of its session.
func (f *Failover) scheduleBackfill(m backfill) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.no == 0 {
		f.begun++
		m.no = f.begun
	}
	other, known := f.mirrors[m.session]
	if other.no > m.no {
		return // a newer run's, while the copy of this one could not be begun
	}
	if known || len(f.mirrors) < maxMirrors {
		f.mirrors[m.session] = m
		f.wake()
	}
}

// copyRun brings a run into Shared, and follows it to its end. Where Shared goes away again
// before the copy has begun, it is noted again.
func (f *Failover) copyRun(ctx context.Context, m backfill) {
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

// follow appends to the copy what Local has of the session, from its newest run on.
func (f *Failover) follow(ctx context.Context, m backfill, w stream.Writer) {
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
