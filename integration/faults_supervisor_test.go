package integration

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

	"studysharper/loadtest/fakellm"
)

// supervisorFaults are what happens to the supervisor, or to all processes at once.
var supervisorFaults = []fault{
	{id: "P22", what: "TERM under load", sees: "accepted requests are answered; open streams end at an event, EventSource reconnects",
		lost: "nothing", well: 8 * time.Second, test: termedUnderLoad},
	{id: "P24", what: "a second TERM", sees: "requests in progress are cut", lost: "those answers", well: 5 * time.Second, test: termedTwice},
	{id: "P25", what: "TERM while workers boot", sees: "nothing listens", lost: "nothing", well: 8 * time.Second, test: termedBooting},
	{id: "P37", what: "TERM while workers are replaced", sees: "accepted requests are answered", lost: "nothing", well: 8 * time.Second, test: termedReloading},
	{id: "P28", what: "the supervisor is killed", sees: "everything is cut, until the container is started again", lost: "requests in progress; runs and their streams",
		well: 5 * time.Second, test: orphaned},
	{id: "P12", what: "a tenth of a processor is left", sees: "slow answers; no worker counts as hung", lost: "nothing", test: starved},
	{id: "P30", what: "a worker leaves processes behind", sees: "nothing: process 1 reaps them", lost: "nothing", well: 5 * time.Second, test: reaped},
	{id: "H11", what: "all processes are stopped for longer than WORKER_TIMEOUT (docker pause, a machine asleep)", sees: "nothing but the pause",
		lost: "nothing", well: 10 * time.Second, test: paused},
}

// endsWell wants the container to end by itself with exit status 0, and no process of it to be left.
func (i *incident) endsWell(h *hosted, began time.Time) {
	i.Helper()
	status := h.exitStatus(i.T)
	i.well(time.Since(began))
	if status != 0 {
		i.Errorf("exit status %d, want 0", status)
	}
	if left := h.left(); len(left) > 0 {
		i.Errorf("processes %v are left", left)
	}
	if accepts(h.address.String()) {
		i.Error("somebody listens still")
	}
}

// left are the processes of a container that has ended; its group is removed with the last one.
func (h *hosted) left() []string {
	text, _ := os.ReadFile(filepath.Join(h.group.dir, "cgroup.procs"))
	return strings.Fields(string(text))
}

func termedUnderLoad(i *incident) {
	s := startTutored(i.T, image, nil)
	runs := s.begin(i, watched)
	s.awaitModel(i, func(c fakellm.Counts) bool { return c.Active == watched })
	students := s.watchAll(i, runs)
	f := s.takeOff(i, flown)
	began := i.signal(s.supervisor(i), syscall.SIGTERM)
	eventually(i.T, "nobody is let in", func() bool { return !accepts(s.address.String()) || s.draining() })
	s.letGo()
	answered, cut := f.land()
	i.note("%d of %d requests cut", len(cut), flown)
	if len(cut) > 0 {
		i.Errorf("answered %v and cut %v, by worker", answered, cut)
	}
	i.endsWell(s.hosted, began)
	students.wantEnds(i, watched)
	for path, end := range students.ends {
		if end.Type != "complete" {
			i.Errorf("%s ended with %+v", path, end)
		}
	}
}

// draining reports whether the service says that it is about to end.
func (h *hosted) draining() bool {
	response, err := looker.Get(h.url + "/readyz")
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusServiceUnavailable
}

func termedTwice(i *incident) {
	s := startTutored(i.T, image, nil)
	f := s.takeOff(i, flown)
	supervisor := s.supervisor(i)
	i.signal(supervisor, syscall.SIGTERM)
	eventually(i.T, "it drains", s.draining)
	began := i.signal(supervisor, syscall.SIGTERM)
	i.endsWell(s.hosted, began)
	answered, _ := f.land()
	if len(answered) > 0 {
		i.Errorf("answered %v", answered)
	}
}

func termedBooting(i *incident) {
	h := launchOnHost(i.T, faultImage(i.T), undisturbed(nil, "FAULT_BOOT", "hang 1-9", "GRACEFUL_TIMEOUT", "2"))
	h.group = findCgroup(i.T, h.GetContainerID())
	h.awaitWorker(i)
	i.endsWell(h, i.signal(h.supervisor(i), syscall.SIGTERM))
}

