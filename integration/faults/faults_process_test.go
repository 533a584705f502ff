package faults

import (
	"net/http"
	"slices"
	"syscall"
	"time"

	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

// processFaults are faults of workers and of their supervisor.
var processFaults = slices.Concat(recycleFaults, killFaults, hangFaults, codeFaults, bootFaults, supervisorFaults)

// killFaults are workers killed at a bad moment.
var killFaults = []fault{
	{id: "P6", what: "a worker is killed while it is idle", sees: "nothing", lost: "nothing", well: 5 * time.Second, test: killedIdle},
	{id: "P7", what: "a worker is killed while it answers requests", sees: "its own requests are cut, no others", lost: "those answers",
		well: 5 * time.Second, test: killedMidRequest},
	{id: "P8", what: "a worker is killed in the middle of its event streams", sees: "the streams end; EventSource resumes them on the other worker",
		lost: "nothing", well: 5 * time.Second, test: killedMidStream},
	{id: "P9", what: "a worker is killed during runs that have sent no text yet", sees: "nothing: they are rerun",
		lost: "nothing", well: 5 * time.Second, test: killedMidRun},
	{id: "P33", what: "a worker is killed while it streams answers", sees: "an error event, retryable", lost: "the rest of those answers",
		well: 5 * time.Second, test: killedMidAnswer},
}

const (
	flown   = 40 // concurrent requests unless stated otherwise
	watched = 16 // concurrent runs
)

// killedIdle makes each request on a new connection: a connection waiting at the dead worker would end with it.
func killedIdle(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, quietSettings(nil))
	victim := h.Workers[0]
	began := i.signal(victim, syscall.SIGKILL)
	asked, failed := 0, 0
	for asked < flown || !succeeded(h, i, victim) {
		asked++
		if h.Probe("/livez") != http.StatusOK {
			failed++
		}
		if time.Since(began) > harness.ReadyWithin {
			i.Fatal("there is no successor")
		}
	}
	i.recoveredAfter(time.Since(began))
	i.note("%d of %d requests failed", failed, asked)
	if failed > 0 {
		i.Errorf("%d of %d requests failed", failed, asked)
	}
	wantServed(h, i)
}

func killedMidRequest(i *incident) {
	s := startGatedModel(i.T, harness.Image, nil)
	f := s.sendPending(i, flown)
	victim, sibling := s.Workers[0], s.Workers[1]
	began := i.signal(victim, syscall.SIGKILL)
	i.awaitSuccessors(s.Instance, began, victim)
	s.release()
	answered, cut := f.collect()
	i.note("%d requests cut of the dead worker's %d, %d of the other's %d", cut[victim], cut[victim]+answered[victim], cut[sibling], cut[sibling]+answered[sibling])
	if cut[victim] == 0 || answered[victim] > 0 || cut[sibling] > 0 || cut[victim]+answered[sibling] != flown {
		i.Errorf("answered %v and cut %v by worker, and worker %d was killed", answered, cut, victim)
	}
	wantServed(s.Instance, i)
}

func killedMidRun(i *incident) {
	s := startGatedModel(i.T, harness.Image, nil)
	runs := beginRuns(s.Instance, i, watched)
	s.awaitModel(i, func(c fakellm.Counts) bool { return c.Active == watched })
	students := followRuns(s.Instance, i, runs)
	victim := s.Workers[0]
	made := madeBy(victim, runs)
	began := i.signal(victim, syscall.SIGKILL)
	s.awaitModel(i, func(c fakellm.Counts) bool { return c.Calls == watched+made })
	i.awaitSuccessors(s.Instance, began, victim)
	s.release()
	students.wantEnds(i, watched)
	i.note("%d runs rerun", made)
	for path, end := range students.ends {
		if made == 0 || end.Type != "complete" {
			i.Errorf("%s, of worker %d, ended with %+v; worker %d was killed", path, runs[path], end, victim)
		}
	}
	wantServed(s.Instance, i)
}

func killedMidStream(i *incident) { i.killInAnswers(false) }

func killedMidAnswer(i *incident) { i.killInAnswers(true) }

// killInAnswers kills a worker once half of each answer has been sent, and checks what is promised for the runs of that
// worker, or of the other one.
func (i *incident) killInAnswers(own bool) {
	s := startHalfwayModel(i.T)
	victim := s.Workers[0]
	runs := beginRuns(s.Instance, i, watched)
	students := followRuns(s.Instance, i, runs)
	s.awaitHalf(i)
	began := i.signal(victim, syscall.SIGKILL)
	i.awaitSuccessors(s.Instance, began, victim)
	s.release()
	students.wantEnds(i, watched)
	ended := map[string]int{}
	for path, end := range students.ends {
		if (runs[path] == victim) != own {
			continue
		}
		ended[end.Type]++
		if !own && end.Type != "complete" || own && end.Type == "error" && !end.Retryable {
			i.Errorf("%s ended with %+v", path, end)
		}
	}
	i.note("%d of them ended whole, %d with an error", ended["complete"], ended["error"])
	if own && ended["error"] == 0 || !own && (ended["complete"] == 0 || students.Reconnects.Load() == 0) {
		i.Errorf("ended %v, %d reconnects: that was no fault", ended, students.Reconnects.Load())
	}
	wantServed(s.Instance, i)
}
