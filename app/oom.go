package main

import (
	"log/slog"
	"os"

	"studysharper/app/metrics"
)

// oomWatch logs each time the kernel has killed a process of the container for
// want of memory. Docker does not: it looks at process 1 only.
type oomWatch struct {
	cgroup metrics.Cgroup
	log    *slog.Logger
	known  int64
}

func newOOMWatch(log *slog.Logger) *oomWatch {
	w := &oomWatch{cgroup: metrics.OpenCgroup(os.DirFS("/")), log: log}
	w.known = w.kills()
	return w
}

func (w *oomWatch) kills() int64 {
	memory, err := w.cgroup.Memory()
	if err != nil {
		return w.known
	}
	return memory.OOMKills
}

// look compares the kernel's counter with what is known.
func (w *oomWatch) look() {
	kills := w.kills()
	if kills > w.known {
		w.log.Error("out of memory: the kernel killed a process", "oom_kills", kills, "new", kills-w.known)
	}
	w.known = kills
}
