package limit

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync/atomic"
	"unsafe"

	"studysharper/app/memory/shm"
)

// Why a client gets no place.
var (
	ErrClientFull = errors.New("the client holds as many as it may")
	ErrFull       = errors.New("no place is left")
)

// ownerBits of a place's word say which worker process it belongs to: its page of the scoreboard, from 1 to 64.
const ownerBits = 7

// Place is one of Places; 0 = none.
type Place int32

// Places counts what each client holds at once, agent runs or event streams, over all workers of the container. Each that
// is held is a word in memory that the workers share: which client, and which worker. A worker that dies takes its words
// with it (Holdings.Forget). nil Places count nothing, and take all.
type Places struct {
	words []atomic.Uint64
	top   *atomic.Uint64 // no place above it was ever taken
	seed  []byte
	owner uint64
	most  int
}

// Take takes a place for a client, unless it holds as many as it may (ErrClientFull), or there is none (ErrFull). Of two
// that ask for a client's last one at the same time, at most one gets it.
func (p *Places) Take(client string) (Place, error) {
	if p == nil {
		return 0, nil
	}
	key := p.hash(client)
	place := p.Add(key)
	switch {
	case place == 0:
		return 0, ErrFull
	case p.count(key) > p.most:
		p.Release(place)
		return 0, ErrClientFull
	}
	return place, nil
}

// Add takes a place for a client that holds one in another worker, from which it is taken over; 0 when there is none.
func (p *Places) Add(key uint64) Place {
	if p == nil || key == 0 {
		return 0
	}
	word := key<<ownerBits | p.owner
	for i := range p.words {
		if p.words[i].Load() == 0 && p.words[i].CompareAndSwap(0, word) {
			p.raise(uint64(i) + 1)
			return Place(i + 1) //nolint:gosec // bounded by the settings
		}
	}
	return 0
}

// Release gives a place of this worker's back.
func (p *Places) Release(place Place) {
	if p != nil && place > 0 {
		p.words[place-1].Store(0)
	}
}

// Key is the client of a place of this worker's, for Add in another; 0 of none.
func (p *Places) Key(place Place) uint64 {
	if p == nil || place == 0 {
		return 0
	}
	return p.words[place-1].Load() >> ownerBits
}

// Most is how many places a client may hold.
func (p *Places) Most() int { return p.most }

func (p *Places) count(key uint64) (n int) {
	for i := range p.words[:p.top.Load()] {
		if p.words[i].Load()>>ownerBits == key {
			n++
		}
	}
	return n
}

// raise lifts top. It comes after the place is taken and before it is counted: of two who take one at the same time, the
// later one sees both.
func (p *Places) raise(top uint64) {
	for {
		old := p.top.Load()
		if old >= top || p.top.CompareAndSwap(old, top) {
			return
		}
	}
}

// hash is a client's key: nothing of its name is kept, and nobody can choose a name with the key of another. Never zero.
func (p *Places) hash(client string) uint64 {
	sum := sha256.Sum256(append(append(make([]byte, 0, seedLen+len(client)), p.seed...), client...))
	return binary.LittleEndian.Uint64(sum[:])>>ownerBits | 1
}

func (p *Places) forget(owner uint64) {
	for i := range p.words[:p.top.Load()] {
		if word := p.words[i].Load(); word != 0 && word&(1<<ownerBits-1) == owner {
			p.words[i].CompareAndSwap(word, 0)
		}
	}
}

// Bounds are how many runs, streams and uploads the container holds, and how many runs and streams a client may.
type Bounds struct{ Runs, ClientRuns, Streams, ClientStreams, Uploads int }

// Holdings are the places of runs, of streams, of files being uploaded, and the one of the file being read.
type Holdings struct{ Runs, Streams, Uploads, Reading *Places }

const wordLen = 8

// Size is how many bytes of shared memory Holdings of these bounds need: a seed, and for each kind the top and a word for each place.
func (b Bounds) Size() int { return seedLen + b.words()*wordLen }

func (b Bounds) words() int { return 4 + b.Runs + b.Streams + b.Uploads + 1 }

// NewHoldings gives the places in a section of b.Size() bytes. owner is the worker's page of the scoreboard; 0 is the
// supervisor, which must have made them first.
func NewHoldings(section *shm.Section, b Bounds, owner int) *Holdings {
	memory := section.Bytes()
	fillSeed(memory[:seedLen])
	words := unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(&memory[seedLen])), b.words()) //nolint:gosec // the shared mapping is the point
	places := func(count, most int) *Places {
		part := words[:1+count]
		words = words[1+count:]
		return &Places{seed: memory[:seedLen], top: &part[0], words: part[1:], owner: uint64(owner), most: most} //nolint:gosec // a page
	}
	return &Holdings{Runs: places(b.Runs, b.ClientRuns), Streams: places(b.Streams, b.ClientStreams), Uploads: places(b.Uploads, b.Uploads), Reading: places(1, 1)}
}

// Forget frees the places of a worker that is gone, before its page is another's.
func (h *Holdings) Forget(owner int) {
	h.Runs.forget(uint64(owner))    //nolint:gosec // a page
	h.Streams.forget(uint64(owner)) //nolint:gosec // a page
	h.Uploads.forget(uint64(owner)) //nolint:gosec // a page
	h.Reading.forget(uint64(owner)) //nolint:gosec // a page
}
