package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"studysharper/app/passages"
	"studysharper/app/study"
)

// sqlStore implements Store on any SQL database. Every engine runs its statements unchanged.
type sqlStore struct {
	engine  engine
	options Options
	runs    *recorder
	closing sync.Once
}

// engine abstracts the differences between databases. Its errors have a code, except sql.ErrNoRows; its calls block for
// at most Options.BusyTimeout.
type engine interface {
	// change runs f in one transaction. It may run f again if the database rolled the first transaction back.
	change(ctx context.Context, f func(context.Context, tx) error) error
	// query passes each row to take until take returns false.
	query(ctx context.Context, take func(scanner) (bool, error), query string, args ...any) error
	// matching returns a query for the numbers below before of a user's passages that contain a word of each group,
	// newest first.
	matching(userID string, groups [][]passages.Word, before int64, limit int) (query string, args []any)
	// picked returns a table expression of numbers (value) with their order (key), and its argument $1.
	picked(nums []int64) (table string, arg any)
	// index replaces the passages of the note with this number.
	index(ctx context.Context, t tx, note int64, userID string, list []indexedPassage) error
	// size returns a query for the size of the database in bytes.
	size() string
	close() error
}

// tx is an open transaction.
type tx interface {
	// exec runs a statement once for each list of arguments; rows is how many rows changed.
	exec(ctx context.Context, query string, each ...[]any) (rows int64, err error)
	// row runs a query for one row; Scan returns sql.ErrNoRows if there is none.
	row(ctx context.Context, query string, args ...any) scanner
	// rows passes each row to take until take returns false.
	rows(ctx context.Context, take func(scanner) (bool, error), query string, args ...any) error
}

// rowCursor is implemented by the rows of each driver.
type rowCursor interface {
	scanner
	Next() bool
	Err() error
}

// takeRows passes each row to take until take returns false.
func takeRows(rows rowCursor, take func(scanner) (bool, error)) error {
	for rows.Next() {
		if more, err := take(rows); err != nil || !more {
			return err
		}
	}
	return rows.Err()
}

func newSQLStore(e engine, o Options) *sqlStore {
	s := &sqlStore{engine: e, options: o}
	s.runs = newRecorder(o, s.writeExecutions)
	return s
}

// Ping implements Store.
func (s *sqlStore) Ping(ctx context.Context) error {
	_, err := one(ctx, s, func(row scanner, n *int) (mark, error) { return mark{}, row.Scan(n) }, "SELECT count(*) FROM preferences WHERE user_id = ''")
	return err
}

// Size implements Store.
func (s *sqlStore) Size(ctx context.Context) (int64, error) {
	return one(ctx, s, func(row scanner, bytes *int64) (mark, error) { return mark{}, row.Scan(bytes) }, s.engine.size())
}

// Close implements Store.
func (s *sqlStore) Close() (err error) {
	s.closing.Do(func() {
		s.runs.close()
		err = s.engine.close()
	})
	return err
}

// Run implements Store.
func (s *sqlStore) Run(ctx context.Context) error {
	var tasks sync.WaitGroup
	defer s.runs.flushLast(ctx)
	defer tasks.Wait()
	tasks.Go(func() { s.runs.run(ctx) })
	tasks.Go(func() { s.indexOld(ctx) })
	hourly(ctx, func() { s.pruneOld(ctx); s.forgetAnswers(ctx); s.pruneDevices(ctx); s.pruneTokens(ctx) })
	return nil
}

// exec runs one statement in its own transaction; rows is how many rows changed.
func (s *sqlStore) exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	err = s.transact(ctx, func(ctx context.Context, t tx) error {
		rows, err = t.exec(ctx, query, args)
		return err
	})
	return rows, err
}

// scanner is one row of any driver.
type scanner interface{ Scan(into ...any) error }

// scan reads one row into a value and returns its mark.
type scan[T any] func(scanner, *T) (mark, error)

// one reads one row; if there is none, errors.Is(err, sql.ErrNoRows).
func one[T any](ctx context.Context, s *sqlStore, scan scan[T], query string, args ...any) (v T, err error) {
	found := false
	err = s.selectRows(ctx, func(row scanner) (bool, error) {
		found = true
		_, err := scan(row, &v)
		return false, err
	}, query, args...)
	if err == nil && !found {
		err = study.Wrap(sql.ErrNoRows, study.CodeNotFound, "not found")
	}
	return v, err
}

// list reads rows, at most one page.
func list[T any](ctx context.Context, s *sqlStore, scan scan[T], query string, args ...any) ([]T, error) {
	rows, _, err := fill(ctx, s, &sheet[T]{limit: MaxRows}, scan, query, args...)
	return rows, err
}

// page reads a page of the list with this name. The query's last parameter is its LIMIT, one more than the page's size:
// an extra row shows that the list continues.
func page[T any](ctx context.Context, s *sqlStore, name string, limit int, scan scan[T], query string, args ...any) ([]T, string, error) {
	limit = clampLimit(limit)
	return fill(ctx, s, &sheet[T]{list: name, limit: limit}, scan, query, append(args, limit+1)...)
}

func fill[T any](ctx context.Context, s *sqlStore, into *sheet[T], scan scan[T], query string, args ...any) ([]T, string, error) {
	into.rows = []T{}
	err := s.selectRows(ctx, func(row scanner) (bool, error) {
		var v T
		m, err := scan(row, &v)
		return err == nil && into.take(v, m), err
	}, query, args...)
	if err != nil {
		return nil, "", err
	}
	return into.rows, into.next, nil
}

// missing replaces sql.ErrNoRows with the error of words.
func missing(err error, words func() error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return words()
	}
	return err
}

// patience bounds the duration of an engine's calls and explains why a call ended early.
type patience struct {
	busy   time.Duration
	wrap   func(error) error // gives a driver's error a code
	closed atomic.Bool
}

var errWaited = errors.New("waited for longer than the busy timeout")

// bounded limits all waits of a call, for a connection and for locks, to BusyTimeout together.
func (p *patience) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, p.busy, errWaited)
}

// fail gives the error of a bounded call a code. If the wait has ended, that explains more than the driver's error; a
// *study.Error is returned unchanged.
func (p *patience) fail(wait context.Context, err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return study.Wrap(err, study.CodeNotFound, "not found")
	}
	if wait.Err() == nil {
		if p.closed.Load() {
			return study.Wrap(err, study.CodeUnavailable, "the store is closed")
		}
		return p.wrap(err)
	}
	cause := context.Cause(wait)
	switch {
	case errors.Is(cause, errWaited):
		return study.Wrap(cause, study.CodeUnavailable, "the database is busy")
	case errors.Is(cause, context.DeadlineExceeded):
		return study.Wrap(cause, study.CodeTimeout, "the database did not answer in time")
	default:
		return study.Wrap(cause, study.CodeUnavailable, "the caller stopped waiting for the database")
	}
}
