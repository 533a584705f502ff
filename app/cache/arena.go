package cache

// arena keeps values in as few segments as their bytes need, with a tenth to spare
// for what is dead and not yet reclaimed. It allocates a segment where the live
// bytes have outgrown the ones it has, and otherwise compacts the emptiest: with a
// tenth of all free, at least a tenth of that one is.
type arena struct {
	segmentMiB int
	segments   []*segment
	open       *segment // the one being written to
	live       int      // bytes taken up by the pieces of all segments
	numbers    uint64   // the last number given; 0 would mean "dead" to bigcache
	pieces     freeList[piece]
}

// store keeps a copy of value and returns its first piece, nil when it is empty.
func (a *arena) store(value []byte) (*piece, error) {
	var first *piece
	end := &first
	for len(value) > 0 {
		data := value[:min(len(value), pieceBytes)]
		value = value[len(data):]
		p, err := a.storePiece(data)
		if err != nil {
			a.drop(first)
			return nil, err
		}
		*end, end = p, &p.rest
	}
	return first, nil
}

func (a *arena) storePiece(data []byte) (*piece, error) {
	need := len(data) + pieceOverhead
	s, err := a.segmentFor(need)
	if err != nil {
		return nil, err
	}
	p := a.newPiece()
	a.numbers++
	p.number, p.need = a.numbers, need
	if err := s.put(p, data); err != nil {
		return nil, err
	}
	a.live += need
	return p, nil
}

// segmentFor gives a segment that need fits in.
func (a *arena) segmentFor(need int) (*segment, error) {
	if a.open != nil && a.open.fits(need) {
		return a.open, nil
	}
	if s := a.emptiest(); s != nil && (a.live+need)*10 <= s.budget*len(a.segments)*9 {
		s.compact()
		a.open = s
		return s, nil
	}
	s, err := newSegment(a.segmentMiB)
	if err != nil {
		return nil, err
	}
	a.segments = append(a.segments, s)
	a.open = s
	return s, nil
}

func (a *arena) emptiest() *segment {
	var best *segment
	for _, s := range a.segments {
		if best == nil || s.live < best.live {
			best = s
		}
	}
	return best
}

// load gives a copy of the value of size bytes that starts with first; false when
// not all of it is there.
func (a *arena) load(first *piece, size int) ([]byte, bool) {
	if first != nil && first.rest == nil {
		data, err := first.in.get(first)
		return data, err == nil && len(data) == size
	}
	value := make([]byte, 0, size)
	for p := first; p != nil; p = p.rest {
		data, err := p.in.get(p)
		if err != nil {
			return nil, false
		}
		value = append(value, data...)
	}
	return value, len(value) == size
}

// drop forgets the value that starts with first.
func (a *arena) drop(first *piece) {
	for p := first; p != nil; {
		rest := p.rest
		p.in.drop(p)
		a.live -= p.need
		p.in, p.rest = nil, nil
		a.pieces.put(p)
		p = rest
	}
}

// release gives back the segments that hold nothing.
func (a *arena) release() {
	kept := a.segments[:0]
	for _, s := range a.segments {
		if s.live > 0 {
			kept = append(kept, s)
		} else if s == a.open {
			a.open = nil
		}
	}
	clear(a.segments[len(kept):])
	a.segments = kept
}

func (a *arena) newPiece() *piece {
	if p := a.pieces.take(); p != nil {
		return p
	}
	p := &piece{}
	p.place.owner = p
	return p
}

// freeList keeps some elements for use again, so that a busy cache makes no garbage.
type freeList[T any] struct{ free []*T }

const maxSpares = 1024

func (s *freeList[T]) put(t *T) {
	if len(s.free) < maxSpares {
		s.free = append(s.free, t)
	}
}

// take gives nil when there is none.
func (s *freeList[T]) take() *T {
	n := len(s.free)
	if n == 0 {
		return nil
	}
	t := s.free[n-1]
	s.free = s.free[:n-1]
	return t
}
