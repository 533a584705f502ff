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

// maxJunk is how many bytes a client may send on its open stream, on which nothing is
// expected, before it is disconnected.
const maxJunk = 64 << 10

// Keepalive is the comment sent on a quiet stream. It must not be changed.
var Keepalive = eventstream.AppendComment(nil, "keepalive")

// client is one open stream, guarded by the lock of its hub. It is in one of three states:
// it waits in a group, it is blocked because its socket is full, or it is moving between
// those two.
type client struct {
	fd         int32
	generation int32
	place      int32
	since      int64 // when its stream was opened, in this process or an earlier one: Unix nanoseconds
	query      stream.Query
	run        string // the run whose events were sent last; "" = none yet
	unsent     []byte // the rest of an event or a comment, while blocked

	group      *group // nil = it is not waiting
	next, prev *client

	slot         int32 // in the wheel; -1 = none
	later, older *client

	opened moment
	quiet  moment // when something was last sent to it
	active moment // when its session last had an event for it
	stuck  moment // while blocked: since when its socket has been full
	junk   int32  // bytes that the client has sent

	blocked bool
	posted  bool // something has been posted to the session
	asked   bool // a query of whether something has been posted is in progress
	last    bool // close the stream once unsent is sent
}

// take starts serving a stream.
func (h *Hub) take(s Stream, d *due) {
	h.generation++
	now := h.now()
	c := &client{
		fd: int32(s.FD), generation: h.generation, place: s.Place, since: time.Now().UnixNano(), query: s.Query, slot: -1, //nolint:gosec // a descriptor
		opened: now, quiet: now, active: now,
	}
	if s.past != nil {
		h.restore(c, s.past)
	}
	c.query.NoWait, c.query.Peek = false, false
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

// advance makes a client with nothing left to send wait for more events, or leave.
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

// staysOpen reports whether a client stays although the hub is ending, because its run has
// not ended. If it is not known whether there is a run, it starts a query, and the client
// stays until the answer.
func (h *Hub) staysOpen(c *client, d *due) bool {
	if h.o.Final && !c.posted && !c.asked {
		c.asked = true
		d.asked = append(d.asked, c)
	}
	return h.o.Final
}

// put sends anything but a batch. It returns false if the client is gone.
func (h *Hub) put(c *client, p []byte, d *due) bool {
	n, err := h.sockets.write(int(c.fd), p)
	if err != nil {
		h.remove(c, d)
		return false
	}
	c.quiet = h.now()
	return n == len(p) || h.block(c, p[n:], d)
}

// send sends as much of a batch as the socket accepts. The rest of an event that was sent
// in part is buffered here; the events after it stay in the journal.
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
		c.query.After, c.run = at, b.Run
	}
	c.last = b.last() && end == len(b.text)
	if n == len(b.text) || h.block(c, b.text[n:end], d) {
		h.advance(c, d)
	}
}

// block buffers the rest of an event until the socket has room. It returns false if the
// buffer is full too, in which case the client was removed.
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

// onWritable is called when a blocked client's socket has room again.
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

// onReadable is called when a client has sent something, which clients have no reason to do.
func (h *Hub) onReadable(c *client, d *due) {
	n, err := h.sockets.drain(int(c.fd))
	if c.junk += int32(n); err != nil || c.junk > maxJunk { //nolint:gosec // drain is bounded
		h.remove(c, d)
	}
}

// fail ends a stream with an error event that is not in the journal. Its number follows the
// client's position, and its id is that of a stream's last event, which tells the server
// without a journal that the client has seen the end.
func (h *Hub) fail(c *client, message string, retryable bool, d *due) {
	h.detach(c, d)
	if c.blocked { // in the middle of an event
		h.remove(c, d)
		return
	}
	e := stream.ErrorEvent(message, retryable)
	at := c.query.After
	at.Seq++
	e.Seq, c.last = at.Seq, true
	run := cmp.Or(c.query.Run, c.run)
	if h.put(c, eventstream.AppendEvent(nil, at.LastID(run), e.Data(run)), d) {
		h.advance(c, d)
	}
}

// fault ends a stream after an error of the journal. The client gets an error event only if
// reconnecting would not help.
func (h *Hub) fault(c *client, err error, d *due) {
	if e := study.AsError(err); !e.Retryable() {
		h.fail(c, e.Message, false, d)
		return
	}
	h.remove(c, d)
}

// forget removes a client from everything but its socket.
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

// handOver queues a stream for hand-over; it counts as open until it has been handed over.
func (h *Hub) handOver(c *client, d *due) {
	h.forget(c, d)
	d.leaving, d.over = append(d.leaving, c), h.over
}

// isCurrent reports whether c is still served.
func (h *Hub) isCurrent(c *client) bool {
	return int(c.fd) < len(h.clients) && h.clients[c.fd] == c
}
