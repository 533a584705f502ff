package faults

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

// fault is one thing that can go wrong, and what is promised then. It is a test, a row of the table in
// docs/faults.md, and a row of the report.
type fault struct {
	id   string // the group's letter and a number: P processes, E edge, S streams, L the model, R Redis, D data, H host, X secrets
	what string // what goes wrong: "a worker is killed while it answers requests"
	sees string // what clients see of it
	lost string // what is lost; "nothing"
	// well is the longest that it takes until all is served as before, counted from the fault, or from its end where
	// it lasts; 0 = no client notices, or each request fails on its own. A test fails at faultRoom times that.
	well time.Duration
	long bool // it takes a minute or more: only with FULL=1
	// test brings it about and holds what is promised. nil where another test does: held names it then, as FOLDER.TEST.
	test func(*incident)
	held string
}

// faultRoom is how many times longer than it should a recovery may take before its test fails: the report holds what it
// took, and a machine that is busy with something else is not a fault of the service.
const faultRoom = 5

// faults is every fault of the suite, in the order of the table.
func faults() []fault {
	return slices.Concat(processFaults, edgeFaults, streamFaults, modelFaults, callFaults, redisFaults, dataFaults, hostFaults, secretFaults, overloadFaults, boundFaults, sessionFaults)
}

// incident is one fault while it is tested.
type incident struct {
	*testing.T
	fault fault
	took  time.Duration
	notes []string
}

// recoveredAfter records how long it took until everything was served as before. The longest of several counts.
func (i *incident) recoveredAfter(took time.Duration) { i.took = max(i.took, took) }

// note adds a figure to the report: "12 of 40 requests cut".
func (i *incident) note(format string, args ...any) {
	i.notes = append(i.notes, fmt.Sprintf(format, args...))
}

// TestFaults is the fault suite: each fault is a test of its own, P6 as TestFaults/P6_….
func TestFaults(t *testing.T) {
	for _, f := range faults() {
		if f.test == nil {
			continue
		}
		t.Run(f.id+" "+f.what, func(t *testing.T) {
			if f.long && testkit.Size(0, 1) == 0 {
				t.Skip("it takes a minute or more: FULL=1 brings it about")
			}
			i := &incident{T: t, fault: f}
			defer i.record()
			f.test(i)
			if i.took > f.well {
				i.note("took longer than it should")
			}
			if i.took > faultRoom*f.well {
				t.Errorf("recovered after %v, want about %v", i.took, f.well)
			}
		})
	}
}

// record adds the outcome of the fault to the report, and prints it.
func (i *incident) record() {
	f := i.fault
	harness.AddFault(harness.FaultRow{ID: f.id, Fault: f.what, Sees: f.sees, Lost: f.lost, Bound: f.well.Seconds(), Took: i.took.Seconds(),
		Notes: i.notes, Held: i.Name(), Pass: !i.Failed()})
	took, bound := "", ""
	if f.well > 0 {
		took, bound = harness.Short(i.took), "≤ "+harness.Short(f.well)
	}
	fmt.Printf("| %-4s | %-60s | %9s | %9s | %s\n", f.id, f.what, took, bound, strings.Join(i.notes, "; "))
}
