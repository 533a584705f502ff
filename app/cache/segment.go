package cache

import (
	"context"
	"math"
	"time"

	"github.com/allegro/bigcache/v3"
)

// Values are stored in pieces, so that small segments hold values of any size
// without holes. Larger pieces save allocations in Get; smaller ones save what a
// segment loses at its ends (see segment.budget) and its write buffer.
const (
	pieceBytes    = 64 << 10
	pieceOverhead = 18 + 3 // bigcache's entry header, and its queue's length prefix at its longest
	maxNeed       = pieceBytes + pieceOverhead
)

// piece is where a part of a value lies.
type piece struct {
	number uint64 // names the piece in its segment; never used twice
	need   int    // bytes of the segment it takes up
	in     *segment
	rest   *piece // the value's next piece
	place  element[piece]
}

// segment is one bigcache of one shard. To bigcache it is a FIFO ring that throws
// out its oldest entry when full, live or not; segment sees to it that whatever it
// throws out is dead, by two rules that hold for any such ring:
//
//  1. Between two compactions no more than budget bytes are written. Then
//     everything written since the last one still fits, and the ring only ever
//     throws out what is older: dead bytes.
//  2. A compaction writes the live pieces again, oldest first, and makes no other
//     write in between. Each rewrite at most throws out the dead pieces before it
//     and its own old copy, which leaves exactly the room it needs.
//
// After newSegment only get allocates, which makes the copy, and bigcache 16 bytes
// for each entry it throws out (an error that says "full").
type segment struct {
	ring   *bigcache.BigCache
	named  *pieceHasher
	budget int
	filled int // bytes written since the last compaction, which counts as writing live
	live   int // bytes of pieces that are not dropped
	order  list[piece]
}

// pieceHasher is the hasher bigcache asks for the number of a piece. Pieces are named by
// number alone, under the empty key: numbers cannot collide as hashes do, and an
// empty key costs no space and Get no allocation.
type pieceHasher struct{ of uint64 }

func (n *pieceHasher) Sum64(string) uint64 { return n.of }

// newSegment makes a ring of a fixed size. Memory of it becomes resident as it is
// first written to.
func newSegment(mib int) (*segment, error) {
	named := &pieceHasher{}
	entries := mib << 20 / pieceBytes
	ring, err := bigcache.New(context.Background(), bigcache.Config{
		Shards:             1,
		HardMaxCacheSize:   mib,                             // the ring's size...
		MaxEntriesInWindow: entries,                         // ...which these two make its size from the
		MaxEntrySize:       pieceBytes,                      // start: a ring that grows doubles, and copies itself
		LifeWindow:         math.MaxInt64 * time.Nanosecond, // ages are kept in the index
		CleanWindow:        0,                               // no goroutine, so nothing to Close
		Hasher:             named,
	})
	if err != nil {
		return nil, err
	}
	// Two pieces less than the ring: one may be lost where the ring wraps, and
	// with room for another the ring can always choose where to write.
	return &segment{ring: ring, named: named, budget: mib<<20 - 2*maxNeed}, nil
}

func (s *segment) fits(need int) bool { return s.filled+need <= s.budget }

// put writes data, which must fit, as p.
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

// get gives a copy of p's bytes.
func (s *segment) get(p *piece) ([]byte, error) {
	s.named.of = p.number
	return s.ring.Get("")
}

// drop makes p dead. Its bytes are reclaimed by a later compaction.
func (s *segment) drop(p *piece) {
	s.named.of = p.number
	// It fails only for a piece that the ring has lost, which is dead already.
	_ = s.ring.Delete("")
	s.live -= p.need
	s.order.remove(&p.place)
}

// compact makes all but live bytes of the budget free again.
func (s *segment) compact() {
	for l := s.order.first; l != nil; l = l.next {
		s.named.of = l.owner.number
		// Appending nothing to an entry rewrites it at the ring's end, through the
		// ring's own buffer. The order among the live pieces stays what it was.
		_ = s.ring.Append("", nil)
	}
	s.filled = s.live
}
