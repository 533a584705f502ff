package cache

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// pendingWrite is a change that Redis does not have yet.
type pendingWrite struct {
	key       string
	value     []byte
	delete    bool // instead of a Set
	setAt     time.Time
	inFlight  bool     // is being written
	cleared   bool     // was cleared while it was being written, so it must be deleted afterwards
	onSettled []func() // called when Redis has the change, or when it was dropped
}

func (g *pendingWrite) size() int { return len(g.key) + len(g.value) }

// writeBehindQueue contains the changes for Redis in order, limited in number and bytes. A change stays in the queue
// while it is being written.
type writeBehindQueue struct {
	maxItems, maxBytes int

	order   []*pendingWrite          // oldest first
	latest  map[string]*pendingWrite // the newest change of each key
	bytes   int
	dropped uint64 // counts the changes dropped because the queue was full
}

// enqueue adds a change with a copy of value. If there is no room, it drops the oldest changes that are not being
// written, and if that does not suffice, the new change.
func (o *writeBehindQueue) enqueue(key string, value []byte, del bool) {
	g := &pendingWrite{key: strings.Clone(key), value: bytes.Clone(value), delete: del, setAt: time.Now()}
	if old := o.latest[key]; old != nil && !old.inFlight {
		g.onSettled, old.onSettled = old.onSettled, nil
		o.dequeue(old)
	}
	for i := 0; i < len(o.order) && o.exceedsBounds(g); {
		if o.order[i].inFlight {
			i++
			continue
		}
		o.dequeue(o.order[i])
		o.dropped++
	}
	if o.exceedsBounds(g) {
		o.dropped++
		g.settle()
		return
	}
	o.order = append(o.order, g)
	o.latest[g.key] = g
	o.bytes += g.size()
}

func (o *writeBehindQueue) exceedsBounds(g *pendingWrite) bool {
	return len(o.order) >= o.maxItems || o.bytes+g.size() > o.maxBytes
}

// dequeue removes a change that was written or dropped.
func (o *writeBehindQueue) dequeue(g *pendingWrite) {
	if i := slices.Index(o.order, g); i >= 0 {
		o.order = slices.Delete(o.order, i, i+1)
	}
	if o.latest[g.key] == g {
		delete(o.latest, g.key)
	}
	o.bytes -= g.size()
	g.settle()
}

func (g *pendingWrite) settle() {
	for _, f := range g.onSettled {
		f()
	}
	g.onSettled = nil
}

// nextBatch returns the oldest changes and marks them as in flight: at most items changes of most bytes in total, but at
// least one.
func (o *writeBehindQueue) nextBatch(items, most int) (batch []*pendingWrite) {
	for _, g := range o.order[:min(items, len(o.order))] {
		if most -= g.size(); most < 0 && len(batch) > 0 {
			break
		}
		g.inFlight = true
		batch = append(batch, g)
	}
	return batch
}

// dropMatching drops the changes of the keys that contain pattern, and calls gone with each key that was to be set.
func (o *writeBehindQueue) dropMatching(pattern string, gone func(key string)) {
	for _, g := range slices.Clone(o.order) { // dequeue modifies o.order
		if !strings.Contains(g.key, pattern) {
			continue
		}
		if !g.delete {
			gone(g.key)
		}
		if g.inFlight {
			g.cleared = true
		} else {
			o.dequeue(g)
		}
	}
}
