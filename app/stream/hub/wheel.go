package hub

import (
	"context"
	"time"
)

const (
	// tick is how exact the hub's deadlines are.
	tick = 100 * time.Millisecond
	// slots of the wheel: a client whose deadline is further away than they reach is
	// looked at in between.
	slots = 512
)

// moment is a time in ticks since the hub was made.
type moment int32

// ticks is a duration in ticks, rounded up.
func ticks(d time.Duration) moment { return moment((d + tick - 1) / tick) } //nolint:gosec // 6 years

func (h *Hub) now() moment { return moment(time.Since(h.start) / tick) } //nolint:gosec // as above

// wheel holds every client once, in the slot of the moment at which it is to be
// looked at: at its deadline, or before it, for deadlines move on with every event
// and a client is moved only when it is looked at.
type wheel struct {
	slots []*client
	at    moment // the last one whose slot was emptied
}

func newWheel() wheel { return wheel{slots: make([]*client, slots)} }

// put makes c be looked at by a moment, moving it only to an earlier one.
func (w *wheel) put(c *client, by moment) {
	by = min(max(by, w.at+1), w.at+slots-1)
	if c.slot >= 0 {
		if ((moment(c.slot)-w.at)%slots+slots)%slots <= by-w.at {
			return
		}
		w.remove(c)
	}
	c.slot = int32(by % slots)
	c.later, c.older = w.slots[c.slot], nil
	if c.later != nil {
		c.later.older = c
	}
	w.slots[c.slot] = c
}

func (w *wheel) remove(c *client) {
	if c.slot < 0 {
		return
	}
	if c.older != nil {
		c.older.later = c.later
	} else {
		w.slots[c.slot] = c.later
	}
	if c.later != nil {
		c.later.older = c.older
	}
	c.slot, c.later, c.older = -1, nil, nil
}

// due gives the clients to be looked at by now, one after the other, out of the
// wheel; nil = that is all.
func (w *wheel) due(now moment) *client {
	for ; w.at < now; w.at++ {
		if c := w.slots[(w.at+1)%slots]; c != nil {
			w.remove(c)
			return c
		}
	}
	return nil
}

// keepTime looks at whose time has come, until ctx ends.
func (h *Hub) keepTime(ctx context.Context) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if n%int(time.Second/tick) == 0 {
			h.findOldest()
		}
		for more := true; more; {
			h.locked(func(d *due) { more = h.turn(h.now(), d) })
		}
	}
}

// turn looks at some of the clients whose time has come, and tells whether there may be more.
func (h *Hub) turn(now moment, d *due) (more bool) {
	for range atOnce {
		c := h.wheel.due(now)
		if c == nil {
			return false
		}
		h.look(c, now, d)
	}
	return true
}

// look does what is due for a client at a moment.
func (h *Hub) look(c *client, now moment, d *due) {
	switch {
	case c.blocked:
		if now >= c.stuck+ticks(h.o.WriteWait) {
			h.o.Log.Debug("event stream closed: client reads nothing")
			h.remove(c, d)
			return
		}
	case now >= c.active+ticks(h.o.Stale):
		h.fail(c, "nothing has happened for too long", true, d)
	case !c.posted && !c.asked && now >= c.opened+ticks(h.o.PendingFor):
		c.asked = true
		d.asked = append(d.asked, c)
	case now >= c.quiet+ticks(h.o.Keepalive):
		h.put(c, Keepalive, d)
	}
	if h.isCurrent(c) {
		h.schedule(c)
	}
}

// schedule has c looked at when its next deadline is, later than now.
func (h *Hub) schedule(c *client) {
	by := min(c.quiet+ticks(h.o.Keepalive), c.active+ticks(h.o.Stale))
	switch {
	case c.blocked:
		by = c.stuck + ticks(h.o.WriteWait)
	case !c.posted && !c.asked:
		by = min(by, c.opened+ticks(h.o.PendingFor))
	}
	h.wheel.put(c, max(by, h.now()+1))
}

// findOldest looks for the oldest stream.
func (h *Hub) findOldest() {
	h.mu.Lock()
	defer h.mu.Unlock()
	var oldest int64
	for _, c := range h.clients {
		if c != nil && (oldest == 0 || c.since < oldest) {
			oldest = c.since
		}
	}
	h.oldest.Store(oldest)
}
