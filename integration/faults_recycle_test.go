package integration

import (
	"fmt"
	"strings"
	"syscall"
	"time"
)

// recycleFaults are replacements of workers, which are to be no fault at all, and what can go wrong with them.
var recycleFaults = []fault{
	{id: "P1", what: "workers are recycled under load", sees: "nothing", lost: "nothing", test: recycled},
	{id: "P2", what: "workers are recycled under open event streams", sees: "nothing: the streams move", lost: "nothing", well: 10 * time.Second, test: recycledUnderStreams},
	{id: "P3", what: "all workers reach their quota at once", sees: "nothing: they are replaced one after the other", lost: "nothing",
		held: "app/supervisor.TestHUPReplacesEveryWorkerOneByOne"},
	{id: "P4", what: "a successor does not boot", sees: "nothing: the old worker stays until a successor boots", lost: "nothing",
		well: 15 * time.Second, long: true, test: successorFails},
	{id: "P5", what: "workers are recycled while the model is slow", sees: "nothing: the old worker finishes what it began", lost: "nothing",
		well: 10 * time.Second, test: recycledUnderWork},
	{id: "P26", what: "HUP under load", sees: "nothing", lost: "nothing", well: 10 * time.Second, test: reloaded},
}

func recycled(i *incident) {
	const fewest = 10
	h := startOnHost(i.T, image, undisturbed(nil, "MAX_REQUESTS", "100", "MAX_REQUESTS_JITTER", "20"))
	kept, fresh := startTraffic(h.address, question), startTraffic(h.address, alone(question))
	eventually(i.T, fmt.Sprintf("%d workers are recycled", fewest), func() bool {
		m, ok := h.look()
		return ok && m.Recycles["max_requests"] >= fewest
	})
	i.wantNone(" on kept connections", kept.end())
	i.wantNone(" on new connections", fresh.end())
	m := h.metrics(i.T)
	i.note("%d recycles", m.Recycles["max_requests"])
	if m.Recycles["crash"]+m.Recycles["timeout"] > 0 {
		i.Errorf("workers died: %v", m.Recycles)
	}
	h.wantServed(i)
}

func recycledUnderStreams(i *incident) {
	h := startHalting(i.T)
	runs := h.begin(i, watched)
	students := h.watchAll(i, runs)
	h.awaitHalf(i)
	began := i.signal(h.supervisor(i), syscall.SIGHUP)
	i.awaitReload(h.hosted, 2)
	i.well(time.Since(began))
	h.letGo()
	students.wantEnds(i, watched)
	for path, end := range students.ends {
		if end.Type != "complete" {
			i.Errorf("%s ended with %+v", path, end)
		}
	}
	if n := students.reconnects.Load(); n > 0 {
		i.Errorf("%d reconnects: %s", n, students.why())
	}
	i.wantRecycles(h.hosted, map[string]int{"reload": 2})
	h.wantServed(i)
}

// awaitReload waits until so many workers have had to leave for a reload, and two others serve.
func (i *incident) awaitReload(h *hosted, n int) {
	i.Helper()
	eventually(i.T, "the new workers serve", func() bool {
		m, ok := h.look()
		return ok && m.Recycles["reload"] >= n && m.ready() == 2
	})
}

func successorFails(i *incident) {
	const fail = 2 // of each slot
	h := startOnHost(i.T, faultImage(i.T), undisturbed(nil, "FAULT_BOOT", "exit 2-3"))
	load := startTraffic(h.address, question)
	began := i.signal(h.supervisor(i), syscall.SIGHUP)
	i.awaitSuccessors(h, began, h.workers...)
	i.wantNone("", load.end())
	i.wantRecycles(h, map[string]int{"crash": 2 * fail, "reload": 2})
	if log := logs(h.DockerContainer); !strings.Contains(log, "FAULT_BOOT") {
		i.Errorf("the log does not say why:\n%s", log)
	}
	h.wantServed(i)
}

func recycledUnderWork(i *incident) {
	s := startTutored(i.T, image, nil)
	f := s.takeOff(i, flown)
	began := i.signal(s.supervisor(i), syscall.SIGHUP)
	i.awaitReload(s.hosted, 2)
	i.well(time.Since(began))
	s.letGo()
	answered, cut := f.land()
	i.note("%d of %d requests cut", len(cut), flown)
	if len(cut) > 0 || answered[s.workers[0]]+answered[s.workers[1]] != flown {
		i.Errorf("answered %v and cut %v, by worker", answered, cut)
	}
	eventually(i.T, "the old workers are gone", func() bool { return s.succeeded(i, s.workers...) })
	s.wantServed(i)
}

func reloaded(i *incident) {
	const reloads = 3
	h := startOnHost(i.T, image, undisturbed(nil))
	kept, fresh := startTraffic(h.address, question), startTraffic(h.address, alone(question))
	for range reloads {
		old := h.workersNow(i.T)
		i.awaitSuccessors(h, i.signal(h.supervisor(i), syscall.SIGHUP), old...)
	}
	i.wantNone(" on kept connections", kept.end())
	i.wantNone(" on new connections", fresh.end())
	i.wantRecycles(h, map[string]int{"reload": 2 * reloads})
	h.wantServed(i)
}
