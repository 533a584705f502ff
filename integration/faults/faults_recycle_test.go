package faults

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

// recycleFaults are replacements of workers, which no client should notice, and what can go wrong with them.
var recycleFaults = []fault{
	{id: "P1", what: "workers are recycled under load", sees: "nothing", lost: "nothing", test: recycled},
	{id: "P2", what: "workers are recycled under open event streams", sees: "nothing: the streams move", lost: "nothing", well: 10 * time.Second, test: recycledUnderStreams},
	{id: "P3", what: "all workers reach their quota at once", sees: "nothing: they are replaced one after another", lost: "nothing",
		held: "app/supervisor.TestHUPReplacesEveryWorkerOneByOne"},
	{id: "P4", what: "a successor does not boot", sees: "nothing: the old worker stays until a successor boots", lost: "nothing",
		well: 15 * time.Second, long: true, test: successorFails},
	{id: "P5", what: "workers are recycled while the model is slow", sees: "nothing: the old worker finishes its requests", lost: "nothing",
		well: 10 * time.Second, test: recycledUnderWork},
	{id: "P26", what: "HUP under load", sees: "nothing", lost: "nothing", well: 10 * time.Second, test: reloaded},
}

func recycled(i *incident) {
	const fewest = 10
	h := harness.StartInstance(i.T, harness.Image, quietSettings(nil, "MAX_REQUESTS", "100", "MAX_REQUESTS_JITTER", "20", "MIN_WORKER_AGE", "0"))
	kept, fresh := startTraffic(h.Address, harness.Question), startTraffic(h.Address, alone(harness.Question))
	testkit.Eventually(i.T, fmt.Sprintf("%d workers are recycled", fewest), func() bool {
		m, ok := h.TryMetrics()
		return ok && m.Recycles["max_requests"] >= fewest
	})
	i.wantNoFailure(" on kept connections", kept.end())
	i.wantNoFailure(" on new connections", fresh.end())
	m := h.Metrics(i.T)
	i.note("%d recycles", m.Recycles["max_requests"])
	if m.Recycles["crash"]+m.Recycles["timeout"] > 0 {
		i.Errorf("workers died: %v", m.Recycles)
	}
	wantServed(h, i)
}

func recycledUnderStreams(i *incident) {
	h := startHalfwayModel(i.T)
	runs := beginRuns(h.Instance, i, watched)
	students := followRuns(h.Instance, i, runs)
	h.awaitHalf(i)
	began := i.signal(supervisorPID(h.Instance, i), syscall.SIGHUP)
	i.awaitReload(h.Instance, 2)
	i.recoveredAfter(time.Since(began))
	h.release()
	students.wantEnds(i, watched)
	for path, end := range students.ends {
		if end.Type != "complete" {
			i.Errorf("%s ended with %+v", path, end)
		}
	}
	if n := students.Reconnects.Load(); n > 0 {
		i.Errorf("%d reconnects: %s", n, students.FirstFailure())
	}
	i.wantRecycles(h.Instance, map[string]int{"reload": 2})
	wantServed(h.Instance, i)
}

// awaitReload waits until n workers have been replaced by a reload, and two others serve.
func (i *incident) awaitReload(h *harness.Instance, n int) {
	i.Helper()
	testkit.Eventually(i.T, "the new workers serve", func() bool {
		m, ok := h.TryMetrics()
		return ok && m.Recycles["reload"] >= n && m.Ready() == 2
	})
}

func successorFails(i *incident) {
	const fail = 2 // failures per slot
	h := harness.StartInstance(i.T, harness.FaultImage(i.T), quietSettings(nil, "FAULT_BOOT", "exit 2-3"))
	load := startTraffic(h.Address, harness.Question)
	began := i.signal(supervisorPID(h, i), syscall.SIGHUP)
	i.awaitSuccessors(h, began, h.Workers...)
	i.wantNoFailure("", load.end())
	i.wantRecycles(h, map[string]int{"crash": 2 * fail, "reload": 2})
	if log := harness.LogsOf(h.DockerContainer); !strings.Contains(log, "FAULT_BOOT") {
		i.Errorf("the log lacks the reason:\n%s", log)
	}
	wantServed(h, i)
}

func recycledUnderWork(i *incident) {
	s := startGatedModel(i.T, harness.Image, nil)
	f := s.sendPending(i, flown)
	began := i.signal(supervisorPID(s.Instance, i), syscall.SIGHUP)
	i.awaitReload(s.Instance, 2)
	i.recoveredAfter(time.Since(began))
	s.release()
	answered, cut := f.collect()
	i.note("%d of %d requests cut", len(cut), flown)
	if len(cut) > 0 || answered[s.Workers[0]]+answered[s.Workers[1]] != flown {
		i.Errorf("answered %v and cut %v, by worker", answered, cut)
	}
	testkit.Eventually(i.T, "the old workers are gone", func() bool { return succeeded(s.Instance, i, s.Workers...) })
	wantServed(s.Instance, i)
}

func reloaded(i *incident) {
	const reloads = 3
	h := harness.StartInstance(i.T, harness.Image, quietSettings(nil))
	kept, fresh := startTraffic(h.Address, harness.Question), startTraffic(h.Address, alone(harness.Question))
	for range reloads {
		old := h.WorkersNow(i.T)
		i.awaitSuccessors(h, i.signal(supervisorPID(h, i), syscall.SIGHUP), old...)
	}
	i.wantNoFailure(" on kept connections", kept.end())
	i.wantNoFailure(" on new connections", fresh.end())
	i.wantRecycles(h, map[string]int{"reload": 2 * reloads})
	wantServed(h, i)
}
