package memory

import "log/slog"

// OOMWatch logs each time the kernel's OOM killer has killed a process of the container. Docker does not: it watches
// process 1 only.
type OOMWatch struct {
	checks int
	cgroup Cgroup
	log    *slog.Logger
	known  int64
}

// NewOOMWatch starts from the current number of kills.
func NewOOMWatch(log *slog.Logger) *OOMWatch {
	w := &OOMWatch{cgroup: OwnCgroup(), log: log}
	w.known = w.cgroup.OOMKills()
	return w
}

// oomEvery is the number of calls of Check for one reading of the counter: a reading leaves 2 kB of garbage, which an
// idle supervisor's heap retains for minutes.
const oomEvery = 10

// Check logs kills that are new since the last reading. Call it once a second.
func (w *OOMWatch) Check() {
	if w.checks++; w.checks%oomEvery != 0 {
		return
	}
	kills := max(w.known, w.cgroup.OOMKills())
	if kills > w.known {
		w.log.Error("out of memory: the kernel killed a process", "oom_kills", kills, "new", kills-w.known)
	}
	w.known = kills
}
