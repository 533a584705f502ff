package memory

import "log/slog"

// OOMWatch logs each time the kernel has killed a process of the container for
// want of memory. Docker does not: it looks at process 1 only.
type OOMWatch struct {
	looks  int
	cgroup Cgroup
	log    *slog.Logger
	known  int64
}

// NewOOMWatch begins with the kills that there were before.
func NewOOMWatch(log *slog.Logger) *OOMWatch {
	w := &OOMWatch{cgroup: OwnCgroup(), log: log}
	w.known = w.cgroup.OOMKills()
	return w
}

// oomEvery is how many calls of Look read the counter once: reading it leaves 2 kB of garbage, and an idle supervisor
// keeps its garbage for minutes.
const oomEvery = 10

// Look compares the kernel's counter with what is known. Call it once a second.
func (w *OOMWatch) Look() {
	if w.looks++; w.looks%oomEvery != 0 {
		return
	}
	kills := max(w.known, w.cgroup.OOMKills())
	if kills > w.known {
		w.log.Error("out of memory: the kernel killed a process", "oom_kills", kills, "new", kills-w.known)
	}
	w.known = kills
}
