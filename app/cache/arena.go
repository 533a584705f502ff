package cache

// arena stores values in as few segments as their bytes need, plus a tenth for dead bytes that are not yet reclaimed.
// It allocates a segment when the live bytes have outgrown the existing ones, and otherwise compacts the emptiest
// segment: if a tenth of all bytes is free, at least a tenth of that segment is.
type arena struct {
	segmentMiB int
	segments   []*segment
	open       *segment // the segment being written to
	live       int      // bytes occupied by the pieces of all segments
	numbers    uint64   // the last piece number assigned; 0 would mean "dead" to bigcache
	pieces     freeList[piece]
}

// store copies value into the arena and returns its first piece; nil if value is empty.
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

// segmentFor returns a segment with room for need bytes.
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

// load returns a copy of the value of size bytes that starts with first. It returns false if a part of the value is
// missing.
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

// drop removes the value that starts with first.
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

// release frees the segments that contain no live bytes.
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

// freeList retains some elements for reuse, so that a busy cache makes no garbage.
type freeList[T any] struct{ free []*T }

const maxSpares = 1024

func (s *freeList[T]) put(t *T) {
	if len(s.free) < maxSpares {
		s.free = append(s.free, t)
	}
}

// take returns nil if the list is empty.
func (s *freeList[T]) take() *T {
	n := len(s.free)
	if n == 0 {
		return nil
	}
	t := s.free[n-1]
	s.free = s.free[:n-1]
	return t
}
