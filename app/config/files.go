package config

import (
	"fmt"
	"math"
	"strconv"
	"syscall"

	"studysharper/app/metrics"
)

const (
	// fewestFiles is what a process must be allowed to have open: what it needs before any client comes, and some clients.
	fewestFiles = 256
	// WorkerFiles are a worker's own: what it inherits, its database, control groups, /proc, the log, and connections on
	// their way from or to another process.
	WorkerFiles = 96
	// redisFiles are connections to Redis.
	redisFiles = 32
	// SupervisorFiles are the supervisor's own; each worker process takes WorkerSockets more.
	SupervisorFiles = 64
	// WorkerSockets are the supervisor's ends of a worker's control and relay sockets.
	WorkerSockets = 2
	// spareFiles are for connections that are accepted only to be refused: the client gets an answer.
	spareFiles = 64
)

// Files divides the descriptors that a process may have open (RLIMIT_NOFILE). A worker and its predecessor count as one,
// for whatever the one holds the other takes over; so does the supervisor while no worker is ready.
type Files struct {
	Limit   int
	Conns   int // client connections of a slot, streams included
	Streams int // of those, event streams: the rest stays for requests
	Spare   int // connections above Conns, which are refused
	Held    int // connections that the supervisor may hold
}

// OpenFiles is how many a process may have open, after raising the soft limit to the hard one. Go does nearly that when a
// program starts, but leaves one below it, and gives a child back what was there before.
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

// SplitFiles divides a limit. One that is too low is a Fault.
func SplitFiles(limit int, c Config) (Files, error) {
	f := Files{Limit: limit, Spare: min(spareFiles, limit/8)}
	if limit < fewestFiles {
		return f, Faults{{"RLIMIT_NOFILE", strconv.Itoa(limit),
			fmt.Sprintf("must be at least %d open files for each process: raise it (ulimit -n, docker run --ulimit nofile=…)", fewestFiles)}}
	}
	own := WorkerFiles + f.Spare
	if c.LLMProvider == "openai" {
		own += min(c.MaxRuns, limit/4) // a connection to the model for each run
	}
	if c.RedisURL != "" {
		own += redisFiles
	}
	f.Held = limit - SupervisorFiles - WorkerSockets*min(metrics.MaxWorkers, 2*(2*c.Workers-1))
	f.Conns = min(limit-own, f.Held)
	f.Streams = f.Conns - max(f.Conns/8, min(32, f.Conns/2))
	return f, nil
}

// MaxStreams is how many event streams the workers hold together.
func (f Files) MaxStreams(c Config) int { return min(c.SSEMaxStreams, f.Streams*c.Workers) }
