package main

import (
	"errors"
	"log/slog"

	"studysharper/app/auth"
	"studysharper/app/limit"
	"studysharper/app/metrics"
	"studysharper/app/revision"
)

// shared is the memory that all processes of the container have in common. Workers
// inherit the four files.
type shared struct {
	board     *metrics.Board
	limits    *limit.Table
	keys      *auth.Shelf
	revisions *revision.Table
}

func openShared(c Config, log *slog.Logger) (s shared, err error) {
	var fallback error
	if s.board, fallback, err = metrics.OpenBoard(c.WorkerTmpDir); err != nil {
		return s, err
	}
	if fallback != nil {
		log.Warn("WORKER_TMP_DIR cannot hold the scoreboard: it lies in an anonymous memory file", "error", fallback)
	}
	if s.limits, err = limit.OpenTable(); err != nil {
		return s, errors.Join(err, s.board.Close())
	}
	if s.keys, err = auth.OpenShelf(); err != nil {
		return s, errors.Join(err, s.limits.Close(), s.board.Close())
	}
	if s.revisions, err = revision.OpenTable(); err != nil {
		return s, errors.Join(err, s.keys.Close(), s.limits.Close(), s.board.Close())
	}
	return s, nil
}

func (s shared) close() {
	_ = errors.Join(s.revisions.Close(), s.keys.Close(), s.limits.Close(), s.board.Close())
}
