package cache

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// pendingWrite is a change on its way to Redis.
type pendingWrite struct {
	key       string
	value     []byte
	delete    bool // instead of a Set
	setAt     time.Time
	inFlight  bool     // being written now
	cleared   bool     // cleared while it was being written: to be deleted again
	onSettled []func() // called when Redis has it, or never will
}

func (g *pendingWrite) size() int { return len(g.key) + len(g.value) }

// writeBehindQueue is the changes that Redis shall have, in their order, bounded in items and bytes.
// Those being written are still in it.
type writeBehindQueue struct {
	maxItems, maxBytes int

	order   []*pendingWrite          // oldest first
	latest  map[string]*pendingWrite // the last one of each key
	bytes   int
	dropped uint64 // because the queue was full
}

// enqueue adds a change, with a copy of value. The oldest that are not being written make room;
// where that is not enough, the change is dropped itself.
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

// dequeue takes a change out, whose fate is settled.
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

// nextBatch gives the oldest changes, of most bytes unless the first has more, to be written.
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

// dropMatching drops the changes of the keys that hold pattern, and calls gone with each key that
// was to be set.
func (o *writeBehindQueue) dropMatching(pattern string, gone func(key string)) {
	for _, g := range slices.Clone(o.order) { // dequeue changes it
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
