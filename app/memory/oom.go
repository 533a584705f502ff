package memory

import (
	"log/slog"
	"os"
)

// OOMWatch logs each time the kernel has killed a process of the container for
// want of memory. Docker does not: it looks at process 1 only.
type OOMWatch struct {
	cgroup Cgroup
	log    *slog.Logger
	known  int64
}

// NewOOMWatch begins with the kills that there were before.
func NewOOMWatch(log *slog.Logger) *OOMWatch {
	w := &OOMWatch{cgroup: OpenCgroup(os.DirFS("/")), log: log}
	w.known = w.kills()
	return w
}

func (w *OOMWatch) kills() int64 {
	memory, err := w.cgroup.Memory()
	if err != nil {
		return w.known
	}
	return memory.OOMKills
}

// Look compares the kernel's counter with what is known.
func (w *OOMWatch) Look() {
	kills := w.kills()
	if kills > w.known {
		w.log.Error("out of memory: the kernel killed a process", "oom_kills", kills, "new", kills-w.known)
	}
	w.known = kills
}
