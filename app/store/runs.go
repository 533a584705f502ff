package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"studysharper/app/study"
)

const runColumns = "id, session_id, user_id, type, state, worker, request, outcome, started_at, ended_at, alive_at"

func scanRun(row scanner, r *study.Run) (mark, error) {
	var started, ended, alive int64
	err := row.Scan(&r.ID, &r.SessionID, &r.UserID, &r.Type, &r.State, &r.Worker, (*[]byte)(&r.Request), (*[]byte)(&r.Outcome), &started, &ended, &alive)
	r.StartedAt, r.AliveAt = fromMicros(started), fromMicros(alive)
	if ended > 0 {
		r.EndedAt = fromMicros(ended)
	}
	return mark{}, err
}

func noRun() error { return study.Errorf(study.CodeNotFound, "the run does not exist") }

func checkRun(r study.Run) error {
	var c checks
	c.uuid("run_id", r.ID)
	c.uuid("session_id", r.SessionID)
	c.user(r.UserID)
	c.add(len(r.Request) > MaxRunBytes, "request", "at most 2 MiB")
	c.add(len(r.Outcome) > MaxRunBytes, "outcome", "at most 2 MiB")
	return c.err()
}

// BeginRun implements Store.
func (s *sqlStore) BeginRun(ctx context.Context, r study.Run, v study.Session, msgs ...study.Message) error {
	if err := checkRun(r); err != nil {
		return err
	}
	r.State = study.RunRunning
	return s.appendWith(ctx, v, msgs, func(ctx context.Context, t tx) error {
		const insert = "INSERT INTO runs (" + runColumns + ") VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8, 0, $9)"
		_, err := t.exec(ctx, insert, []any{strings.ToLower(r.ID), strings.ToLower(r.SessionID), r.UserID, r.Type, r.State, r.Worker,
			[]byte(r.Request), micros(orNow(r.StartedAt)), micros(now())})
		if err != nil {
			return err
		}
		return s.checkQuota(ctx, t, v.UserID)
	})
}

// EndRun implements Store.
func (s *sqlStore) EndRun(ctx context.Context, r study.Run, v study.Session, msgs ...study.Message) error {
	if err := checkRun(r); err != nil {
		return err
	}
	change := func(ctx context.Context, t tx) error {
		const update = "UPDATE runs SET state = $1, request = NULL, outcome = $2, ended_at = $3 WHERE id = $4 AND ended_at = 0"
		_, err := t.exec(ctx, update, []any{r.State, []byte(r.Outcome), micros(orNow(r.EndedAt)), strings.ToLower(r.ID)})
		return err
	}
	if v.ID == "" {
		return s.transact(ctx, change)
	}
	return s.appendWith(ctx, v, msgs, change)
}

// RunByID implements Store.
func (s *sqlStore) RunByID(ctx context.Context, id string) (study.Run, error) {
	if !isUUID(id) {
		return study.Run{}, noRun()
	}
	id = strings.ToLower(id)
	r, err := one(ctx, s, scanRun, "SELECT "+runColumns+" FROM runs WHERE id = $1", id)
	if errors.Is(err, sql.ErrNoRows) {
		return s.executedRun(ctx, id)
	}
	return r, err
}

// executedRun returns a run that BeginRun did not store, from its execution.
func (s *sqlStore) executedRun(ctx context.Context, id string) (study.Run, error) {
	e, err := one(ctx, s, scanExecution, "SELECT num, "+executionColumns+" FROM executions WHERE run_id = $1", id)
	if err != nil {
		return study.Run{}, missing(err, noRun)
	}
	r := study.Run{ID: e.RunID, SessionID: e.SessionID, UserID: e.UserID, Type: e.Type, State: study.RunSucceeded,
		StartedAt: e.CreatedAt, EndedAt: e.CreatedAt.Add(time.Duration(e.Millis) * time.Millisecond)}
	if !e.Success {
		r.State, r.Outcome = study.RunFailed, study.ErrorFields(study.Errorf(e.ErrorCode, "the run failed"))
	}
	return r, nil
}

// NewestRun implements Store.
func (s *sqlStore) NewestRun(ctx context.Context, session string) (study.Run, error) {
	if !isUUID(session) {
		return study.Run{}, noRun()
	}
	const query = "SELECT " + runColumns + " FROM runs WHERE session_id = $1 ORDER BY id DESC LIMIT 1"
	r, err := one(ctx, s, scanRun, query, strings.ToLower(session))
	return r, missing(err, noRun)
}

// KeepRunsAlive implements Store.
func (s *sqlStore) KeepRunsAlive(ctx context.Context, worker string, ids ...string) (ended []string, err error) {
	err = s.transact(ctx, func(ctx context.Context, t tx) error {
		ended = ended[:0]
		for _, id := range ids {
			n, err := t.exec(ctx, "UPDATE runs SET alive_at = $1, worker = $2 WHERE id = $3 AND ended_at = 0", []any{micros(now()), worker, id})
			if err != nil {
				return err
			}
			if n == 0 {
				ended = append(ended, id)
			}
		}
		return nil
	})
	return ended, err
}

// PruneRuns implements Store.
func (s *sqlStore) PruneRuns(ctx context.Context, before time.Time) (removed int64, err error) {
	const prune = "DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE id < $1 ORDER BY id LIMIT $2)"
	for {
		n, err := s.exec(ctx, prune, firstID(before), pruneRows)
		removed += n
		if err != nil || n < pruneRows {
			return removed, err
		}
	}
}

// firstID is the smallest UUID v7 of a time.
func firstID(at time.Time) string {
	ms := uint64(max(at.UnixMilli(), 0)) //nolint:gosec // not negative
	const digits = "0123456789abcdef"
	hex := make([]byte, 12)
	for i := range hex {
		hex[i] = digits[ms>>(44-4*i)&15]
	}
	return string(hex[:8]) + "-" + string(hex[8:])
}
