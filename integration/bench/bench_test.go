package bench

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"studysharper/integration/harness"
)

// streamsParts names the environment variable that switches TestBenchStreams on: the parts to run, or "all".
const streamsParts = "BENCH_STREAMS"

const benchTag = "benchtest"

// streamsAtFull is how many event streams the container must support.
const streamsAtFull = 10_000

// bench is one part of TestBenchStreams: a subtest, with the build of the service that can publish on demand.
type bench struct {
	*testing.T
	part   string
	report *benchReport
}

type benchPart struct {
	name string
	run  func(*bench)
}

var benches = []benchPart{
	{"idle-unposted", (*bench).idleUnposted},
	{"idle-silent", (*bench).idleSilent},
	{"ticks-fanout", (*bench).ticksFanOut},
	{"ticks-own", (*bench).ticksOwn},
	{"runs", (*bench).runs},
	{"latency", (*bench).latency},
	{"storm", (*bench).storm},
	{"stuck", (*bench).stuck},
	{"admission", (*bench).admission},
}

// TestBenchStreams measures what many event streams cost and how well they are served, in one run, against the image in
// its container. It takes some minutes, and needs a machine that does nothing else; `make bench-streams` runs it.
func TestBenchStreams(t *testing.T) {
	if os.Getenv(streamsParts) == "" {
		t.Skip("run it with make bench-streams")
	}
	if err := harness.BuildImage(benchTag, benchTag); err != nil {
		t.Fatal(err)
	}
	measure(t, "streams", chosen(t, streamsParts, benches))
}

// chosen returns the parts that the environment variable names, or "all".
func chosen(t *testing.T, variable string, parts []benchPart) []benchPart {
	t.Helper()
	wanted := strings.FieldsFunc(os.Getenv(variable), func(r rune) bool { return r == ',' || r == ' ' })
	some := slices.DeleteFunc(slices.Clone(parts), func(b benchPart) bool {
		group, _, _ := strings.Cut(b.name, "-") // "idle" means all of its variants
		return !slices.ContainsFunc(wanted, func(w string) bool { return w == "all" || w == b.name || w == group })
	})
	if len(some) == 0 {
		t.Errorf("%s=%q names no part", variable, os.Getenv(variable))
	}
	return some
}

// measure runs parts one after another, and reports them together.
func measure(t *testing.T, name string, parts []benchPart) {
	t.Helper()
	report := &benchReport{}
	for _, b := range parts {
		t.Run(b.name, func(t *testing.T) {
			part := &bench{T: t, part: b.name, report: report}
			defer part.unmeasured()
			b.run(part)
		})
	}
	if err := report.write(name); err != nil {
		t.Error(err)
	}
}

// unmeasured adds a part that ended early to the report.
func (b *bench) unmeasured() {
	if b.Failed() && !b.report.has(b.part) {
		b.add(benchRow{Name: "could not be measured", Measured: "-", Goal: "-"})
	}
}

// start runs the service for one part. Workers are not recycled for their requests: opening ten thousand streams would
// recycle them ten times, and bench-recycle measures what that costs.
func (b *bench) start(more map[string]string) *harness.Instance {
	b.Helper()
	settings := map[string]string{
		"LOG_LEVEL": "warn", "RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0", "MAX_REQUESTS": "0",
		"WEB_CONCURRENCY": "2", "MAX_CONCURRENT_RUNS": fmt.Sprint(streamsAtFull), "SSE_MAX_STREAMS": fmt.Sprint(streamsAtFull),
	}
	for name, value := range more {
		settings[name] = value
	}
	return harness.StartInstance(b.T, harness.ImageRepo+":"+benchTag, settings)
}

// sameWorkers checks that no worker was replaced; otherwise the figures would include the successors' memory and the
// moved streams.
func (b *bench) sameWorkers(h *harness.Instance) {
	b.Helper()
	replaced := 0
	for _, pid := range h.WorkersNow(b.T) {
		if !slices.Contains(h.Workers, pid) {
			replaced++
		}
	}
	b.zero("workers that were replaced, or are being", replaced, len(h.Workers))
}
