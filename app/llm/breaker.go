package llm

import (
	"math/bits"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	tripStreak = 5  // failures in a row that open a breaker
	tripWindow = 20 // calls looked back upon; half of them failed opens it too
	openFor    = 5 * time.Second
	openJitter = openFor / 10 // taken off openFor, so that workers do not probe together
	maxRest    = time.Minute  // of a model that is rate-limited, however long it asked for
	moreWait   = time.Second  // put on what a refused caller is told, at most
	streakBits = 1<<tripStreak - 1
	windowBits = 1<<tripWindow - 1
)

// verdict is what a call has shown of its upstream's health.
type verdict int

const (
	well   verdict = iota // it answers, be it with a refusal
	ill                   // it fails or keeps silent
	unsure                // the call was ended before it could show anything
)

// breaker keeps calls from a model that fails: tripStreak times in a row, or in half
// of its last tripWindow calls. It is open for openFor; then one call probes, and
// decides whether it is open anew or closed. One that has decided nothing in openFor is
// joined by another: a call that hangs may hang for long after its upstream is back. A model that names a time to come back
// (429) is left alone for so long, and needs no probe. It is safe for concurrent use.
type breaker struct {
	mu      sync.Mutex
	last    uint32 // the last calls since it was closed, the newest in the lowest bit; 1 = failed
	seen    int    // how many calls those are
	until   time.Time
	named   time.Time // the model asked to be left alone so long, perhaps beyond until
	tripped bool   // open, or after until half-open
	life    uint64 // counts changes; what was begun before the last one says nothing
}

// blocked is why a breaker lets no call go.
type blocked struct {
	wait    time.Duration // until the model may be asked
	limited bool          // the model named that wait itself
}

// admit lets a call go, or gives nil and why not. The caller tells the pass how the
// call came out, also when it panics.
func (b *breaker) admit(now time.Time) (*pass, blocked) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if wait := b.until.Sub(now); wait > 0 {
		return nil, blocked{wait: max(wait, b.named.Sub(now)), limited: b.named.After(now)}
	}
	if b.tripped {
		b.until = now.Add(openTime())
	}
	return &pass{breaker: b, life: b.life}, blocked{}
}

// refuses reports whether a call would not be let go at that time, as things stand.
func (b *breaker) refuses(at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until.After(at)
}

// open reports whether the model is left alone, or not yet known to be well again.
func (b *breaker) open(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tripped || b.until.After(now)
}

// judge counts a call that has life, and changes the state where it is time to.
func (b *breaker) judge(life uint64, v verdict, rest time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if life != b.life {
		return
	}
	switch {
	case rest > 0:
		b.change(false, min(rest, maxRest))
		b.named = time.Now().Add(rest)
	case b.tripped:
		b.judgeProbe(v)
	case v != unsure && b.count(v):
		b.change(true, openTime())
	}
}

// judgeProbe lets the next call probe where this one showed nothing. The lock is held.
func (b *breaker) judgeProbe(v verdict) {
	switch v {
	case well:
		b.change(false, 0)
	case ill:
		b.until = time.Now().Add(openTime())
	case unsure:
		b.until = time.Time{}
	}
}

func openTime() time.Duration { return openFor - rand.N(openJitter) }

// count takes a call into account, and reports whether the breaker is to open. The
// lock is held.
func (b *breaker) count(v verdict) bool {
	b.last = b.last << 1 & windowBits
	if v == ill {
		b.last |= 1
	}
	b.seen = min(b.seen+1, tripWindow)
	half := b.seen == tripWindow && bits.OnesCount32(b.last) >= tripWindow/2
	return half || b.last&streakBits == streakBits
}

// change begins another life, with no call for a while. The lock is held.
func (b *breaker) change(tripped bool, wait time.Duration) {
	b.life++
	b.last, b.seen = 0, 0
	b.tripped, b.until, b.named = tripped, time.Now().Add(wait), time.Time{}
}

// pass is the leave to make one call. It is used by one goroutine.
type pass struct {
	breaker *breaker
	life    uint64
	told    bool
}

// tell says how the call came out. Only the first time counts.
func (p *pass) tell(v verdict, rest time.Duration) {
	if !p.told {
		p.told = true
		p.breaker.judge(p.life, v, rest)
	}
}
