package hub

import (
	"context"
	"time"
)

const (
	// tick is the resolution of the hub's deadlines.
	tick = 100 * time.Millisecond
	// slots is the size of the wheel. A client whose deadline is further away than that is
	// checked in between.
	slots = 512
)

// moment is a time in ticks since the hub was created.
type moment int32

// ticks converts a duration to ticks, rounded up.
func ticks(d time.Duration) moment { return moment((d + tick - 1) / tick) } //nolint:gosec // 6 years

func (h *Hub) now() moment { return moment(time.Since(h.start) / tick) } //nolint:gosec // as above

// wheel is a timer wheel. It has every client once, in the slot of the moment at which it
// is checked: at its deadline or before, because deadlines are extended with every event
// but a client is only moved when it is checked.
type wheel struct {
	slots []*client
	at    moment // the last moment whose slot was emptied
}

func newWheel() wheel { return wheel{slots: make([]*client, slots)} }

// put makes c be checked at the moment by at the latest. It moves c only to an earlier slot.
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

// due removes and returns the next client to be checked by now; nil = no more.
func (w *wheel) due(now moment) *client {
	for ; w.at < now; w.at++ {
		if c := w.slots[(w.at+1)%slots]; c != nil {
			w.remove(c)
			return c
		}
	}
	return nil
}

// keepTime checks the clients whose time has come, until ctx ends.
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

// turn checks some of the clients whose time has come, and reports whether there may be more.
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

// look does what is due for a client now.
func (h *Hub) look(c *client, now moment, d *due) {
	switch {
	case c.blocked:
		if now >= c.stuck+ticks(h.o.WriteWait) {
			h.o.Log.Debug("event stream closed: client reads nothing")
			h.remove(c, d)
			return
		}
	case now >= c.active+ticks(h.o.Stale):
		h.fail(c, "timed out waiting for events", true, d)
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

// schedule puts c into the wheel for its next deadline, later than now.
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

// findOldest stores the time of the oldest stream.
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
