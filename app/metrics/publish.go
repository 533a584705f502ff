package metrics

import (
	"context"
	"os"
	"runtime"
	runtimemetrics "runtime/metrics"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"studysharper/app/memory"
)

// HeartbeatEvery is the interval between heartbeats.
const HeartbeatEvery = time.Second

// Publish writes the process's own figures (heap, goroutines, resident memory) to its page every HeartbeatEvery, until
// ctx ends, and a heartbeat if alive returns true. alive should take the same path as the process's work, and may block
// where the work would. each is called as often, for gauges that other parts maintain. Publish never fails.
func Publish(ctx context.Context, p *Entry, alive func() bool, each func(*Entry)) error {
	p.Set(PID, int64(os.Getpid()))
	p.Set(Started, time.Now().UnixNano())
	tick := time.NewTicker(HeartbeatEvery)
	defer tick.Stop()
	own := newFigures()
	for {
		own.publish(p)
		each(p)
		if alive() {
			p.Set(Heartbeat, Monotonic())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// figures are a process's own.
type figures struct {
	// told are the counts as last published. Only what was added since is added to the page, because the
	// supervisor's page also holds the counts of departed workers.
	told    map[Counter]uint64
	samples []runtimemetrics.Sample
}

func newFigures() *figures {
	return &figures{told: map[Counter]uint64{}, samples: slices.Clone(runtimeFigures)}
}

func (f *figures) add(p *Entry, c Counter, total uint64) {
	if total > f.told[c] {
		p.Add(c, total-f.told[c])
		f.told[c] = total
	}
}

// runtimeFigures are read into the gauges and counters of publish, in this order.
var runtimeFigures = []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/goal:bytes"}, {Name: "/sched/threads/total:threads"},
	{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/cycles/total:gc-cycles"}}

func (f *figures) publish(p *Entry) {
	p.Set(Goroutines, int64(runtime.NumGoroutine()))
	gauges, counters := [...]Gauge{HeapBytes, NextGC, Threads}, [...]Counter{AllocatedBytes, Collections}
	runtimemetrics.Read(f.samples)
	for i, figure := range f.samples {
		switch {
		case figure.Value.Kind() != runtimemetrics.KindUint64: // not known to this Go
		case i < len(gauges):
			p.Set(gauges[i], int64(figure.Value.Uint64())) //nolint:gosec // a heap's size fits
		default:
			f.add(p, counters[i-len(gauges)], figure.Value.Uint64())
		}
	}
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) == nil {
		f.add(p, ProcessorTime, uint64(used.Utime.Nano()+used.Stime.Nano())/1000) //nolint:gosec // never negative
	}
	if memory, err := memory.ReadProcess(os.Getpid()); err == nil {
		p.Set(RSSBytes, memory.Resident)
		p.Set(AnonymousBytes, memory.Anonymous)
	}
}
