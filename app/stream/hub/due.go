package hub

import "studysharper/app/study"

// due collects what must be done after the lock is released: everything that may call the
// hub again, or block.
type due struct {
	awaited   []*group
	cancelled []func()
	asked     []*client
	latest    *group // the group that a client was added to last: the next client often joins the same one
	leaving   []*client
	over      HandOver // receives them
}

// locked calls f with the lock held, and then does what f added to due.
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

// giveAway hands a stream over. If that fails, the client reconnects: its stream began with
// a retry time.
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

// ask queries whether anything has been posted to a client's session, and ends the stream
// if not.
func (h *Hub) ask(c *client) {
	h.mu.Lock()
	q := c.query
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
		h.fail(c, "no request has been made in this session", true, d)
	default:
		c.posted = true
	}
}
