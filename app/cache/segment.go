package cache

import (
	"context"
	"math"
	"time"

	"github.com/allegro/bigcache/v3"
)

// Values are stored in pieces, so that small segments can store values of any size without gaps. Larger pieces save
// allocations in Get; smaller ones reduce the unusable space at a segment's ends (see segment.budget) and its write
// buffer.
const (
	pieceBytes    = 64 << 10
	pieceOverhead = 18 + 3 // bigcache's entry header, and its queue's longest length prefix
	maxNeed       = pieceBytes + pieceOverhead
)

// piece is the location of a part of a value.
type piece struct {
	number uint64 // identifies the piece in its segment; never reused
	need   int    // bytes that it occupies in the segment
	in     *segment
	rest   *piece // the value's next piece
	place  element[piece]
}

// segment is one bigcache with one shard. For bigcache it is a FIFO ring that evicts its oldest entry when full, live
// or not. segment ensures that only dead entries are evicted, by two rules that hold for any such ring:
//
//  1. Between two compactions, at most budget bytes are written. Then everything written since the last one still fits,
//     and the ring evicts only what is older: dead bytes.
//  2. A compaction rewrites the live pieces, oldest first, with no other write in between. Each rewrite evicts at most
//     the dead pieces before it and its own old copy, which frees exactly the room that it needs.
//
// After newSegment, only get allocates (the copy), and bigcache 16 bytes for each entry that it evicts (an error
// "full").
type segment struct {
	ring   *bigcache.BigCache
	named  *pieceHasher
	budget int
	filled int // bytes written since the last compaction, which counts as writing live bytes
	live   int // bytes of pieces that have not been dropped
	order  list[piece]
}

// pieceHasher is the hasher that bigcache calls for the number of a piece. Pieces are identified by their number alone,
// under the empty key: numbers cannot collide like hashes, and an empty key needs no space, and no allocation in Get.
type pieceHasher struct{ of uint64 }

func (n *pieceHasher) Sum64(string) uint64 { return n.of }

// newSegment makes a ring of a fixed size. Its memory becomes resident when it is first written to.
func newSegment(mib int) (*segment, error) {
	named := &pieceHasher{}
	entries := mib << 20 / pieceBytes
	ring, err := bigcache.New(context.Background(), bigcache.Config{
		Shards:             1,
		HardMaxCacheSize:   mib,                             // the ring's size...
		MaxEntriesInWindow: entries,                         // ...which these two make its initial
		MaxEntrySize:       pieceBytes,                      // size: a growing ring doubles, and copies itself
		LifeWindow:         math.MaxInt64 * time.Nanosecond, // ages are kept in the index
		CleanWindow:        0,                               // no goroutine, so there is nothing to close
		Hasher:             named,
	})
	if err != nil {
		return nil, err
	}
	// Two pieces less than the ring's size: one may be lost where the ring wraps, and with room for another the ring
	// can always choose where to write.
	return &segment{ring: ring, named: named, budget: mib<<20 - 2*maxNeed}, nil
}

func (s *segment) fits(need int) bool { return s.filled+need <= s.budget }

// put writes data as p. The data must fit.
func (s *segment) put(p *piece, data []byte) error {
	s.named.of = p.number
	if err := s.ring.Set("", data); err != nil {
		return err
	}
	p.in = s
	s.filled += p.need
	s.live += p.need
	s.order.pushBack(&p.place)
	return nil
}

// get returns a copy of p's bytes.
func (s *segment) get(p *piece) ([]byte, error) {
	s.named.of = p.number
	return s.ring.Get("")
}

// drop makes p dead. Its bytes are reclaimed by a later compaction.
func (s *segment) drop(p *piece) {
	s.named.of = p.number
	// Delete fails only for a piece that the ring has lost, which is dead already.
	_ = s.ring.Delete("")
	s.live -= p.need
	s.order.remove(&p.place)
}

// compact frees the budget, except for live bytes.
func (s *segment) compact() {
	for l := s.order.first; l != nil; l = l.next {
		s.named.of = l.owner.number
		// Appending nothing to an entry rewrites it at the ring's end, through the ring's own buffer. The order of the
		// live pieces does not change.
		_ = s.ring.Append("", nil)
	}
	s.filled = s.live
}