func termedReloading(i *incident) {
	s := startTutored(i.T, faultImage(i.T), map[string]string{"FAULT_BOOT": "slow 2-9"})
	f := s.takeOff(i, flown)
	supervisor := s.supervisor(i)
	i.signal(supervisor, syscall.SIGHUP)
	s.awaitWorker(i, s.workers...)
	began := i.signal(supervisor, syscall.SIGTERM)
	eventually(i.T, "it drains", s.draining)
	s.letGo()
	answered, cut := f.land()
	i.note("%d of %d requests cut", len(cut), flown)
	if len(cut) > 0 {
		i.Errorf("answered %v and cut %v, by worker", answered, cut)
	}
	i.endsWell(s.hosted, began)
}

func orphaned(i *incident) {
	h := startOnHost(i.T, image, undisturbed(nil))
	var note struct{ ID string }
	h.call(i.T, http.MethodPost, "/api/notes", map[string]any{"user_id": userID, "title": "Light", "content": "Chlorophyll absorbs blue light."}, http.StatusCreated, &note)
	load := startTraffic(h.address, question)
	began := i.signal(h.supervisor(i), syscall.SIGKILL)
	eventually(i.T, "no process is left, and nobody listens", func() bool { return len(h.left()) == 0 && !accepts(h.address.String()) })
	i.note("the last process was gone after %s", short(time.Since(began)))
	load.end()
	again := time.Now()
	if err := h.Start(i.Context()); err != nil {
		i.Fatal(err)
	}
	eventually(i.T, "it serves again", func() bool {
		m, ok := h.look()
		return ok && m.settled()
	})
	i.well(time.Since(again))
	h.call(i.T, http.MethodGet, "/api/notes/"+note.ID+"?user_id="+userID, nil, http.StatusOK, nil)
	h.wantServed(i)
}

func starved(i *incident) {
	const (
		share = 0.1              // of a processor
		long  = 16 * time.Second // four times what a worker may be silent for
	)
	h := startOnHost(i.T, image, undisturbed(silentFor))
	before := h.workersNow(i.T)
	docker(i.T, "update", "--cpus", strconv.FormatFloat(share, 'f', -1, 64), h.GetContainerID())
	clock := h.cpu(i)
	load := startTraffic(h.address, question)
	time.Sleep(long)
	starved := h.cpu(i)
	docker(i.T, "update", "--cpus", strconv.Itoa(runtime.NumCPU()), h.GetContainerID())
	all := load.end()
	got := (starved.service - clock.service).Seconds() / starved.at.Sub(clock.at).Seconds()
	i.note("%.2f of a processor, %d requests answered, %d not in time", got, len(all.times), len(all.failures))
	if got > 2*share {
		i.Errorf("it had %.2f of a processor, want about %.2f: that was no fault", got, share)
	}
	if now := h.workersNow(i.T); !slices.Equal(now, before) {
		i.Errorf("the workers were %v and are %v", before, now)
	}
	i.wantRecycles(h, nil)
	h.wantServed(i)
}

func reaped(i *incident) {
	const orphans = 5
	h := startOnHost(i.T, faultImage(i.T), undisturbed(nil))
	victim := h.workers[0]
	eventually(i.T, "a worker has left processes unreaped", func() bool {
		if _, err := h.provoke(i, "/debug/orphan"); err != nil {
			i.Fatal(err)
		}
		return zombies(victim) >= orphans
	})
	supervisor := h.supervisor(i)
	began := i.signal(victim, syscall.SIGKILL)
	i.awaitSuccessors(h, began, victim)
	eventually(i.T, "none is left", func() bool { return zombies(supervisor) == 0 })
	h.wantServed(i)
}

// zombies counts a process's children that have ended and that nobody has waited for.
func zombies(parent int) (n int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
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
	const long = 8 * time.Second // twice what a worker may be silent for
	h := startOnHost(i.T, image, undisturbed(silentFor))
	all := append([]int{h.supervisor(i)}, h.workers...)
	for _, pid := range all {
		i.signal(pid, syscall.SIGSTOP)
	}
	time.Sleep(long)
	var began time.Time
	for _, pid := range all { // the supervisor first, which is to judge nobody yet
		began = i.signal(pid, syscall.SIGCONT)
		time.Sleep(500 * time.Millisecond)
	}
	h.wantServed(i)
	i.well(time.Since(began))
	time.Sleep(2 * time.Second) // for a judgement that comes late
	if now := h.workersNow(i.T); !slices.Equal(now, h.workers) {
		i.Errorf("the workers were %v and are %v", h.workers, now)
	}
	i.wantRecycles(h, nil)
}
