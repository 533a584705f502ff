package config

import (
	"fmt"
	"math"
	"strconv"
	"syscall"

	"studysharper/app/metrics"
)

const (
	// fewestFiles is the minimum limit on a process's open files: what it needs before any client connects, and some
	// clients.
	fewestFiles = 256
	// WorkerFiles is the number that a worker needs for itself: inherited files, its database, control groups, /proc,
	// the log, and connections in transit from or to another process.
	WorkerFiles = 96
	// redisFiles is the number of connections to Redis.
	redisFiles = 32
	// SupervisorFiles is the number that the supervisor needs for itself, plus WorkerSockets per worker process.
	SupervisorFiles = 64
	// WorkerSockets is the number of the supervisor's ends of a worker's control and relay sockets.
	WorkerSockets = 2
	// spareFiles is the number of connections that are accepted only to be refused, so that their clients get an
	// answer.
	spareFiles = 64
)

// Files divides the descriptors that a process may have open (RLIMIT_NOFILE). A worker and its predecessor together
// have one worker's share, because the one takes over what the other has; so has the supervisor while no worker is
// ready.
type Files struct {
	Limit   int
	Conns   int // client connections of a slot, streams included
	Streams int // event streams among them: the rest is for requests
	Spare   int // connections beyond Conns, which are refused
	Held    int // connections that the supervisor may keep while no worker is ready
}

// OpenFiles returns how many files a process may have open, after raising the soft limit to the hard one. Go does
// almost the same when a program starts, but stays one below it, and restores the previous limit for child processes.
func OpenFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	if raised := (syscall.Rlimit{Cur: limit.Max, Max: limit.Max}); limit.Cur < limit.Max && syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
		limit = raised
	}
	return int(min(limit.Cur, math.MaxInt32))
}

// SplitFiles divides a limit. It returns a Fault if the limit is too low.
func SplitFiles(limit int, c Config) (Files, error) {
	f := Files{Limit: limit, Spare: min(spareFiles, limit/8)}
	if limit < fewestFiles {
		return f, Faults{{"RLIMIT_NOFILE", strconv.Itoa(limit),
			fmt.Sprintf("must be at least %d open files for each process: raise it (ulimit -n, docker run --ulimit nofile=…)", fewestFiles)}}
	}
	own := WorkerFiles + f.Spare
	if c.LLMProvider == "openai" {
		own += min(c.MaxRuns, limit/4) // a connection to the model's API for each run
	}
	if c.RedisURL != "" {
		own += redisFiles
	}
	f.Held = limit - SupervisorFiles - WorkerSockets*min(metrics.MaxWorkers, 2*(2*c.Workers-1))
	f.Conns = min(limit-own, f.Held)
	f.Streams = f.Conns - max(f.Conns/8, min(32, f.Conns/2))
	return f, nil
}

// MaxStreams returns the maximum number of event streams of all workers together.
func (f Files) MaxStreams(c Config) int { return min(c.SSEMaxStreams, f.Streams*c.Workers) }
