package faults

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

// supervisorFaults are faults of the supervisor, or of all processes at once.
var supervisorFaults = []fault{
	{id: "P22", what: "TERM under load", sees: "accepted requests are answered; open streams end at an event, EventSource reconnects",
		lost: "nothing", well: 8 * time.Second, test: termedUnderLoad},
	{id: "P24", what: "a second TERM", sees: "requests in progress are cut", lost: "those answers", well: 5 * time.Second, test: termedTwice},
	{id: "P25", what: "TERM while workers boot", sees: "nothing listens", lost: "nothing", well: 8 * time.Second, test: termedBooting},
	{id: "P37", what: "TERM while workers are replaced", sees: "accepted requests are answered", lost: "nothing", well: 8 * time.Second, test: termedReloading},
	{id: "P28", what: "the supervisor is killed", sees: "everything is cut, until the container is started again", lost: "requests in progress; runs and their streams",
		well: 5 * time.Second, test: orphaned},
	{id: "P12", what: "only a tenth of a CPU is available", sees: "slow answers; no worker counts as hung", lost: "nothing", test: starved},
	{id: "P30", what: "a worker leaves processes behind", sees: "nothing: process 1 reaps them", lost: "nothing", well: 5 * time.Second, test: reaped},
	{id: "H11", what: "all processes are stopped for longer than WORKER_TIMEOUT (docker pause, a machine asleep)", sees: "only the pause",
		lost: "nothing", well: 10 * time.Second, test: paused},
}

// endsWell checks that the container exits with status 0 and leaves no process behind.
func (i *incident) endsWell(h *harness.Instance, began time.Time) {
	i.Helper()
	status := exitStatus(h, i.T)
	i.recoveredAfter(time.Since(began))
	if status != 0 {
		i.Errorf("exit status %d, want 0", status)
	}
	if left := left(h); len(left) > 0 {
		i.Errorf("processes %v are left", left)
	}
	if harness.Accepts(h.Address.String()) {
		i.Error("somebody listens still")
	}
}

// left returns the processes of a container that has exited; its control group is removed with the last one.
func left(h *harness.Instance) []string {
	text, _ := os.ReadFile(filepath.Join(h.Group.Dir, "cgroup.procs"))
	return strings.Fields(string(text))
}

func termedUnderLoad(i *incident) {
	s := startGatedModel(i.T, harness.Image, nil)
	runs := beginRuns(s.Instance, i, watched)
	s.awaitModel(i, func(c fakellm.Counts) bool { return c.Active == watched })
	students := followRuns(s.Instance, i, runs)
	f := s.sendPending(i, flown)
	began := i.signal(supervisorPID(s.Instance, i), syscall.SIGTERM)
	testkit.Eventually(i.T, "no client is admitted", func() bool { return !harness.Accepts(s.Address.String()) || draining(s.Instance) })
	s.release()
	answered, cut := f.collect()
	i.note("%d of %d requests cut", len(cut), flown)
	if len(cut) > 0 {
		i.Errorf("answered %v and cut %v, by worker", answered, cut)
	}
	i.endsWell(s.Instance, began)
	students.wantEnds(i, watched)
	for path, end := range students.ends {
		if end.Type != "complete" {
			i.Errorf("%s ended with %+v", path, end)
		}
	}
}

// draining reports whether /readyz is 503.
func draining(h *harness.Instance) bool {
	return h.Probe("/readyz") == http.StatusServiceUnavailable
}

func termedTwice(i *incident) {
	s := startGatedModel(i.T, harness.Image, nil)
	f := s.sendPending(i, flown)
	supervisor := supervisorPID(s.Instance, i)
	i.signal(supervisor, syscall.SIGTERM)
	testkit.Eventually(i.T, "it drains", func() bool { return draining(s.Instance) })
	began := i.signal(supervisor, syscall.SIGTERM)
	i.endsWell(s.Instance, began)
	answered, _ := f.collect()
	if len(answered) > 0 {
		i.Errorf("answered %v", answered)
	}
}

func termedBooting(i *incident) {
	h := harness.LaunchInstance(i.T, harness.FaultImage(i.T), quietSettings(nil, "FAULT_BOOT", "hang 1-9", "GRACEFUL_TIMEOUT", "2"))
	h.Group = harness.FindCgroup(i.T, h.GetContainerID())
	awaitWorker(h, i)
	i.endsWell(h, i.signal(supervisorPID(h, i), syscall.SIGTERM))
}

func termedReloading(i *incident) {
	s := startGatedModel(i.T, harness.FaultImage(i.T), map[string]string{"FAULT_BOOT": "slow 2-9"})
	f := s.sendPending(i, flown)
	supervisor := supervisorPID(s.Instance, i)
	i.signal(supervisor, syscall.SIGHUP)
	awaitWorker(s.Instance, i, s.Workers...)
	began := i.signal(supervisor, syscall.SIGTERM)
	testkit.Eventually(i.T, "it drains", func() bool { return draining(s.Instance) })
	s.release()
	answered, cut := f.collect()
	i.note("%d of %d requests cut", len(cut), flown)
	if len(cut) > 0 {
		i.Errorf("answered %v and cut %v, by worker", answered, cut)
	}
	i.endsWell(s.Instance, began)
}

