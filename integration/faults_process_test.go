package integration

import (
	"net/http"
	"slices"
	"syscall"
	"time"

	"studysharper/loadtest/fakellm"
)

// processFaults are those of workers and their supervisor.
var processFaults = slices.Concat(recycleFaults, killFaults, hangFaults, codeFaults, bootFaults, supervisorFaults)

// killFaults are workers that are killed at a bad moment.
var killFaults = []fault{
	{id: "P6", what: "a worker is killed while it is idle", sees: "nothing", lost: "nothing", well: 5 * time.Second, test: killedIdle},
	{id: "P7", what: "a worker is killed in mid-request", sees: "its own requests are cut, no others", lost: "those answers",
		well: 5 * time.Second, test: killedMidRequest},
	{id: "P8", what: "a worker is killed in the middle of its event streams", sees: "the streams end; EventSource resumes them on the other worker",
		lost: "nothing", well: 5 * time.Second, test: killedMidStream},
	{id: "P9", what: "a worker is killed during runs that have sent no text yet", sees: "nothing: they are rerun",
		lost: "nothing", well: 5 * time.Second, test: killedMidRun},
	{id: "P33", what: "a worker is killed while it streams answers", sees: "an error event, retryable", lost: "the rest of those answers",
		well: 5 * time.Second, test: killedMidAnswer},
}

const (
	flown   = 40 // requests, under way at once unless it says otherwise
	watched = 16 // runs under way at once
)

// killedIdle asks over a connection of its own each time: one that waited at the dead worker would end with it.
func killedIdle(i *incident) {
	h := startOnHost(i.T, image, undisturbed(nil))
	victim := h.workers[0]
	began := i.signal(victim, syscall.SIGKILL)
	asked, failed := 0, 0
	for asked < flown || !h.succeeded(i, victim) {
		asked++
		if response, err := looker.Get(h.url + "/livez"); err != nil || response.Body.Close() != nil || response.StatusCode != http.StatusOK {
			failed++
		}
		if time.Since(began) > readyWithin {
			i.Fatal("there is no successor")
		}
	}
	i.well(time.Since(began))
	i.note("%d of %d requests failed", failed, asked)
	if failed > 0 {
		i.Errorf("%d of %d requests failed", failed, asked)
	}
	h.wantServed(i)
}

func killedMidRequest(i *incident) {
	s := startTutored(i.T, image, nil)
	f := s.takeOff(i, flown)
	victim, sibling := s.workers[0], s.workers[1]
	began := i.signal(victim, syscall.SIGKILL)
	i.awaitSuccessors(s.hosted, began, victim)
	s.letGo()
	answered, cut := f.land()
	i.note("%d requests cut of the dead worker's %d, %d of the other's %d", cut[victim], cut[victim]+answered[victim], cut[sibling], cut[sibling]+answered[sibling])
	if cut[victim] == 0 || answered[victim] > 0 || cut[sibling] > 0 || cut[victim]+answered[sibling] != flown {
		i.Errorf("answered %v and cut %v by worker, and worker %d was killed", answered, cut, victim)
	}
	s.wantServed(i)
}

func killedMidRun(i *incident) {
	s := startTutored(i.T, image, nil)
	runs := s.begin(i, watched)
	s.awaitModel(i, func(c fakellm.Counts) bool { return c.Active == watched })
	students := s.watchAll(i, runs)
	victim := s.workers[0]
	made := madeBy(victim, runs)
	began := i.signal(victim, syscall.SIGKILL)
	s.awaitModel(i, func(c fakellm.Counts) bool { return c.Calls == watched+made })
	i.awaitSuccessors(s.hosted, began, victim)
	s.letGo()
	students.wantEnds(i, watched)
	i.note("%d runs rerun", made)
	for path, end := range students.ends {
		if made == 0 || end.Type != "complete" {
			i.Errorf("%s, of worker %d, ended with %+v; worker %d was killed", path, runs[path], end, victim)
		}
	}
	s.wantServed(i)
}

func killedMidStream(i *incident) { i.killInAnswers(false) }

func killedMidAnswer(i *incident) { i.killInAnswers(true) }

// killInAnswers kills a worker once half of each answer is said, and holds the runs of that worker, or of the other one,
// to what is promised.
func (i *incident) killInAnswers(own bool) {
	s := startHalting(i.T)
	victim := s.workers[0]
	runs := s.begin(i, watched)
	students := s.watchAll(i, runs)
	s.awaitHalf(i)
	began := i.signal(victim, syscall.SIGKILL)
	i.awaitSuccessors(s.hosted, began, victim)
	s.letGo()
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
	if own && ended["error"] == 0 || !own && (ended["complete"] == 0 || students.reconnects.Load() == 0) {
		i.Errorf("ended %v, %d reconnects: that was no fault", ended, students.reconnects.Load())
	}
	s.wantServed(i)
}
