package doctor

import (
	"strings"

	"studysharper/app/config"
	"studysharper/app/memory"
	"studysharper/app/memory/shm"
	"studysharper/app/metrics"
)

func cgroupLine(cgroup memory.Cgroup) finding {
	const subject = "cgroup"
	memory, err := cgroup.Memory()
	switch {
	case err != nil:
		return found(lacking, subject, "not readable: the container's memory is reported as 0, and a limit of %d MB is assumed", config.AssumedLimit/config.MiB)
	case memory.LimitBytes == 0:
		return found(lacking, subject, "version %d, no memory limit: %d MB are assumed, which only the service itself enforces", cgroup.Version(), config.AssumedLimit/config.MiB)
	}
	return found(fine, subject, "version %d, memory limit %d MB, of which %d MB are in use by this container", cgroup.Version(), memory.LimitBytes/config.MiB, memory.Container()/config.MiB)
}

func budgetLine(limit int64, c config.Config) finding {
	const subject = "budget"
	b, err := config.Split(limit, c)
	if err != nil {
		return found(broken, subject, "%s", err)
	}
	return found(fine, subject, "supervisor %d MB (journals %d MB), %d workers of %d MB (cache %d MB; replaced above %d MB of anonymous memory), %d MB free for the kernel: %d of %d MB, successors included",
		b.Supervisor/config.MiB, b.Journals/config.MiB, b.Workers, b.Worker/config.MiB, b.Cache/config.MiB, b.Recycle/config.MiB, b.Kernel/config.MiB, b.Total()/config.MiB, b.Limit/config.MiB)
}

// sharedMemoryLine creates a scoreboard where the service would, and removes it again.
func sharedMemoryLine(c config.Config) finding {
	const subject = "shm"
	region, fallback, err := shm.Create(c.WorkerTmpDir, shm.Spec{Name: metrics.BoardSection, Size: metrics.BoardSize})
	if err != nil {
		return found(broken, subject, "neither %s nor an anonymous memory file can hold the scoreboard: %v", c.WorkerTmpDir, err)
	}
	_ = region.Close()
	if fallback != nil {
		return found(lacking, subject, "%s cannot hold the scoreboard (%v): it uses an anonymous memory file instead, which works as well", c.WorkerTmpDir, fallback)
	}
	return found(fine, subject, "%s is writable (scoreboard)", c.WorkerTmpDir)
}

func openFilesLine(limit int, c config.Config) finding {
	const subject = "files"
	f, err := config.SplitFiles(limit, c)
	switch {
	case err != nil:
		return found(broken, subject, "%s", err)
	case f.MaxStreams(c) < c.SSEMaxStreams:
		return found(lacking, subject, "a process may have %d files open: room for %d event streams on %d workers, not the %d of SSE_MAX_STREAMS; more get 503 (ulimit -n, docker run --ulimit nofile=…)",
			limit, f.MaxStreams(c), c.Workers, c.SSEMaxStreams)
	}
	return found(fine, subject, "a process may have %d files open: enough for the %d event streams of SSE_MAX_STREAMS, and %d connections a worker", limit, c.SSEMaxStreams, f.Conns)
}

// oneLine replaces line breaks by spaces.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
