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

// fault is one thing that can go wrong, and the behaviour promised for it. It is a test, a row of the
// table in docs/faults.md, and a row of the report.
type fault struct {
	id   string // the group's letter and a number: P processes, E edge, S streams, L the model, R Redis, D data, H host, X secrets
	what string // what goes wrong: "a worker is killed while it answers requests"
	sees string // what clients notice
	lost string // what is lost; "nothing"
	// well is the longest time until everything is served as before, counted from the fault, or from the fault's end
	// if it lasts; 0 = no client notices, or each request fails on its own. A test fails at faultRoom times that.
	well time.Duration
	long bool // takes a minute or more: only with FULL=1
	// test causes the fault and checks what is promised. nil if another test does so; held then names it, as
	// FOLDER.TEST.
	test func(*incident)
	held string
}

// faultRoom is by what factor a recovery may exceed its promise before its test fails: the report contains the actual
// time, and a machine that is busy with something else is not a fault of the service.
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

// TestFaults is the fault suite: each fault is a subtest, for example P6 is TestFaults/P6_….
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
