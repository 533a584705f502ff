package integration

import (
	"os"
	"time"

	"studysharper/loadtest/pace"
)

const (
	soakVariable = "SOAK" // how long the soak lasts: SOAK=10m make integration
	soakDefault  = time.Minute
	soakWarmUp   = 20 * time.Second // in which caches fill and heaps find their size
	soakRate     = 50               // requests a second
	soakClients  = 10

	// soakSlopeBound is how fast memory may grow, in bytes a minute. In a minute the noise alone is larger; what is
	// judged is therefore the lower end of the slope's interval: whether the growth is significantly above it.
	soakSlopeBound = 10_000
)

// soak keeps up a moderate load, and judges whether memory grew under it.
func (r *trial) soak() {
	r.mixedAt(soakRate, soakWarmUp)
	watch := r.h.watch()
	r.mixedAt(soakRate, r.soakFor())
	watch.end(r.T)
	grew := slopeOf(watch.curve.moments)
	r.row.Slope = &grew
	r.note("held: %v", grew)
	figure("soak: slope of memory, 95 % interval", grew.String(), "≤ 10 kB")
	if grew.above(soakSlopeBound) {
		r.Errorf("memory grows by %v, which is significantly above %d kB/min", grew, soakSlopeBound/1000)
	}
}

// mixedAt is the mixed load at a constant rate, whatever the answers take.
func (r *trial) mixedAt(rate float64, length time.Duration) {
	r.Helper()
	r.drive("mixed", pace.Plan{Workers: soakClients, Schedule: r.steady(rate, length)})
}

// steady is a constant rate, in requests a second.
func (r *trial) steady(rate float64, length time.Duration) *pace.Schedule {
	r.Helper()
	schedule, err := pace.NewSchedule(pace.Stage{From: rate, To: rate, Length: length})
	if err != nil {
		r.Fatal(err)
	}
	return &schedule
}

func (r *trial) soakFor() time.Duration {
	r.Helper()
	text := os.Getenv(soakVariable)
	if text == "" {
		return soakDefault
	}
	length, err := time.ParseDuration(text)
	if err != nil || length < soakDefault {
		r.Fatalf("%s=%q: must be a duration of %v at least", soakVariable, text, soakDefault)
	}
	return length
}
