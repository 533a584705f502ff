package hub

import "studysharper/app/study"

// due is what has to be done once the lock is released: everything that may come back
// to the hub, or block.
type due struct {
	awaited   []*group
	cancelled []func()
	asked     []*client
	latest    *group // the last one that a client was added to: most go where the one before went
	leaving   []*client
	over      HandOver // who takes them
}

// locked runs f under the lock, and after it what f found due.
func (h *Hub) locked(f func(*due)) {
	var d due
	h.mu.Lock()
	f(&d)
	h.mu.Unlock()
	for _, cancel := range d.cancelled {
		cancel()
	}
	for _, g := range d.awaited {
		g.await()
	}
	for _, c := range d.asked {
		h.ask(c)
	}
	for _, c := range d.leaving {
		h.giveAway(c, d.over)
	}
}

// giveAway hands a stream over. Where that fails its client comes back by itself: its
// stream began with the time to wait.
func (h *Hub) giveAway(c *client, over HandOver) {
	h.sockets.forget(int(c.fd))
	if err := over(int(c.fd), h.pass(c)); err != nil {
		h.o.Log.Warn("event stream hand-over failed", "error", err)
	}
	h.sockets.close(int(c.fd))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
	h.o.Ended(c.place)
	h.left()
}

// ask finds out whether anybody has posted to a client's session, and ends its stream
// where nobody has.
func (h *Hub) ask(c *client) {
	h.mu.Lock()
	q := c.at.query()
	h.mu.Unlock()
	q.Peek = true
	h.o.Journal.Await(q, func(b study.Batch, err error) {
		h.locked(func(d *due) { h.answered(c, b, err, d) })
	})
}

func (h *Hub) answered(c *client, b study.Batch, err error, d *due) {
	c.asked = false
	switch {
	case !h.isCurrent(c):
	case err != nil:
		h.fault(c, err, d)
	case b.Next == study.Position{} && h.ended:
		h.remove(c, d)
	case b.Next == study.Position{}:
		h.fail(c, "nothing was asked for in this session", true, d)
	default:
		c.posted = true
	}
}
