package hub

import (
	"bytes"
	"sync"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// atOnce is how many clients are served before the lock is released for others.
const atOnce = 64

// place is what the clients of a group have in common: what they read and from where.
type place struct {
	session, run, owner string
	after               study.Position
}

// group is the clients that wait for the events after one place. They share one wait in the
// journal.
type group struct {
	hub    *Hub
	at     place
	first  *client
	done   bool   // the journal has answered, or no client is left
	cancel func() // ends the wait; nil = not known yet
}

// wait makes c wait for the events after its position.
func (h *Hub) wait(c *client, d *due) {
	at := place{c.query.Session, c.query.Run, c.query.Owner, c.query.After}
	g := d.latest
	if g == nil || g.at != at || g.done {
		g = h.groups[at]
	}
	if g == nil {
		g = &group{hub: h, at: at}
		h.groups[at] = g
		d.awaited = append(d.awaited, g)
	}
	c.query.Session, c.query.Run, c.query.Owner = g.at.session, g.at.run, g.at.owner // shares the group's strings
	d.latest = g
	g.add(c)
}

func (g *group) add(c *client) {
	c.group, c.next, c.prev = g, g.first, nil
	if g.first != nil {
		g.first.prev = c
	}
	g.first = c
}

func (g *group) remove(c *client) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		g.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.group, c.next, c.prev = nil, nil, nil
}

// detach removes c from its group, and cancels the group's wait if c was its last client.
func (h *Hub) detach(c *client, d *due) {
	g := c.group
	if g == nil {
		return
	}
	g.remove(c)
	if g.first == nil && !g.done {
		g.close()
		if g.cancel != nil {
			d.cancelled = append(d.cancelled, g.cancel)
		}
	}
}

// close removes g from the groups that wait.
func (g *group) close() {
	g.done = true
	delete(g.hub.groups, g.at)
}

// await starts the group's wait in the journal. The lock must not be held, since the answer
// may come before Await returns.
func (g *group) await() {
	h := g.hub
	h.mu.Lock()
	done := g.done
	h.mu.Unlock()
	if done {
		return
	}
	cancel := h.o.Journal.Await(stream.Query{Session: g.at.session, Run: g.at.run, Owner: g.at.owner, After: g.at.after}, g.deliver)
	h.mu.Lock()
	g.cancel, done = cancel, g.done
	h.mu.Unlock()
	if done {
		cancel() // every client left meanwhile; after an answer this does nothing
	}
}

// deliver sends the journal's answer to the group's clients.
func (g *group) deliver(found study.Batch, err error) {
	h := g.hub
	var b *batch
	if err == nil {
		b = newBatch(found)
		defer b.release()
	}
	for more := true; more; {
		h.locked(func(d *due) {
			if !g.done {
				g.close()
			}
			for range atOnce {
				c := g.first
				if c == nil {
					break
				}
				g.remove(c)
				if err != nil {
					h.fault(c, err, d)
				} else {
					h.send(c, b, d)
				}
			}
			more = g.first != nil
		})
	}
}

// batch is a batch and its wire form. The text is reused: what a client's socket does not accept must be copied.
type batch struct {
	study.Batch
	text []byte
}

// last reports whether the server ends the response after the batch.
func (b *batch) last() bool {
	n := len(b.Events)
	return b.Ended || n > 0 && b.Events[n-1].Kind.Terminal()
}

// batches are reused, because thousands of readers that arrive at once each have their own batch.
var batches = sync.Pool{New: func() any { return new(batch) }}

// maxKeptText is the longest text kept for reuse.
const maxKeptText = 64 << 10

func newBatch(found study.Batch) *batch {
	b := batches.Get().(*batch)
	b.Batch, b.text = found, stream.AppendBatch(b.text[:0], found)
	return b
}

func (b *batch) release() {
	if b.Batch = (study.Batch{}); cap(b.text) <= maxKeptText {
		batches.Put(b)
	}
}

// eventEnd follows every event on the wire and never occurs within one, since an event's data is one line.
var eventEnd = []byte("\n\n")

// boundary returns the end of the event that contains byte n, or n itself if it lies
// between two events, and the position after that event. The position is meaningless for n
// = 0.
func (b *batch) boundary(n int) (end int, at study.Position) {
	if n == 0 && len(b.text) > 0 {
		return 0, at
	}
	if n == len(b.text) {
		return n, b.Next
	}
	from := max(n-len(eventEnd), 0)
	end = from + bytes.Index(b.text[from:], eventEnd) + len(eventEnd)
	if end == len(b.text) {
		return end, b.Next
	}
	sent := bytes.Count(b.text[:end], eventEnd)
	at = b.Next
	at.Seq = b.Events[0].Seq - 1 // after the gap
	if b.Missed > 0 {
		sent--
	}
	if sent > 0 {
		at.Seq = b.Events[sent-1].Seq
	}
	return end, at
}
