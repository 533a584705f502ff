package scenario

import (
	"context"
	"errors"
	"sync"
	"time"

	"studysharper/loadtest/measure"
	"studysharper/loadtest/pace"
	"studysharper/loadtest/swarm"
)

// reopenEvery is how often streams that ended are opened again.
const reopenEvery = time.Second

// crowd holds a number of streams open. Each opening counts as a request on the sheet, and each broken stream as a
// failure. A stream that the service ended with an event, as it does if nothing is posted to the session, is replaced
// and is not a failure.
type crowd struct {
	o     *Options
	swarm *swarm.Swarm

	mu   sync.Mutex
	gone int // streams to be replaced
}

func newCrowd(o *Options) (*crowd, error) {
	c := &crowd{o: o, gone: o.Streams}
	var err error
	c.swarm, err = swarm.Start(o.swarm(swarm.Options{Opened: c.opened, Left: c.left}))
	return c, err
}

// opened, like left, is called on the swarm's goroutine.
func (c *crowd) opened(_ *swarm.Stream, s swarm.State) {
	c.o.Sheet.Add(measure.Outcome{Series: opening, Took: s.Answered.Sub(s.Began)})
}

const opening = "opening a stream"

func (c *crowd) left(_ *swarm.Stream, s swarm.State) {
	c.mu.Lock()
	c.gone++
	c.mu.Unlock()
	switch kind := kindOf(s); {
	case kind == "" || kind == Told: // it ended with an event
		c.o.Sheet.Count("streams replaced", 1)
	case s.Status == 200:
		c.o.Sheet.Fail(string(kind))
	default:
		c.o.Sheet.Add(measure.Outcome{Series: opening, Took: time.Since(s.Began), Kind: string(kind)})
	}
}

// hold keeps the streams open until ctx ends, and then closes them.
func (c *crowd) hold(ctx context.Context) error {
	tick := time.NewTicker(reopenEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		c.replace()
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	n := c.swarm.Counts()
	c.o.Sheet.Count("streams open at the end", n.Open)
	c.o.Sheet.Count("streams opened", n.Opened)
	c.o.Sheet.Count("streams broken", n.Broken)
	c.o.Sheet.Count("events", n.Events)
	return c.swarm.Close()
}

// replace opens as many streams as have ended.
func (c *crowd) replace() {
	c.mu.Lock()
	n := c.gone
	c.gone = 0
	c.mu.Unlock()
	fresh := make([]*swarm.Stream, n)
	for i := range fresh {
		fresh[i], _ = c.o.newStream(c.swarm)
	}
	c.swarm.Open(fresh...)
}

// idleStreams holds streams open for the plan's duration, and makes no other requests.
func idleStreams(o *Options) Scenario {
	return func(ctx context.Context, plan pace.Plan) (pace.Pace, error) {
		c, err := newCrowd(o)
		if err != nil {
			return pace.Pace{}, err
		}
		ctx, cancel := context.WithTimeout(ctx, plan.Duration)
		defer cancel()
		err = c.hold(ctx)
		return pace.Pace{Begun: int64(o.Streams)}, err
	}
}

// recycle makes small requests, which count towards a worker's quota, while streams are open.
func recycle(o *Options) Scenario {
	look := call{request: o.get("/api/ai/stream-status"), series: "request"}
	requests := asking(o, func(int64) call { return look })
	return func(ctx context.Context, plan pace.Plan) (pace.Pace, error) {
		c, err := newCrowd(o)
		if err != nil {
			return pace.Pace{}, err
		}
		holding, let := context.WithCancel(ctx)
		var crowd sync.WaitGroup
		var failed error
		crowd.Go(func() { failed = c.hold(holding) })
		p, err := requests(ctx, plan)
		let()
		crowd.Wait()
		return p, errors.Join(err, failed)
	}
}
