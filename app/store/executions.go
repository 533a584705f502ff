package store

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"studysharper/app/study"
)

const (
	pruneFirst = time.Minute
	pruneEvery = time.Hour
	pruneRows  = 500                  // rows per transaction
	maxRunText = 4 * study.MaxIDRunes // bytes of each text in an execution: a user_id fits
)

const executionColumns = "run_id, user_id, session_id, type, success, error_code, millis, tokens, model, created_at, cost"

func scanExecution(row scanner, e *study.Execution) (mark, error) {
	var num, created int64
	err := row.Scan(&num, &e.RunID, &e.UserID, &e.SessionID, &e.Type, &e.Success, &e.ErrorCode,
		&e.Millis, &e.Tokens, &e.Model, &created, &e.Cost)
	e.CreatedAt = fromMicros(created)
	return mark{place: place{at: created, num: num}}, err
}

// RecordExecution implements Store. It copies the texts, because they may point into a buffer that the HTTP server
// reuses.
func (s *sqlStore) RecordExecution(e study.Execution) {
	for _, text := range []*string{&e.RunID, &e.UserID, &e.SessionID, (*string)(&e.Type), (*string)(&e.ErrorCode), &e.Model} {
		*text = strings.Clone(sanitize(*text, maxRunText))
	}
	e.CreatedAt = orNow(e.CreatedAt)
	s.runs.add(e)
}

// ExecutionsDropped implements Store.
func (s *sqlStore) ExecutionsDropped() uint64 { return s.runs.lost() }

func (s *sqlStore) writeExecutions(ctx context.Context, entries []study.Execution) error {
	const insert = "INSERT INTO executions (" + executionColumns + ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
	hours := sumHours(entries)
	rows := make([][]any, len(entries))
	for i, e := range entries {
		rows[i] = []any{e.RunID, e.UserID, e.SessionID, e.Type, e.Success, e.ErrorCode,
			e.Millis, e.Tokens, e.Model, micros(e.CreatedAt), e.Cost}
	}
	return s.transact(ctx, func(ctx context.Context, t tx) error {
		if _, err := t.exec(ctx, insert, rows...); err != nil {
			return err
		}
		if err := hours.addTo(ctx, t); err != nil {
			return err
		}
		return countTokens(ctx, t, entries)
	})
}

// Failures implements Store.
func (s *sqlStore) Failures(ctx context.Context, p Page) ([]study.Execution, string, error) {
	var c checks
	from := c.before("failures", p.Before)
	if err := c.err(); err != nil {
		return nil, "", err
	}
	const query = "SELECT num, " + executionColumns + ` FROM executions
		WHERE NOT success AND (created_at, num) < ($1, $2) ORDER BY created_at DESC, num DESC LIMIT $3`
	return page(ctx, s, "failures", p.Limit, scanExecution, query, from.at, from.num)
}

// Activity implements Store.
func (s *sqlStore) Activity(ctx context.Context, userID string, p Page) ([]study.Execution, string, error) {
	var c checks
	c.user(userID)
	from := c.before("activity", p.Before)
	if err := c.err(); err != nil {
		return nil, "", err
	}
	const query = "SELECT num, " + executionColumns + ` FROM executions
		WHERE user_id = $1 AND (created_at, num) < ($2, $3) ORDER BY created_at DESC, num DESC LIMIT $4`
	return page(ctx, s, "activity", p.Limit, scanExecution, query, userID, from.at, from.num)
}

// Prune implements Store.
func (s *sqlStore) Prune(ctx context.Context, before time.Time) (removed int64, err error) {
	const remove = `DELETE FROM executions WHERE num IN (
		SELECT num FROM executions WHERE created_at < $1 ORDER BY created_at LIMIT $2)`
	for {
		n, err := s.exec(ctx, remove, micros(before), pruneRows)
		if removed += n; err != nil {
			return removed, err
		}
		if n < pruneRows {
			_, err = s.exec(ctx, "DELETE FROM execution_hours WHERE hour < $1", hourOf(before))
			return removed, err
		}
	}
}

