package main

import (
	"errors"
	"log/slog"

	"studysharper/app/auth"
	"studysharper/app/config"
	"studysharper/app/contextcache"
	"studysharper/app/limit"
	"studysharper/app/metrics"
)

// instanceVar tells a container's workers its name among the instances.
const instanceVar = "STUDYSHARPER_INSTANCE"

// leastRuns is how many open runs the journals hold at the least: more than the workers
// let in, for those of a dead worker that wait to be rerun count too.
const leastRuns = 1024

// maxReaders is how many may wait at the journals: every stream, and every request
// that looks into one before it is a stream.
func maxReaders(c config.Config) int { return 2 * c.SSEMaxStreams }

// sharedMemory is the memory that all processes of the container have in common. Workers
// inherit the five files.
type sharedMemory struct {
	board     *metrics.Board
	limits    *limit.Table
	keys      *auth.KeyStore
	revisions *contextcache.Versions
	holdings  *limit.Holdings
}

func openShared(c config.Config, log *slog.Logger) (s sharedMemory, err error) {
	var fallback error
	if s.board, fallback, err = metrics.OpenBoard(c.WorkerTmpDir); err != nil {
		return s, err
	}
	if fallback != nil {
		log.Warn("WORKER_TMP_DIR is not writable: scoreboard uses an anonymous memory file", "error", fallback)
	}
	if s.limits, err = limit.OpenTable(); err != nil {
		return s, errors.Join(err, s.board.Close())
	}
	if s.keys, err = auth.OpenKeyStore(); err != nil {
		return s, errors.Join(err, s.limits.Close(), s.board.Close())
	}
	if s.revisions, err = contextcache.OpenVersions(); err != nil {
		return s, errors.Join(err, s.keys.Close(), s.limits.Close(), s.board.Close())
	}
	if s.holdings, err = limit.OpenHoldings(holdingBounds(c)); err != nil {
		return s, errors.Join(err, s.revisions.Close(), s.keys.Close(), s.limits.Close(), s.board.Close())
	}
	return s, nil
}

// sparePlaces is how many places there are above the settings: for requests that take one and are then refused.
const sparePlaces = 64

func holdingBounds(c config.Config) limit.Bounds {
	return limit.Bounds{Runs: c.MaxRuns + sparePlaces, ClientRuns: c.ClientRuns, Streams: c.SSEMaxStreams + sparePlaces, ClientStreams: c.ClientStreams}
}

func (s sharedMemory) close() {
	_ = errors.Join(s.holdings.Close(), s.revisions.Close(), s.keys.Close(), s.limits.Close(), s.board.Close())
}
