package hub

import (
	"bytes"
	"hash/maphash"
	"sync"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// atOnce is how many clients are served under the lock before others may have it.
const atOnce = 64

// place is what the clients of a group have in common.
type place struct {
	session, run, owner string
	after               study.Position
}

func placeOf(q stream.Query) place { return place{q.Session, q.Run, q.Owner, q.After} }

// query asks for what follows the place.
func (p *place) query() stream.Query {
	return stream.Query{Session: p.session, Run: p.run, Owner: p.owner, After: p.after}
}

// group is the clients that wait for what follows one place: one wait of the
// journal's for all of them.
type group struct {
	hub    *Hub
	at     place
	first  *client
	done   bool   // it has answered, or nobody waits any more
	cancel func() // ends the wait; nil = not known yet
}

// groups finds a group by its place. Its key is a hash, a quarter of what the place would take, and there is one for each
// stream. Of two places with the same hash only the first is found: the clients of the other wait for themselves.
type groups struct {
	seed maphash.Seed
	byID map[uint64]*group
}

func newGroups() groups { return groups{maphash.MakeSeed(), map[uint64]*group{}} }

func (s *groups) find(at *place) *group {
	if g := s.byID[maphash.Comparable(s.seed, *at)]; g != nil && g.at == *at {
		return g
	}
	return nil
}

func (s *groups) add(g *group) {
	if id := maphash.Comparable(s.seed, g.at); s.byID[id] == nil {
		s.byID[id] = g
	}
}

func (s *groups) remove(g *group) {
	if id := maphash.Comparable(s.seed, g.at); s.byID[id] == g {
		delete(s.byID, id)
	}
}

// wait lets c wait behind its position.
func (h *Hub) wait(c *client, d *due) {
	g := d.latest
	if g == nil || g.at != c.at || g.done {
		g = h.groups.find(&c.at)
	}
	if g == nil {
		g = &group{hub: h, at: c.at}
		h.groups.add(g)
		d.awaited = append(d.awaited, g)
	}
	c.at = g.at // one copy of its strings for all
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

// detach takes c out of its group, and ends the wait that was for c alone.
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

// close takes g off the groups that wait.
func (g *group) close() {
	g.done = true
	g.hub.groups.remove(g)
}

// await asks the journal. It is called without the lock, since the answer may come
// before it returns.
func (g *group) await() {
	h := g.hub
	h.mu.Lock()
	done := g.done
	h.mu.Unlock()
	if done {
		return
	}
	cancel := h.o.Journal.Await(g.at.query(), g.deliver)
	h.mu.Lock()
	g.cancel, done = cancel, g.done
	h.mu.Unlock()
	if done {
		cancel() // everybody left meanwhile; after an answer it does nothing
	}
}

// deliver takes the journal's answer.
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

// batch is a batch as it is sent. Nobody keeps its text: what a client does not take is copied.
type batch struct {
	study.Batch
	text []byte
}

// last reports whether the server ends the response after the batch.
func (b *batch) last() bool {
	n := len(b.Events)
	return b.Ended || n > 0 && b.Events[n-1].Kind.Terminal()
}

// batches are used again, for thousands of readers that come at once have each its own.
var batches = sync.Pool{New: func() any { return new(batch) }}

// maxKeptText is the longest text that is kept to be used again.
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

// eventEnd is behind every event on the wire, and nowhere within one: its data is one line.
var eventEnd = []byte("\n\n")

// boundary is the end of the event in whose middle byte n is, n itself where it is
// between two, and the position behind that event (which says nothing for 0).
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
	at.Seq = b.Events[0].Seq - 1 // behind the gap
	if b.Missed > 0 {
		sent--
	}
	if sent > 0 {
		at.Seq = b.Events[sent-1].Seq
	}
	return end, at
}
