package faults

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/moby/moby/api/types/container"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/client"
)

// hangFaults are workers that are alive but do nothing. The shortest WORKER_TIMEOUT is 4 s.
var hangFaults = []fault{
	{id: "P10", what: "a worker hangs (SIGSTOP)", sees: "its own requests hang until it is killed, WORKER_TIMEOUT (at least 4 s) later; new connections go to the other worker",
		lost: "those answers", well: 15 * time.Second, test: stopped},
	{id: "P11", what: "a worker's request path is deadlocked", sees: "as P10, but it also accepts some new connections", lost: "those answers",
		well: 15 * time.Second, test: deadlocked},
	{id: "P36", what: "a worker uses all CPUs", sees: "slower answers", lost: "nothing", test: spinning},
}

// codeFaults are bugs in the workers' code.
var codeFaults = []fault{
	{id: "P13", what: "a handler panics", sees: "500 for that request", lost: "nothing", test: panicking},
	{id: "P14", what: "a goroutine panics", sees: "that worker's requests are cut", lost: "those answers", well: 5 * time.Second,
		test: func(i *incident) { i.dies("/debug/panic-goroutine") }},
	{id: "P35", what: "the hub of the event streams panics", sees: "as P14; its streams are resumed", lost: "as P14", well: 5 * time.Second,
		test: func(i *incident) { i.dies("/debug/panic-stream") }},
	{id: "P15", what: "a fatal error of the runtime (stack overflow)", sees: "as P14", lost: "as P14", well: 5 * time.Second,
		test: func(i *incident) { i.dies("/debug/overflow") }},
	{id: "P17", what: "a worker leaks", sees: "nothing: it is replaced in time", lost: "nothing",
		held: "integration/memory.TestLeakingWorkersAreReplacedAndNoRequestFails"},
	{id: "P18", what: "a worker allocates more memory at once than the container has", sees: "the kernel kills it, not the supervisor: as P14",
		lost: "as P14", well: 10 * time.Second, test: greedy},
}

// silentFor is the lowest WORKER_TIMEOUT.
var silentFor = map[string]string{"WORKER_TIMEOUT": "4"}

func stopped(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, quietSettings(silentFor))
	victim := h.Workers[0]
	var fresh *traffic
	i.failUnderLoad(h, func() int {
		i.signal(victim, syscall.SIGSTOP)
		fresh = startTraffic(h.Address, alone(harness.Question))
		return victim
	})
	i.wantNoFailure(" on new connections", fresh.end())
	i.wantRecycles(h, map[string]int{"timeout": 1})
}

func deadlocked(i *incident) {
	h := harness.StartInstance(i.T, harness.FaultImage(i.T), quietSettings(silentFor))
	i.failUnderLoad(h, func() int {
		victim, err := triggerFault(h, i, "/debug/deadlock")
		if err == nil {
			i.Error("the deadlocked worker answers")
		}
		return victim
	})
	i.wantRecycles(h, map[string]int{"timeout": 1})
}

func spinning(i *incident) {
	const spin = 6 * time.Second // longer than a worker may be silent
	h := harness.StartInstance(i.T, harness.FaultImage(i.T), quietSettings(silentFor))
	load := startTraffic(h.Address, harness.Question)
	if _, err := triggerFault(h, i, fmt.Sprintf("/debug/spin?ms=%d", spin.Milliseconds())); err != nil {
		i.Fatal(err)
	}
	testkit.Pause(spin)
	i.wantNoFailure("", load.end())
	i.wantRecycles(h, nil)
}

func panicking(i *incident) {
	h := harness.StartInstance(i.T, harness.FaultImage(i.T), quietSettings(nil))
	load := startTraffic(h.Address, harness.Question)
	const panics = 20
	for range panics {
		_, err := triggerFault(h, i, "/debug/panic")
		if failure, ok := errors.AsType[*client.Failure](err); !ok || failure.Kind != client.StatusKind(500) {
			i.Errorf("the panic is answered: %v", err)
		}
	}
	i.wantNoFailure(fmt.Sprintf(" beside %d panics", panics), load.end())
	i.wantRecycles(h, nil)
	wantServed(h, i)
}

// dies makes a worker of the fault build exit.
func (i *incident) dies(route string) {
	i.Helper()
	h := harness.StartInstance(i.T, harness.FaultImage(i.T), quietSettings(nil))
	i.provoked(h, route)
	i.wantRecycles(h, map[string]int{"crash": 1})
}

// provoked makes a worker of the fault build die because of a request, and checks that nothing else is affected.
func (i *incident) provoked(h *harness.Instance, route string) {
	i.Helper()
	supervisor := supervisorPID(h, i)
	i.failUnderLoad(h, func() int {
		victim, err := triggerFault(h, i, route)
		if err == nil {
			i.Error("the worker answers, and does not die of it")
		}
		return victim
	})
	if now := supervisorPID(h, i); now != supervisor {
		i.Errorf("the supervisor was process %d and is %d", supervisor, now)
	}
}

// greedy gives the worker less memory than it wants. If it allocates slowly, the supervisor notices first, and the
// kernel then kills a worker that was about to leave.
func greedy(i *incident) {
	const limit, wanted = 192 << 20, 256
	h := harness.StartInstance(i.T, harness.FaultImage(i.T), quietSettings(nil), func(host *container.HostConfig) { host.Memory, host.MemorySwap = limit, limit })
	i.provoked(h, fmt.Sprintf("/debug/allocate?mb=%d", wanted))
	m := h.Metrics(i.T)
	i.note("%d OOM kills", m.Memory.OOMKills)
	if m.Memory.OOMKills == 0 || m.Recycles["crash"]+m.Recycles["memory"] != 1 || m.Recycles["timeout"] > 0 {
		i.Errorf("%d OOM kills; workers replaced or lost: %v", m.Memory.OOMKills, m.Recycles)
	}
}

// wantRecycles checks that workers were lost or replaced for these reasons and no others.
func (i *incident) wantRecycles(h *harness.Instance, want map[string]int) {
	i.Helper()
	for reason, n := range h.Metrics(i.T).Recycles {
		if n != want[reason] {
			i.Errorf("%d workers were replaced or lost for %s, want %d", n, reason, want[reason])
		}
	}
}

// supervisorPID returns the process id of the container's first process.
func supervisorPID(h *harness.Instance, i *incident) int {
	i.Helper()
	all, err := h.Processes()
	if err != nil || len(all) == 0 || all[0].Command != "serve" {
		i.Fatalf("there is no supervisor among %v: %v", all, err)
	}
	return all[0].PID
}
