package recycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

const (
	sayEvery = 10 * time.Second // interval at which a load's progress is printed
	warmUp   = 2 * time.Second  // for a server before it is measured
	// background is how many clients make the workers recycle while other clients are
	// measured, and backgroundIdle is their pause: they keep the machine busy but do not
	// saturate it.
	background     = 8
	backgroundIdle = 2 * time.Millisecond
)

// recycling returns the settings with which workers recycle as soon as they have answered enough requests.
func (b *bench) recycling() map[string]string {
	return map[string]string{"MAX_REQUESTS": strconv.Itoa(b.o.maxRequests), "MAX_REQUESTS_JITTER": strconv.Itoa(b.o.jitter), "MIN_WORKER_AGE": "0"}
}

// recyclingOff returns the settings with which workers never recycle.
func recyclingOff() map[string]string {
	return map[string]string{"MAX_REQUESTS": "0", "MAX_REQUESTS_JITTER": "0"}
}

// with calls do with a new server and a context that also ends with the server, and adds what the watch saw to the
// overall figures. With hitless, no worker may end except by a recycle, and the metrics page must always be readable.
func (b *bench) with(ctx context.Context, settings map[string]string, hitless bool, do func(context.Context, *Server) error) error {
	maps.Copy(settings, b.o.env)
	s, err := startServer(ctx, Options{Binary: b.binary, Dir: b.dir, Workers: b.o.workers, Env: settings})
	if err != nil {
		return err
	}
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-s.Ended:
			cancel(fmt.Errorf("the server exited unexpectedly: %v", s.Told()))
		case <-within.Done():
		}
	}()
	err = do(within, s)
	if err == nil && within.Err() != nil {
		err = context.Cause(within)
	}
	_, _ = s.Page(context.WithoutCancel(ctx)) // recorded in Seen, even if it fails
	cancel(nil)                               // before the intended end
	b.settle(s, hitless)
	return err
}

// settle stops a server and adds what was seen of it.
func (b *bench) settle(s *Server, hitless bool) {
	end := s.Stop()
	o, seen := &b.over, s.Seen()
	o.servers++
	if end != nil {
		o.badEnds = append(o.badEnds, end.Error())
	}
	o.most, o.samples = max(o.most, int64(seen.Most)), o.samples+seen.Samples
	if !hitless {
		return
	}
	o.lost += seen.Last.Recycles.Unplanned()
	o.recycled += seen.Last.Recycles.Planned()
	o.read += seen.Reads
	o.unread += int64(len(seen.Unread))
	for _, err := range seen.Unread {
		o.details = append(o.details, err.Error())
	}
	o.complaints(s.Told())
}

// complaints keeps the servers' log lines of level WARN and above for the report.
func (o *overall) complaints(lines []string) {
	for _, line := range lines {
		if len(o.logged) < keptComplaints && !slices.Contains(o.logged, line) {
			o.logged = append(o.logged, line)
		}
	}
}

// drive runs a load and prints its progress.
func (b *bench) drive(ctx context.Context, l *load, s *Server) *tally {
	done := make(chan struct{})
	told := make(chan struct{})
	go func() {
		defer close(told)
		tick := time.NewTicker(sayEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				b.say("  %d of %d requests, %d failed, %d recycles", l.begun.Load(), l.requests, l.failed.Load(), s.Recycled())
			}
		}
	}()
	t := l.run(ctx)
	close(done)
	<-told
	return t
}

// beside runs a load in the background while it calls do, and returns the load's counts.
func beside(ctx context.Context, l *load, do func() error) (*tally, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	counted := make(chan *tally, 1)
	go func() { counted <- l.run(ctx) }()
	err := do()
	cancel()
	return <-counted, err
}

// keepalive makes many requests over few connections, through many recycles. A machine that
// answers faster than it recycles makes more requests, until there have been enough
// recycles.
func (b *bench) keepalive(ctx context.Context) error {
	return b.with(ctx, b.recycling(), true, func(ctx context.Context, s *Server) error {
		l := &load{to: s.Address(), clients: b.o.clients, requests: int64(b.o.requests), idle: b.o.think}
		l.more = func() bool { return s.Recycled() < int64(b.o.recycles) }
		t := b.drive(ctx, l, s)
		p, err := s.Page(context.WithoutCancel(ctx))
		b.add(zeroOf("keepalive", "requests failed", t.failures, t.requests).withFailures(t),
			atLeast("keepalive", "recycles", float64(p.Recycles.Planned()), float64(b.o.recycles), t.requests))
		return err
	})
}

