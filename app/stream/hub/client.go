package hub

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"studysharper/app/stream"
	"studysharper/app/stream/eventstream"
	"studysharper/app/study"
)

// maxJunk is how many bytes a client may send on its open stream, where nothing is
// expected, before it is closed.
const maxJunk = 64 << 10

// Keepalive is the comment that a quiet stream is sent. It must not be changed.
var Keepalive = eventstream.AppendComment(nil, "keepalive")

// client is one open stream, guarded by the lock of its hub. It is in one of three
// states: it waits in a group, it is blocked because its socket is full, or it is on
// its way between those two.
type client struct {
	fd         int32
	generation int32
	place      int32
	slot       int32  // of the wheel; -1 = none
	since      int64  // when its stream was opened, here or in another process: Unix nanoseconds
	at         place  // what it is sent next
	run        string // the run whose events it was sent last; "" = none yet
	unsent     []byte // the rest of an event or a comment, while blocked

	group      *group // where it waits; nil = nowhere
	next, prev *client

	later, older *client

	opened moment
	quiet  moment // when it was last sent something
	active moment // when its session last had something for it
	stuck  moment // since when it takes nothing, while blocked
	junk   int32  // bytes it has sent

	blocked bool
	posted  bool // somebody has posted to the session
	asked   bool // whether somebody has is being found out
	last    bool // nothing follows what is unsent
}

// take begins to serve a stream.
func (h *Hub) take(s Stream, d *due) {
	h.generation++
	now := h.now()
	c := &client{
		fd: int32(s.FD), generation: h.generation, place: s.Place, since: time.Now().UnixNano(), at: placeOf(s.Query), slot: -1, //nolint:gosec // a descriptor
		opened: now, quiet: now, active: now,
	}
	if s.past != nil {
		h.restore(c, s.past)
	}
	if grow := s.FD + 1 - len(h.clients); grow > 0 {
		h.clients = append(h.clients, make([]*client, grow)...)
	}
	h.clients[s.FD] = c
	h.open++
	if h.oldest.Load() == 0 {
		h.oldest.Store(c.since)
	}
	if err := h.sockets.add(s.FD, c.generation); err != nil {
		h.o.Log.Warn("event stream registration failed", "error", err)
		h.remove(c, d)
		return
	}
	h.schedule(c)
	if s.past == nil && !h.put(c, eventstream.AppendRetry(slices.Clone(s.Head), 500*time.Millisecond+rand.N(2501*time.Millisecond)), d) {
		return
	}
	h.advance(c, d)
}

// advance lets a client that has been sent everything wait for more, or leave.
func (h *Hub) advance(c *client, d *due) {
	switch {
	case c.blocked:
	case c.last || h.ended && h.over == nil && !h.staysOpen(c, d):
		h.remove(c, d)
	case h.ended && h.over != nil:
		h.handOver(c, d)
	case c.group == nil:
		h.wait(c, d)
	}
}

// staysOpen reports whether a client is served on although the hub ends, for its run has
// not. Whether there is a run is found out where it is not known; until then it stays.
func (h *Hub) staysOpen(c *client, d *due) bool {
	if h.o.Final && !c.posted && !c.asked {
		c.asked = true
		d.asked = append(d.asked, c)
	}
	return h.o.Final
}

// put sends what is not a batch. false: the client is gone.
func (h *Hub) put(c *client, p []byte, d *due) bool {
	n, err := h.sockets.write(int(c.fd), p)
	if err != nil {
		h.remove(c, d)
		return false
	}
	c.quiet = h.now()
	return n == len(p) || h.block(c, p[n:], d)
}

// send gives a client a batch, as far as there is room: up to an event's boundary,
// with the rest of that event waiting here, and all behind it in the journal.
func (h *Hub) send(c *client, b *batch, d *due) {
	n, err := h.sockets.write(int(c.fd), b.text)
	if err != nil {
		h.remove(c, d)
		return
	}
	now := h.now()
	c.posted, c.quiet, c.active = true, now, now
	end, at := b.boundary(n)
	if end > 0 {
		c.at.after, c.run = at, b.Run
	}
	c.last = b.last() && end == len(b.text)
	if n == len(b.text) || h.block(c, b.text[n:end], d) {
		h.advance(c, d)
	}
}

// block keeps the rest of an event until there is room. false: there is no room here
// either, and the client is gone.
func (h *Hub) block(c *client, rest []byte, d *due) bool {
	if h.unsent+len(rest) > h.o.MaxUnsentBytes {
		h.o.Log.Warn("event stream closed: buffer for slow clients is full", "bytes", h.unsent)
		h.remove(c, d)
		return false
	}
	h.detach(c, d)
	h.unsent += len(rest)
	c.blocked, c.stuck, c.unsent = true, h.now(), slices.Clone(rest)
	h.schedule(c)
	return true
}

// onWritable follows when a blocked client's socket takes something again.
func (h *Hub) onWritable(c *client, d *due) {
	if !c.blocked {
		return
	}
	n, err := h.sockets.write(int(c.fd), c.unsent)
	if err != nil {
		h.remove(c, d)
		return
	}
	h.unsent -= n
	if n > 0 {
		now := h.now()
		c.stuck, c.quiet = now, now
	}
	if c.unsent = c.unsent[n:]; len(c.unsent) == 0 {
		c.blocked, c.unsent = false, nil
		h.advance(c, d)
	}
}

// onReadable follows when a client has sent something, which no client has reason to.
func (h *Hub) onReadable(c *client, d *due) {
	n, err := h.sockets.drain(int(c.fd))
	if c.junk += int32(n); err != nil || c.junk > maxJunk { //nolint:gosec // drain is bounded
		h.remove(c, d)
	}
}

// fail ends a stream with an error event that is not in the journal. It has the number
// that follows the client's position, and the id of a stream's last event, by which the
// server knows without a journal that the client has seen the end.
func (h *Hub) fail(c *client, message string, retryable bool, d *due) {
	h.detach(c, d)
	if c.blocked { // in the middle of an event
		h.remove(c, d)
		return
	}
	e := stream.ErrorEvent(message, retryable)
	at := c.at.after
	at.Seq++
	e.Seq, c.last = at.Seq, true
	run := cmp.Or(c.at.run, c.run)
	if h.put(c, eventstream.AppendEvent(nil, at.LastID(run), e.Data(run)), d) {
		h.advance(c, d)
	}
}

// fault is what an error of the journal means to a client: told where coming back
// would not mend it.
func (h *Hub) fault(c *client, err error, d *due) {
	if e := study.AsError(err); !e.Retryable() {
		h.fail(c, e.Message, false, d)
		return
	}
	h.remove(c, d)
}

// forget takes a client out of everything but its socket.
func (h *Hub) forget(c *client, d *due) {
	h.detach(c, d)
	h.wheel.remove(c)
	h.unsent -= len(c.unsent)
	c.unsent = nil
	h.clients[c.fd] = nil
}

// remove closes a stream.
func (h *Hub) remove(c *client, d *due) {
	if !h.isCurrent(c) {
		return
	}
	h.forget(c, d)
	h.sockets.close(int(c.fd))
	h.open--
	h.o.Ended(c.place)
	h.left()
}

// handOver gives a stream away; it counts as open until that is done.
func (h *Hub) handOver(c *client, d *due) {
	h.forget(c, d)
	d.leaving, d.over = append(d.leaving, c), h.over
}

// isCurrent reports whether c is still served.
func (h *Hub) isCurrent(c *client) bool {
	return int(c.fd) < len(h.clients) && h.clients[c.fd] == c
}
