package memory

import (
	"fmt"
	"os"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/pace"
)

const (
	soakVariable = "SOAK" // how long the soak lasts: SOAK=1h make integration
	soakDefault  = time.Minute
	soakFull     = 10 * time.Minute // with FULL=1
	soakWarmUp   = 15 * time.Second
	soakCheap    = 30_000 // cheap requests that warm up the supervisor
	soakSettle   = 5 * time.Second
	soakPatience = 2 * soakDefault        // additional time in which another measurement may begin
	soakThink    = 200 * time.Millisecond // pause of each client: 50 requests a second in total, less the time that answers take
	soakClients  = 10
	soakMore     = 20 // additional files and goroutines allowed afterwards, for example connections that are closing
)

// soak applies a moderate load, and checks whether memory grew under it, and whether there are signs of a leak in the
// kernel.
func (r *scenarioRun) soak() {
	r.warmUp()
	before, routines := r.descriptors(), goroutines(r.h.Metrics(r.T))
	grew := r.slope(r.soakFor())
	r.row.Slope = &grew
	r.note("anonymous memory grows by %v", grew)
	harness.Figure("soak: slope of memory", fmt.Sprintf("%.0f kB/min", grew.PerMinute/1e3), "")
	harness.Figure("soak: its interval of 95 %, lower end", fmt.Sprintf("%.0f kB/min", grew.Low/1e3), "≤ 10 kB")
	if grew.Above(harness.SlopeBound) {
		r.Errorf("memory grows by %v, which is significantly above %d kB/min", grew, harness.SlopeBound/1000)
	}
	if n := r.descriptors() - before; n > soakMore {
		r.Errorf("%d files are open that were not before", n)
	}
	if n := goroutines(r.h.Metrics(r.T)) - routines; n > soakMore {
		r.Errorf("%d goroutines run that did not before", n)
	}
}

// slope measures how fast memory grows under the load. A heap may grow by one step, and a minute with a step looks
// like a leak; a real leak also shows in the following minutes.
func (r *scenarioRun) slope(length time.Duration) (grew harness.Slope) {
	for began := time.Now(); time.Since(began) < length+soakPatience; {
		watch := r.h.Sample()
		r.thoughtful(length)
		watch.End(r.T)
		if grew = harness.SlopeOf(watch.Curve.Moments); !grew.Above(harness.SlopeBound) {
			break
		}
		r.note("grew by %v once", grew)
	}
	return grew
}

// warmUp makes the service as busy as possible, so that caches and database pages are full and heaps have reached their
// size, including the supervisor's, by many cheap requests.
func (r *scenarioRun) warmUp() {
	r.drive("health", pace.Plan{Workers: soakClients, Requests: soakCheap})
	r.drive("mixed", pace.Plan{Workers: soakClients, Duration: soakWarmUp})
	r.thoughtful(soakSettle)
}

// descriptors returns how many files the container's processes have open.
func (r *scenarioRun) descriptors() (open int) {
	r.Helper()
	all, err := r.h.Processes()
	if err != nil {
		r.Fatal(err)
	}
	for _, p := range all {
		if p.Command == "healthcheck" {
			continue // it is exiting
		}
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID))
		if err != nil {
			r.Fatalf("looking for open files, which takes root: %v", err)
		}
		open += len(files)
	}
	return open
}

// goroutines returns the number of goroutines of all workers.
func goroutines(m harness.Metrics) (n int) {
	for _, worker := range m.Workers {
		n += worker.Goroutines
	}
	return n
}

// thoughtful applies the mixed load with clients that pause between two requests. None is idle for so long that the
// service may close its connection, which could happen to clients that take turns at a fixed rate.
func (r *scenarioRun) thoughtful(length time.Duration) {
	r.Helper()
	r.drive("mixed", pace.Plan{Workers: soakClients, Duration: length, Think: soakThink})
}

func (r *scenarioRun) soakFor() time.Duration {
	r.Helper()
	text := os.Getenv(soakVariable)
	if text == "" {
		return time.Duration(testkit.Size(int(soakDefault), int(soakFull)))
	}
	length, err := time.ParseDuration(text)
	if err != nil || length < soakDefault {
		r.Fatalf("%s=%q: must be a duration of %v at least", soakVariable, text, soakDefault)
	}
	return length
}
