package metrics

import (
	"context"
	"os"
	"runtime"
	runtimemetrics "runtime/metrics"
	"time"

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
	for {
		publishOnce(p)
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

func publishOnce(p *Entry) {
	p.Set(Goroutines, int64(runtime.NumGoroutine()))
	heap := []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	runtimemetrics.Read(heap)
	if heap[0].Value.Kind() == runtimemetrics.KindUint64 {
		p.Set(HeapBytes, int64(heap[0].Value.Uint64())) //nolint:gosec // a heap's size fits
	}
	if memory, err := memory.ReadProcess(os.Getpid()); err == nil {
		p.Set(RSSBytes, memory.Resident)
		p.Set(AnonymousBytes, memory.Anonymous)
	}
}
