package failover

import (
	"sync"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// journalRace is a wait that has not found its journal yet.
type journalRace struct {
	q             stream.Query
	deliver       func(study.Batch, error)
	first, second stream.Keeper // the first one that knows the session is chosen
	shared        stream.Keeper
	exact         bool  // Local is chosen only if it knows the position itself
	unknown       error // the error of a first journal without the run that is asked for

	mu      sync.Mutex
	over    bool
	cancels []func()
}

// start sends a query to one of the journals unless the wait is over.
func (c *journalRace) start(to stream.Keeper, q stream.Query, heard func(study.Batch, error)) {
	if c.settled() {
		return
	}
	cancel := to.Await(q, heard)
	c.mu.Lock()
	over := c.over
	c.cancels = append(c.cancels, cancel)
	c.mu.Unlock()
	if over {
		cancel()
	}
}

// query asks one of the journals whether it knows the session.
func (c *journalRace) query(to stream.Keeper, heard func(study.Batch, error)) {
	q := c.q
	q.NoWait, q.Peek = false, true
	c.start(to, q, heard)
}

func (c *journalRace) settled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}

func (c *journalRace) cancel() {
	c.mu.Lock()
	c.over = true
	cancels := c.cancels
	c.cancels = nil
	c.mu.Unlock()
	for _, cancel := range cancels {
		cancel()
	}
}

// settle delivers the first answer.
func (c *journalRace) settle(b study.Batch, err error) {
	c.mu.Lock()
	over := c.over
	c.over = true
	c.mu.Unlock()
	if !over {
		c.cancel() // the other wait
		c.deliver(b, err)
	}
}

func (c *journalRace) onFirst(b study.Batch, err error) {
	if !c.choose(c.first, b, err) {
		c.query(c.second, c.onSecond)
	}
}

func (c *journalRace) onSecond(b study.Batch, err error) {
	switch {
	case c.choose(c.second, b, err):
	case c.q.Peek, c.q.NoWait:
		c.settle(study.Batch{}, c.unknown)
	default:
		c.start(c.first, c.q, c.settle)
		c.start(c.second, c.q, c.settle)
	}
}

// choose handles the answer of one journal and reports whether it knows the session.
func (c *journalRace) choose(by stream.Keeper, b study.Batch, err error) bool {
	switch {
	case by == c.shared && isAway(err), err == nil && b.Next == study.Position{}:
		return false
	case c.q.Run != "" && by == c.first && isMissing(err):
		c.unknown = err
		return false
	case c.exact && by == c.first && err == nil && b.Next.Epoch != c.q.After.Epoch:
		return false
	case err != nil, c.q.Peek:
		c.settle(b, err)
	case by == c.shared:
		c.start(by, c.q, c.onShared)
	default:
		c.start(by, c.q, c.settle)
	}
	return true
}

// onShared handles the answer of Shared to a waiting reader. A session that it no longer has may
// be in Local, if Shared became unreachable while a run was begun there.
func (c *journalRace) onShared(b study.Batch, err error) {
	local := c.first
	if local == c.shared {
		local = c.second
	}
	if !isMissing(err) {
		c.settle(b, err)
		return
	}
	c.query(local, func(known study.Batch, unknown error) {
		if unknown != nil || known.Next == (study.Position{}) {
			c.settle(b, err)
		} else {
			c.start(local, c.q, c.settle)
		}
	})
}
