package faults

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

// bootFaults are workers that fail to start.
var bootFaults = []fault{
	{id: "P34", what: "successors are killed while they boot", sees: "nothing: the other worker serves", lost: "nothing",
		well: 15 * time.Second, test: killedBooting},
	{id: "P20", what: "no worker boots", sees: "nothing listens: exit status 3, and the log says why", lost: "–", test: neverBooted},
	{id: "P21", what: "workers of a slot crash one after another", sees: "nothing: the other worker serves; each restart waits longer",
		lost: "nothing", well: 20 * time.Second, test: crashLoop},
	{id: "P38", what: "a worker never becomes ready", sees: "nothing: it is killed after 30 s", lost: "nothing", held: "app/supervisor.TestNextDecides"},
	{id: "P31", what: "a worker sends its supervisor garbage", sees: "nothing: the message is dropped", lost: "nothing",
		held: "app/supervisor.TestParseMessageTakesGarbageForNothing"},
}

func killedBooting(i *incident) {
	h := harness.StartInstance(i.T, harness.FaultImage(i.T), quietSettings(nil, "FAULT_BOOT", "hang 2-4"))
	sibling, gone := h.Workers[1], []int{h.Workers[0]}
	last := i.signal(h.Workers[0], syscall.SIGKILL)
	load := (*traffic)(nil)
	for range 3 {
		next := awaitWorker(h, i, append(gone, sibling)...)
		if load == nil {
			load = startTraffic(h.Address, alone(harness.Question)) // requests that the dead worker had accepted have failed by now
		}
		last = i.signal(next, syscall.SIGKILL)
		gone = append(gone, next)
	}
	i.awaitSuccessors(h, last, gone...)
	i.wantNoFailure("", load.end())
	i.wantRecycles(h, map[string]int{"crash": len(gone)})
	if !slices.Contains(h.WorkersNow(i.T), sibling) {
		i.Error("the other worker is gone too")
	}
	wantServed(h, i)
}

// awaitWorker waits for a worker that is not yet known.
func awaitWorker(h *harness.Instance, i *incident, known ...int) (pid int) {
	i.Helper()
	testkit.Eventually(i.T, "there is another worker", func() bool {
		for _, pid = range h.WorkersNow(i.T) {
			if !slices.Contains(known, pid) {
				return true
			}
		}
		return false
	})
	return pid
}

func neverBooted(i *incident) {
	began := time.Now()
	h := harness.LaunchInstance(i.T, harness.FaultImage(i.T), quietSettings(nil, "FAULT_BOOT", "exit 1-99"))
	status := exitStatus(h, i.T)
	i.note("exit status %d after %s", status, harness.Short(time.Since(began)))
	log := harness.LogsOf(h.DockerContainer)
	if status != 3 || !strings.Contains(log, "FAULT_BOOT") || !strings.Contains(log, "Worker failed to boot: giving up") {
		i.Errorf("exit status %d, want 3, and the reason in the log:\n%s", status, log)
	}
}

// exitStatus waits for the container to exit.
func exitStatus(h *harness.Instance, t *testing.T) (status int) {
	t.Helper()
	testkit.Eventually(t, "the container has ended", func() bool {
		state, err := h.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		status = state.ExitCode
		return !state.Running
	})
	return status
}

func crashLoop(i *incident) {
	const (
		crashes = 5                       // the killed worker and four successors
		pauses  = 1500 * time.Millisecond // 0, .1, .2, .4 and .8 s
	)
	h := harness.StartInstance(i.T, harness.FaultImage(i.T), quietSettings(nil, "FAULT_BOOT", "exit 2-5", "LOG_LEVEL", "info"))
	sibling := h.Workers[1]
	began := i.signal(h.Workers[0], syscall.SIGKILL)
	load := startTraffic(h.Address, alone(harness.Question))
	i.awaitSuccessors(h, began, h.Workers[0])
	i.wantNoFailure("", load.end())
	i.wantRecycles(h, map[string]int{"crash": crashes})
	if took := time.Since(began); took < pauses {
		i.Errorf("%d crashes in a row within %v: no pause between them", crashes, took)
	}
	if !slices.Contains(h.WorkersNow(i.T), sibling) {
		i.Error("the other worker is gone too")
	}
	wantServed(h, i)
}
