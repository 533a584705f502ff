package hub

import (
	"math/rand/v2"
	"testing"
)

// TestTheWheelGivesEveryClientByItsMomentAndNotMuchBefore compares the wheel with a plain
// list of deadlines: a client may be returned early only if its deadline is further away
// than the wheel reaches, and never late.
func TestTheWheelGivesEveryClientByItsMomentAndNotMuchBefore(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	w := newWheel()
	by := map[*client]moment{}
	for range 300 {
		c := &client{slot: -1}
		by[c] = w.at + 1 + moment(random.IntN(3*slots))
		w.put(c, by[c])
	}
	for now := moment(1); len(by) > 0; now += 1 + moment(random.IntN(20)) {
		for c := w.due(now); c != nil; c = w.due(now) {
			switch {
			case by[c] <= now && random.IntN(2) == 0:
				delete(by, c)
			case by[c] <= now: // it gets a new deadline, which may be as far away
				by[c] = now + 1 + moment(random.IntN(2*slots))
				w.put(c, by[c])
			default:
				w.put(c, by[c])
			}
		}
		for c, at := range by {
			if at <= now {
				t.Fatalf("at %d a client with %d has not been given", now, at)
			}
			if random.IntN(50) == 0 { // an earlier deadline takes effect at once, a later one at the next check
				by[c] = now + 1 + moment(random.IntN(slots))
				w.put(c, by[c])
			}
		}
	}
	for slot, c := range w.slots {
		if c != nil {
			t.Errorf("slot %d is not empty", slot)
		}
	}
}
