package openai

import (
	"math/bits"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	tripStreak  = 5  // failures in a row that open a breaker
	tripWindow  = 20 // recent calls; if half of them failed, the breaker opens too
	openFor     = 5 * time.Second
	openJitter  = openFor / 10 // subtracted from openFor at random, so that workers do not probe together
	maxPause    = time.Minute  // longest pause for a rate limit, even if the upstream requests a longer one
	retryJitter = time.Second  // random addition to the wait that a refused caller gets
	streakBits  = 1<<tripStreak - 1
	windowBits  = 1<<tripWindow - 1
)

// health is the health of an upstream as shown by one call.
type health int

const (
	healthy   health = iota // the upstream answers, even if it refuses this call
	unhealthy               // the upstream fails or is silent
	refusing                // the upstream answers, but refuses the API key, account, address or model
	unknown                 // the call ended before it showed anything
)

// breaker is a circuit breaker for one model. It opens after tripStreak failures in a row, or if half of the last
// tripWindow calls failed, and stays open for openFor. Then one call probes, and its outcome closes or reopens the
// breaker. If a probe has no outcome after openFor, another call probes too, because a hanging call may outlast the
// outage. If the upstream gives a time to retry (429), the model is paused until then and needs no probe. It is safe
// for concurrent use.
type breaker struct {
	mu         sync.Mutex
	last       uint32 // calls since the last state change, the newest in the lowest bit; 1 = failed
	seen       int    // number of these calls
	until      time.Time
	retryAt    time.Time // retry time given by the upstream; may be after until
	tripped    bool      // open, or half-open after until
	generation uint64    // number of state changes; results of calls that began before the last one are ignored
}

// blocked is the reason why a breaker allows no call.
type blocked struct {
	wait    time.Duration // until the next call may be made
	limited bool          // the upstream requested the wait
}

// acquire returns a permit for one call, or nil and the reason. The caller must report the outcome to the permit, even
// if it panics.
func (b *breaker) acquire(now time.Time) (*permit, blocked) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if wait := b.until.Sub(now); wait > 0 {
		return nil, blocked{wait: max(wait, b.retryAt.Sub(now)), limited: b.retryAt.After(now)}
	}
	if b.tripped {
		b.until = now.Add(openTime())
	}
	return &permit{breaker: b, generation: b.generation}, blocked{}
}

// blockedAt reports whether the current state would still allow no call at that time.
func (b *breaker) blockedAt(at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until.After(at)
}

// openAt reports whether the model is paused or not known to have recovered.
func (b *breaker) openAt(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tripped || b.until.After(now)
}

// record records the result of a call of the given generation and changes the state if necessary.
func (b *breaker) record(generation uint64, v health, rest time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if v == refusing {
		v = healthy // calls continue: a refusal costs little, and the first answer shows that the problem is fixed
	}
	if generation != b.generation {
		return
	}
	switch {
	case rest > 0:
		b.enter(false, min(rest, maxPause))
		b.retryAt = time.Now().Add(rest)
	case b.tripped:
		b.recordProbe(v)
	case v != unknown && b.trips(v):
		b.enter(true, openTime())
	}
}

// recordProbe handles the result of a probe; if it is unknown, the next call probes. The caller holds mu.
func (b *breaker) recordProbe(v health) {
	switch v {
	case healthy:
		b.enter(false, 0)
	case unhealthy:
		b.until = time.Now().Add(openTime())
	case unknown, refusing:
		b.until = time.Time{}
	}
}

func openTime() time.Duration { return openFor - rand.N(openJitter) }

// trips records a call and reports whether the breaker should open. The caller holds mu.
func (b *breaker) trips(v health) bool {
	b.last = b.last << 1 & windowBits
	if v == unhealthy {
		b.last |= 1
	}
	b.seen = min(b.seen+1, tripWindow)
	half := b.seen == tripWindow && bits.OnesCount32(b.last) >= tripWindow/2
	return half || b.last&streakBits == streakBits
}

// enter starts a new generation that allows no call for wait. The caller holds mu.
func (b *breaker) enter(tripped bool, wait time.Duration) {
	b.generation++
	b.last, b.seen = 0, 0
	b.tripped, b.until, b.retryAt = tripped, time.Now().Add(wait), time.Time{}
}

// permit allows one call. It is used by one goroutine.
type permit struct {
	breaker    *breaker
	generation uint64
	reported   bool
}

// report records the outcome of the call. Only the first report counts.
func (p *permit) report(v health, rest time.Duration) {
	if !p.reported {
		p.reported = true
		p.breaker.record(p.generation, v, rest)
	}
}