func orphaned(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, quietSettings(nil))
	var note struct{ ID string }
	h.Call(i.T, http.MethodPost, "/api/notes", map[string]any{"user_id": harness.UserID, "title": "Light", "content": "Chlorophyll absorbs blue light."}, http.StatusCreated, &note)
	load := startTraffic(h.Address, harness.Question)
	began := i.signal(supervisorPID(h, i), syscall.SIGKILL)
	testkit.Eventually(i.T, "no process is left, and nothing listens", func() bool { return len(left(h)) == 0 && !harness.Accepts(h.Address.String()) })
	i.note("the last process was gone after %s", harness.Short(time.Since(began)))
	load.end()
	testkit.Eventually(i.T, "Docker knows that it has ended", func() bool { // before, a start does nothing
		inspect, err := h.Inspect(i.Context())
		return err == nil && !inspect.State.Running
	})
	again := time.Now()
	if err := h.Start(i.Context()); err != nil {
		i.Fatal(err)
	}
	testkit.Eventually(i.T, "it serves again", func() bool {
		m, ok := h.TryMetrics()
		return ok && m.Settled()
	})
	i.recoveredAfter(time.Since(again))
	h.Call(i.T, http.MethodGet, "/api/notes/"+note.ID+"?user_id="+harness.UserID, nil, http.StatusOK, nil)
	wantServed(h, i)
}

func starved(i *incident) {
	const (
		share = 0.1              // of a processor
		long  = 16 * time.Second // four times as long as a worker may be silent
	)
	h := harness.StartInstance(i.T, harness.Image, quietSettings(silentFor))
	before := h.WorkersNow(i.T)
	harness.Docker(i.T, "update", "--cpus", strconv.FormatFloat(share, 'f', -1, 64), h.GetContainerID())
	clock := h.CPU(i)
	load := startTraffic(h.Address, harness.Question)
	testkit.Pause(long)
	starved := h.CPU(i)
	harness.Docker(i.T, "update", "--cpus", strconv.Itoa(runtime.NumCPU()), h.GetContainerID())
	all := load.end()
	got := (starved.Service - clock.Service).Seconds() / starved.At.Sub(clock.At).Seconds()
	i.note("%.2f of a processor, %d requests answered, %d not in time", got, len(all.Times), len(all.Failures))
	if got > 2*share {
		i.Errorf("it had %.2f of a processor, want about %.2f: that was no fault", got, share)
	}
	if now := h.WorkersNow(i.T); !slices.Equal(now, before) {
		i.Errorf("the workers were %v and are %v", before, now)
	}
	i.wantRecycles(h, nil)
	wantServed(h, i)
}

func reaped(i *incident) {
	const orphans = 5
	h := harness.StartInstance(i.T, harness.FaultImage(i.T), quietSettings(nil))
	victim := h.Workers[0]
	testkit.Eventually(i.T, "a worker has left processes unreaped", func() bool {
		if _, err := triggerFault(h, i, "/debug/orphan"); err != nil {
			i.Fatal(err)
		}
		return zombies(victim) >= orphans
	})
	supervisor := supervisorPID(h, i)
	began := i.signal(victim, syscall.SIGKILL)
	i.awaitSuccessors(h, began, victim)
	testkit.Eventually(i.T, "none is left", func() bool { return zombies(supervisor) == 0 })
	wantServed(h, i)
}

// zombies counts a process's children that have ended and have not been reaped.
func zombies(parent int) (n int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is valid
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue // gone
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[0] == "Z" && fields[1] == strconv.Itoa(parent) {
			n++
		}
	}
	return n
}

func paused(i *incident) {
	const long = 8 * time.Second // twice as long as a worker may be silent
	h := harness.StartInstance(i.T, harness.Image, quietSettings(silentFor))
	all := append([]int{supervisorPID(h, i)}, h.Workers...)
	for _, pid := range all {
		i.signal(pid, syscall.SIGSTOP)
	}
	testkit.Pause(long)
	var began time.Time
	for _, pid := range all { // the supervisor first, so that it cannot judge its workers yet
		began = i.signal(pid, syscall.SIGCONT)
		testkit.Pause(500 * time.Millisecond)
	}
	wantServed(h, i)
	i.recoveredAfter(time.Since(began))
	testkit.Pause(2 * time.Second) // in case the supervisor judges late
	if now := h.WorkersNow(i.T); !slices.Equal(now, h.Workers) {
		i.Errorf("the workers were %v and are %v", h.Workers, now)
	}
	i.wantRecycles(h, nil)
}
