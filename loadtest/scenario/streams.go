package scenario

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"studysharper/loadtest/client"
	"studysharper/loadtest/measure"
	"studysharper/loadtest/pace"
	"studysharper/loadtest/swarm"
)

// The kinds of failure that only streams have.
const (
	Broken    client.Kind = "stream broken"      // it ended without the run's terminal event
	Endless   client.Kind = "stream did not end" // in time
	Told      client.Kind = "error event"        // the run failed, and its stream reported that
	Losing    client.Kind = "events lost"        // numbers were skipped
	Doubling  client.Kind = "events doubled"
	BadStream client.Kind = "malformed stream" // not an event stream, or invalid events
)

// The additional series of times for streams.
const (
	firstEvent = "first event"
	betweenTwo = "between two events"
)

// streamer is the state that the clients of the scenario streams share.
type streamer struct {
	o     *Options
	swarm *swarm.Swarm

	mu   sync.Mutex
	runs map[*swarm.Stream]*run
}

// run is one run and its stream. Only the loop may use its times until ended.
type run struct {
	due   time.Time
	last  time.Time // time of the last event
	ended chan swarm.State
}

func streams(o *Options) Scenario {
	return func(ctx context.Context, plan pace.Plan) (pace.Pace, error) {
		s := &streamer{o: o, runs: map[*swarm.Stream]*run{}}
		var err error
		s.swarm, err = swarm.Start(o.swarm(swarm.Options{Took: s.took, Left: s.left}))
		if err != nil {
			return pace.Pace{}, err
		}
		p, err := plan.Run(ctx, func() pace.Worker { return &watcher{s: s, conn: client.Client{Target: o.Target}} })
		c := s.swarm.Counts()
		for name, n := range map[string]int64{"streams opened": c.Opened, "events": c.Events, "events lost": c.Lost, "events doubled": c.Doubled, "events malformed": c.Wrong} {
			o.Sheet.Count(name, n)
		}
		return p, errors.Join(err, s.swarm.Close())
	}
}

// swarm sets the target and the credentials of the streams' requests.
func (o *Options) swarm(s swarm.Options) swarm.Options {
	s.Address, s.Host = o.Target.Address(), o.Target.URL.Host
	if o.Target.Token != "" {
		s.Header = "Authorization: Bearer " + o.Target.Token + "\r\n"
	}
	return s
}

// newStream returns a stream of a new session.
func (o *Options) newStream(s *swarm.Swarm) (st *swarm.Stream, session string) {
	session = uuid.NewString()
	return s.Stream(o.Target.Path("/api/ai/stream/"+session), swarm.StreamOptions{}), session
}

// took is called on the swarm's goroutine.
func (s *streamer) took(st *swarm.Stream, e swarm.Event) {
	s.mu.Lock()
	r := s.runs[st]
	s.mu.Unlock()
	if r == nil {
		return
	}
	if r.last.IsZero() {
		s.o.Sheet.Time(firstEvent, e.At.Sub(r.due))
	} else {
		s.o.Sheet.Time(betweenTwo, e.At.Sub(r.last))
	}
	r.last = e.At
}

func (s *streamer) left(st *swarm.Stream, state swarm.State) {
	s.mu.Lock()
	r := s.runs[st]
	delete(s.runs, st)
	s.mu.Unlock()
	if r != nil {
		r.ended <- state // never blocks: the channel has room for one
	}
}

// watcher is one client: it starts a run and reads its stream.
type watcher struct {
	s    *streamer
	conn client.Client
}

// Close closes the connection over which runs are started.
func (w *watcher) Close() { w.conn.Close() }

// Once opens a stream, starts run n, and reads the stream to its end.
func (w *watcher) Once(ctx context.Context, n int64, due time.Time) {
	st, session := w.s.o.newStream(w.s.swarm)
	r := &run{due: due, ended: make(chan swarm.State, 1)}
	until := time.Now().Add(w.s.o.Timeout)
	w.s.mu.Lock()
	w.s.runs[st] = r
	w.s.mu.Unlock()
	w.s.swarm.Open(st)
	kind := w.begin(ctx, n, session)
	if kind == "" {
		kind = w.watch(ctx, r, until)
	}
	w.s.mu.Lock()
	delete(w.s.runs, st)
	w.s.mu.Unlock()
	w.s.swarm.Cut(swarm.FIN, st)
	if kind != client.Canceled {
		w.s.o.Sheet.Add(measure.Outcome{Took: time.Since(due), Kind: string(kind)})
	}
}

// begin starts the session's run.
func (w *watcher) begin(ctx context.Context, n int64, session string) client.Kind {
	o := w.s.o
	request := o.Target.Request("POST", "/api/ai/process-stream", o.body(o.Type, fmt.Sprintf("Test message %d", n), o.text(o.Notes, n), session),
		client.Options{Close: o.Fresh})
	_, err := w.conn.Do(ctx, request, o.Timeout)
	return client.KindOf(err)
}

// watch waits for a stream's end.
func (w *watcher) watch(ctx context.Context, r *run, until time.Time) client.Kind {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case state := <-r.ended:
		return kindOf(state)
	case <-timer.C:
		return Endless
	case <-ctx.Done():
		return client.Canceled
	}
}

// kindOf returns what was wrong with a stream that has ended.
func kindOf(s swarm.State) client.Kind {
	switch {
	case s.Status != 0 && s.Status != 200:
		return client.StatusKind(s.Status)
	case errors.Is(s.Err, syscall.ECONNREFUSED):
		return client.Refused
	case errors.Is(s.Err, syscall.EMFILE), errors.Is(s.Err, syscall.ENFILE), errors.Is(s.Err, syscall.EADDRNOTAVAIL):
		return client.Exhausted
	case s.Wrong > 0, errors.Is(s.Err, swarm.ErrNoStream):
		return BadStream
	case s.Err != nil || s.Terminal == "":
		return Broken
	case s.Lost > 0:
		return Losing
	case s.Doubled > 0:
		return Doubling
	case s.Terminal == "error":
		return Told
	}
	return ""
}
