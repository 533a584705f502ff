package cache

import (
	"bytes"
	"strings"
	"time"
)

// outgoing is a change on its way to Redis.
type outgoing struct {
	key    string
	value  []byte
	delete bool // instead of a Set
	at     time.Time
	sent   bool     // being written now
	undone bool     // cleared while it was being written: to be deleted again
	after  []func() // called when Redis has it, or never will
	place  link[outgoing]
}

func (g *outgoing) size() int { return len(g.key) + len(g.value) }

// outbox is the changes that Redis shall have, in their order, bounded in items and bytes.
// Those being written are still in it.
type outbox struct {
	maxItems, maxBytes int

	order   order[outgoing]
	newest  map[string]*outgoing // the last one of each key
	items   int
	bytes   int
	dropped uint64 // for want of room
}

// put adds a change, with a copy of value. The oldest that are not being written make room;
// where that is not enough, the change is dropped itself.
func (o *outbox) put(key string, value []byte, del bool) {
	g := &outgoing{key: strings.Clone(key), value: bytes.Clone(value), delete: del, at: time.Now()}
	g.place.owner = g
	if old := o.newest[key]; old != nil && !old.sent {
		g.after, old.after = old.after, nil
		o.remove(old)
	}
	for l := o.order.first; l != nil && o.full(g); {
		oldest := l.owner
		l = l.next
		if !oldest.sent {
			o.remove(oldest)
			o.dropped++
		}
	}
	if o.full(g) {
		o.dropped++
		g.settle()
		return
	}
	o.order.append(&g.place)
	o.newest[g.key] = g
	o.items++
	o.bytes += g.size()
}

func (o *outbox) full(g *outgoing) bool {
	return o.items >= o.maxItems || o.bytes+g.size() > o.maxBytes
}

// remove takes a change out, whose fate is settled.
func (o *outbox) remove(g *outgoing) {
	o.order.remove(&g.place)
	if o.newest[g.key] == g {
		delete(o.newest, g.key)
	}
	o.items--
	o.bytes -= g.size()
	g.settle()
}

func (g *outgoing) settle() {
	for _, f := range g.after {
		f()
	}
	g.after = nil
}

// batch gives the oldest changes, of most bytes unless the first has more, to be written.
func (o *outbox) batch(items, most int) (batch []*outgoing) {
	for l := o.order.first; l != nil && len(batch) < items; l = l.next {
		if most -= l.owner.size(); most < 0 && len(batch) > 0 {
			break
		}
		l.owner.sent = true
		batch = append(batch, l.owner)
	}
	return batch
}

// clear drops the changes of the keys that hold pattern, and calls gone with each key that
// was to be set.
func (o *outbox) clear(pattern string, gone func(key string)) {
	for l := o.order.first; l != nil; {
		g := l.owner
		l = l.next
		if !strings.Contains(g.key, pattern) {
			continue
		}
		if !g.delete {
			gone(g.key)
		}
		if g.sent {
			g.undone = true
		} else {
			o.remove(g)
		}
	}
}