// fresh uses a new connection for each request.
func (b *bench) fresh(ctx context.Context) error {
	return b.with(ctx, b.recycling(), true, func(ctx context.Context, s *Server) error {
		l := &load{to: s.Address(), clients: b.o.clients, requests: int64(b.o.freshRequests), fresh: true}
		t := b.drive(ctx, l, s)
		p, err := s.Page(context.WithoutCancel(ctx))
		b.add(zeroOf("fresh", "requests failed", t.failures, t.requests).withFailures(t).during(p.Recycles.Planned()))
		return err
	})
}

// idle uses connections that are silent for longer than a worker lives.
func (b *bench) idle(ctx context.Context) error {
	return b.with(ctx, b.recycling(), true, func(ctx context.Context, s *Server) error {
		busy := &load{to: s.Address(), clients: background, idle: backgroundIdle}
		var t *tally
		others, err := beside(ctx, busy, func() error {
			// Each client's first request follows no pause, and is made in addition.
			l := &load{to: s.Address(), clients: b.o.idleClients, requests: int64(b.o.idleRequests + b.o.idleClients), idle: b.o.idleFor}
			t = b.drive(ctx, l, s)
			return nil
		})
		p, errPage := s.Page(context.WithoutCancel(ctx))
		f := zeroOf("idle", "requests failed after "+b.o.idleFor.String()+" of silence", t.failures, t.requests)
		b.add(f.withFailures(t).during(p.Recycles.Planned()), zeroOf("idle", "background requests failed", others.failures, others.requests).withFailures(others))
		return errors.Join(err, errPage)
	})
}

// ratio measures the cost of recycling, with study requests and with the cheapest requests.
func (b *bench) ratio(ctx context.Context) error {
	byAge := b.recycling()
	delete(byAge, "MIN_WORKER_AGE")
	return errors.Join(b.ratioOf(ctx, "chat requests", true, byAge), b.ratioOf(ctx, "the cheapest requests, MIN_WORKER_AGE=0", false, b.recycling()))
}

// ratioOf measures one kind of request, in alternating windows on two servers.
func (b *bench) ratioOf(ctx context.Context, kind string, chat bool, recycling map[string]string) error {
	return b.with(ctx, recycling, true, func(ctx context.Context, on *Server) error {
		return b.with(ctx, recyclingOff(), true, func(ctx context.Context, off *Server) error {
			var ratios []float64
			all := newTally()
			for range b.o.ratioPairs {
				with, without := b.window(ctx, on, chat, all), b.window(ctx, off, chat, all)
				if ctx.Err() != nil || without == 0 {
					break
				}
				ratios = append(ratios, with/without)
				b.say("  %.0f/s with recycling, %.0f/s without: %.3f", with, without, with/without)
			}
			if len(ratios) == 0 {
				return nil
			}
			slices.Sort(ratios)
			p, err := on.Page(context.WithoutCancel(ctx))
			f := atLeast("ratio", "throughput with recycling to that without, "+kind+", median", ratios[len(ratios)/2], .9, all.requests)
			f.Note = fmt.Sprintf("pairs %.3f", ratios)
			b.add(f.during(p.Recycles.Planned()), zeroOf("ratio", kind+" failed", all.failures, all.requests).withFailures(all))
			return err
		})
	})
}

// window returns the requests per second of one window, after a short warm-up window.
func (b *bench) window(ctx context.Context, s *Server, chat bool, all *tally) float64 {
	for _, length := range []time.Duration{min(warmUp, b.o.ratioWindow), b.o.ratioWindow} {
		l := &load{to: s.Address(), clients: b.o.clients, chat: chat}
		within, cancel := context.WithTimeout(ctx, length)
		began := time.Now()
		t := l.run(within)
		took := time.Since(began)
		cancel()
		all.add(t)
		if length == b.o.ratioWindow {
			return float64(t.requests-t.failures) / took.Seconds()
		}
	}
	return 0
}
