package limit

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync/atomic"
	"unsafe"

	"studysharper/app/memory/shm"
)

// Reasons why a client gets no place.
var (
	ErrClientFull = errors.New("the client holds as many as it may")
	ErrFull       = errors.New("no place is left")
)

// ownerBits are the bits of a place's word that identify the owning worker process: its index on the scoreboard, from 1
// to 64.
const ownerBits = 7

// Place is one of the Places; 0 = none.
type Place int32

// Places counts the agent runs, or event streams, that each client has at the same time, over all workers of the
// container. Each is a word in memory that the workers share, with the client and the worker. When a worker dies, its
// words are freed (Holdings.Forget). nil Places count nothing and admit everything.
type Places struct {
	words []atomic.Uint64
	top   *atomic.Uint64 // no place above this one was ever taken
	seed  []byte
	owner uint64
	most  int
}

// Take reserves a place for a client, unless the client has its maximum (ErrClientFull), or no place is free (ErrFull).
// If two requests compete for a client's last place, at most one gets it.
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

// Add reserves a place for what a client has in another worker and this worker takes over; 0 if none is free.
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

// Release frees one of this worker's places.
func (p *Places) Release(place Place) {
	if p != nil && place > 0 {
		p.words[place-1].Store(0)
	}
}

// Key returns the client of one of this worker's places, for Add in another worker; 0 for place 0.
func (p *Places) Key(place Place) uint64 {
	if p == nil || place == 0 {
		return 0
	}
	return p.words[place-1].Load() >> ownerBits
}

// Most is the maximum number of places of a client.
func (p *Places) Most() int { return p.most }

func (p *Places) count(key uint64) (n int) {
	for i := range p.words[:p.top.Load()] {
		if p.words[i].Load()>>ownerBits == key {
			n++
		}
	}
	return n
}

// raise raises top. It must follow the reservation and precede the count: if two requests reserve at the same time, the
// later one sees both.
func (p *Places) raise(top uint64) {
	for {
		old := p.top.Load()
		if old >= top || p.top.CompareAndSwap(old, top) {
			return
		}
	}
}

// hash returns a client's key. It reveals nothing of the client's name, and nobody can choose a name with another
// client's key. It is never zero.
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

// Bounds are the maximum numbers of runs, streams and uploads in the container, and of runs and streams per client.
type Bounds struct{ Runs, ClientRuns, Streams, ClientStreams, Uploads int }

// Holdings are the places for runs, streams and files being uploaded, and the single place for a file being read.
type Holdings struct{ Runs, Streams, Uploads, Reading *Places }

const wordLen = 8

// Size is the size of the shared memory that Holdings with these bounds need, in bytes: a seed and, for each kind, top
// and a word per place.
func (b Bounds) Size() int { return seedLen + b.words()*wordLen }

func (b Bounds) words() int { return 4 + b.Runs + b.Streams + b.Uploads + 1 }

// NewHoldings returns the places in a section of b.Size() bytes. owner is the worker's index on the scoreboard; 0 is
// the supervisor, which must call it first.
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

// Forget frees the places of a worker that has ended. It must be called before the worker's index is reused.
func (h *Holdings) Forget(owner int) {
	h.Runs.forget(uint64(owner))    //nolint:gosec // a page
	h.Streams.forget(uint64(owner)) //nolint:gosec // a page
	h.Uploads.forget(uint64(owner)) //nolint:gosec // a page
	h.Reading.forget(uint64(owner)) //nolint:gosec // a page
}
