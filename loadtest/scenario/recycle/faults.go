package recycle

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"studysharper/loadtest/pace"
)

const (
	faultClients  = 16
	successorWait = 30 * time.Second // for the slot's next worker
	serveOn       = 300 * time.Millisecond
	workerTimeout = 5 // WORKER_TIMEOUT of the stop part, seconds
)

// verdict sorts the failures around a worker's end by connection: the ended worker's, or another's.
type verdict struct {
	mu       sync.Mutex
	began    time.Time    // zero = no fault yet
	victim   map[int]bool // client ports of the connections that the worker had
	own      int64        // failures on these since then
	others   []error      // failures on all others
	answered int64        // requests answered on all others since then
}

// hear is called with every exchange of a load.
func (v *verdict) hear(e exchange) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case e.err == nil && !v.began.IsZero() && !v.victim[e.port]:
		v.answered++
	case e.err == nil:
	case v.victim[e.port]:
		v.own++
	default:
		v.others = append(v.others, e.err)
	}
}

// begin records the connections that the worker has now.
func (v *verdict) begin(held map[int]bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.victim, v.began, v.answered = held, time.Now(), 0
}

// outcome is the outcome of the faults of one part.
type outcome struct {
	times     []time.Duration // until the successor was ready
	faults    int64
	held      int64 // connections on the workers that ended
	own       int64 // failures on these
	collected []error
	silent    int64 // faults during which no other client was answered
	requests  int64
}

func (o *outcome) take(v *verdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	o.faults++
	o.held += int64(len(v.victim))
	o.own += v.own
	o.collected = append(o.collected, v.others...)
	if v.answered == 0 {
		o.silent++
	}
	v.victim, v.began, v.own, v.others = nil, time.Time{}, 0, nil
}

// loaded calls do while clients make requests on both persistent and fresh connections; v.hear gets every exchange.
func loaded(ctx context.Context, to netip.AddrPort, v *verdict, do func() error) (int64, error) {
	var requests int64
	kept := &load{to: to, clients: faultClients, idle: backgroundIdle, heard: v.hear}
	fresh := &load{to: to, clients: 1, idle: 10 * backgroundIdle, fresh: true, heard: v.hear}
	t, err := beside(ctx, kept, func() error {
		others, err := beside(ctx, fresh, do)
		requests += others.requests
		return err
	})
	return requests + t.requests, err
}

// kill kills workers under load. The supervisor replaces a slot's first crashed worker at once, but from the second
// crash within a minute on it deliberately waits. Each server therefore has one worker of each slot killed, and is then
// replaced by another server.
func (b *bench) kill(ctx context.Context) error {
	var o outcome
	settings := func() map[string]string {
		e := recyclingOff()
		e["LOG_LEVEL"] = "info" // for the log line "Worker ready"
		return e
	}
	var err error
	for o.faults < int64(b.o.kills) && ctx.Err() == nil && err == nil {
		err = b.with(ctx, settings(), false, func(ctx context.Context, s *Server) error {
			var v verdict
			requests, err := loaded(ctx, s.Address(), &v, func() error { return b.killEach(ctx, s, &v, &o) })
			o.requests += requests
			return err
		})
		if o.faults%20 == 0 {
			b.say("  %d of %d killed", o.faults, b.o.kills)
		}
	}
	b.add(within("kill", "kill -9 to successor ready, p99", o.times, .99, 100*time.Millisecond))
	b.addOutcome("kill", &o)
	return err
}

func (b *bench) killEach(ctx context.Context, s *Server, v *verdict, o *outcome) error {
	for slot := range b.o.workers {
		if o.faults >= int64(b.o.kills) || !pace.Sleep(ctx, serveOn) {
			return nil
		}
		if err := b.end(ctx, s, slot, true, v, o); err != nil {
			return err
		}
	}
	return nil
}

// end stops a slot's worker, kills it if kill is set, and waits until the next one is ready. A worker to be killed is
// stopped first, for the few milliseconds needed to see which connections it has; otherwise it could accept another one
// meanwhile.
func (b *bench) end(ctx context.Context, s *Server, slot int, kill bool, v *verdict, o *outcome) error {
	p, err := s.Page(ctx)
	if err != nil {
		return err
	}
	worker, ok := p.InSlot(slot)
	if !ok {
		return fmt.Errorf("no worker is ready in slot %d", slot)
	}
	held, at, err := s.Freeze(ctx, worker.PID)
	if err != nil {
		return err
	}
	v.begin(held)
	if kill {
		at = time.Now()
		if err := syscall.Kill(worker.PID, syscall.SIGKILL); err != nil {
			return err
		}
	}
	patience, cancel := context.WithTimeout(ctx, successorWait)
	defer cancel()
	ready, err := s.AwaitReady(patience, slot, at)
	if err != nil {
		return err
	}
	if !pace.Sleep(ctx, serveOn) { // the last failures may not have arrived yet
		return ctx.Err()
	}
	o.times = append(o.times, ready.At.Sub(at))
	o.take(v)
	return nil
}

// stop stops workers under load, as if they hung.
func (b *bench) stop(ctx context.Context) error {
	var o outcome
	settings := recyclingOff()
	settings["WORKER_TIMEOUT"], settings["LOG_LEVEL"] = fmt.Sprint(workerTimeout), "info"
	err := b.with(ctx, settings, false, func(ctx context.Context, s *Server) error {
		var v verdict
		requests, err := loaded(ctx, s.Address(), &v, func() error {
			for i := range b.o.stops {
				if !pace.Sleep(ctx, serveOn) {
					return nil
				}
				if err := b.end(ctx, s, i%b.o.workers, false, &v, &o); err != nil {
					return err
				}
				b.say("  %d of %d stopped, replaced after %s", i+1, b.o.stops, round(o.times[len(o.times)-1]))
			}
			return nil
		})
		o.requests = requests
		return err
	})
	b.add(within("stop", fmt.Sprintf("SIGSTOP to successor ready, WORKER_TIMEOUT=%d, most", workerTimeout), o.times, 1, 6500*time.Millisecond))
	b.addOutcome("stop", &o)
	return err
}

// addOutcome adds the figures that both parts have in common.
func (b *bench) addOutcome(part string, o *outcome) {
	mine := atMost(part, "requests failed on the ended workers' connections", float64(o.own), float64(o.held), o.faults)
	mine.Note = "the goal is the number of connections they held: each can lose the one request in progress on it, and nearly all have one, because the worker is frozen first"
	others := zeroOf(part, "requests failed on all other connections", int64(len(o.collected)), o.requests)
	for _, err := range o.collected {
		others.Details = append(others.Details, err.Error())
	}
	b.add(mine, others, zeroOf(part, "faults during which no other client was answered", o.silent, o.faults))
}