// pruneOld removes executions older than KeepExecutions and runs older than Retention.
func (s *sqlStore) pruneOld(ctx context.Context) {
	_, err := s.Prune(ctx, time.Now().Add(-s.options.KeepExecutions))
	if err == nil && s.options.Retention > 0 {
		if _, err = s.PruneRuns(ctx, time.Now().Add(-s.options.Retention)); err == nil {
			_, err = s.PruneSessions(ctx, time.Now().Add(-s.options.Retention))
		}
	}
	if err != nil && ctx.Err() == nil {
		s.options.Log.Warn("removing old executions, runs and sessions failed", "error", err)
	}
}

// hourly calls task every hour until ctx ends. The first call is after a minute, because a worker may live for less than
// an hour.
func hourly(ctx context.Context, task func()) {
	for wait := pruneFirst; ; wait = pruneEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			task()
		}
	}
}

const (
	flushAt    = 512             // this many entries are written without waiting for FlushEvery
	flushRetry = time.Second     // after a failed flush
	lastFlush  = 2 * time.Second // the time limit of the last flush
)

// recorder holds finished runs in memory until write has stored them, so that no request waits for the disk. Every
// database engine uses it.
type recorder struct {
	bound int
	every time.Duration
	log   *slog.Logger
	write func(context.Context, []study.Execution) error

	first chan struct{} // signals the first waiting entry
	full  chan struct{} // signals flushAt waiting entries

	writing sync.Mutex // held during a flush, so that Close waits for it

	mu      sync.Mutex // guards the fields below
	waiting []study.Execution
	dropped uint64
	closed  bool
}

func newRecorder(o Options, write func(context.Context, []study.Execution) error) *recorder {
	return &recorder{
		bound: o.ExecutionBuffer, every: o.FlushEvery, log: o.Log, write: write,
		first: make(chan struct{}, 1), full: make(chan struct{}, 1),
	}
}

func (r *recorder) add(e study.Execution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		r.dropped++
		return
	}
	r.waiting = append(r.waiting, e)
	r.trim()
	wake(r.first)
	if len(r.waiting) >= min(flushAt, r.bound) {
		wake(r.full)
	}
}

// trim drops the oldest entries above the bound. Callers hold mu.
func (r *recorder) trim() {
	if over := len(r.waiting) - r.bound; over > 0 {
		r.dropped += uint64(over)
		clear(r.waiting[:over])
		r.waiting = r.waiting[over:]
	}
}

// run flushes entries until ctx ends. It has no ticker, so that an idle worker uses no CPU time.
func (r *recorder) run(ctx context.Context) {
	var due <-chan time.Time
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.first:
			if due == nil {
				due = time.After(r.every)
			}
			continue
		case <-r.full:
			if failing { // the retry has its own timer
				continue
			}
		case <-due:
		}
		due = nil
		err := r.flush(ctx)
		if err != nil && ctx.Err() == nil {
			due = time.After(flushRetry)
			if !failing {
				r.log.Warn("writing executions failed; retrying", "error", err)
			}
		}
		failing = err != nil
	}
}

// flush writes the waiting entries. Entries that could not be written wait for the next flush, up to the bound.
func (r *recorder) flush(ctx context.Context) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	taken := r.take()
	if len(taken) == 0 {
		return nil
	}
	err := r.write(ctx, taken)
	if err != nil {
		r.putBack(taken)
	}
	return err
}

func (r *recorder) take() []study.Execution {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.waiting
	r.waiting = nil
	return taken
}

func (r *recorder) putBack(taken []study.Execution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(taken, r.waiting...)
	r.trim()
}

// flushLast makes the last flush, after ctx has ended.
func (r *recorder) flushLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
	defer cancel()
	if err := r.flush(ctx); err != nil {
		r.log.Warn("writing executions failed at shutdown", "error", err)
	}
}

// close refuses further entries and writes the waiting ones.
func (r *recorder) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.flushLast(context.Background())
}

func (r *recorder) lost() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}

// wake signals c without blocking; a goroutine that waits on c later still sees the signal.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
