package integration

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bootFaults are workers that do not come up.
var bootFaults = []fault{
	{id: "P34", what: "successors are killed while they boot", sees: "nothing: the other worker serves", lost: "nothing",
		well: 15 * time.Second, test: killedBooting},
	{id: "P20", what: "no worker boots", sees: "nothing listens: exit status 3, and the log says why", lost: "–", test: neverBooted},
	{id: "P21", what: "workers of a slot crash one after the other", sees: "nothing: the other worker serves; each try waits longer",
		lost: "nothing", well: 20 * time.Second, test: crashLoop},
	{id: "P38", what: "a worker never becomes ready", sees: "nothing: it is killed after 30 s", lost: "nothing", held: "app/supervisor.TestNextDecides"},
	{id: "P31", what: "a worker sends its supervisor garbage", sees: "nothing: the message is dropped", lost: "nothing",
		held: "app/supervisor.TestParseMessageTakesGarbageForNothing"},
}

func killedBooting(i *incident) {
	h := startOnHost(i.T, faultImage(i.T), undisturbed(nil, "FAULT_BOOT", "hang 2-4"))
	sibling, gone := h.workers[1], []int{h.workers[0]}
	last := i.signal(h.workers[0], syscall.SIGKILL)
	load := (*traffic)(nil)
	for range 3 {
		next := h.awaitWorker(i, append(gone, sibling)...)
		if load == nil {
			load = startTraffic(h.address, alone(question)) // whom the dead worker had accepted is gone by now
		}
		last = i.signal(next, syscall.SIGKILL)
		gone = append(gone, next)
	}
	i.awaitSuccessors(h, last, gone...)
	i.wantNone("", load.end())
	i.wantRecycles(h, map[string]int{"crash": len(gone)})
	if !slices.Contains(h.workersNow(i.T), sibling) {
		i.Error("the other worker is gone too")
	}
	h.wantServed(i)
}

// awaitWorker waits for a worker that is not yet known.
func (h *hosted) awaitWorker(i *incident, known ...int) (pid int) {
	i.Helper()
	eventually(i.T, "there is another worker", func() bool {
		for _, pid = range h.workersNow(i.T) {
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
	h := launchOnHost(i.T, faultImage(i.T), undisturbed(nil, "FAULT_BOOT", "exit 1-99"))
	status := h.exitStatus(i.T)
	i.note("exit status %d after %s", status, short(time.Since(began)))
	log := logs(h.DockerContainer)
	if status != 3 || !strings.Contains(log, "FAULT_BOOT") || !strings.Contains(log, "Worker failed to boot: giving up") {
		i.Errorf("exit status %d, want 3, and the log has to say why:\n%s", status, log)
	}
}

// exitStatus waits for the container's end.
func (h *hosted) exitStatus(t *testing.T) (status int) {
	t.Helper()
	eventually(t, "the container has ended", func() bool {
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
	h := startOnHost(i.T, faultImage(i.T), undisturbed(nil, "FAULT_BOOT", "exit 2-5", "LOG_LEVEL", "info"))
	sibling := h.workers[1]
	began := i.signal(h.workers[0], syscall.SIGKILL)
	load := startTraffic(h.address, alone(question))
	i.awaitSuccessors(h, began, h.workers[0])
	i.wantNone("", load.end())
	i.wantRecycles(h, map[string]int{"crash": crashes})
	if took := time.Since(began); took < pauses {
		i.Errorf("%d crashes in a row within %v: no pause between them", crashes, took)
	}
	if !slices.Contains(h.workersNow(i.T), sibling) {
		i.Error("the other worker is gone too")
	}
	h.wantServed(i)
}
