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

// sqlStore is the Store on any database that speaks SQL. Its statements are such that
// every engine runs them as they are.
type sqlStore struct {
	engine  engine
	options Options
	runs    *recorder
	closing sync.Once
}

// engine is what databases differ in. Its errors have a code, but for sql.ErrNoRows;
// its calls block for at most Options.BusyTimeout.
type engine interface {
	// change runs f in one transaction. It may run f again when the database broke
	// the first transaction off.
	change(ctx context.Context, f func(context.Context, tx) error) error
	// query gives row after row to take until that returns false.
	query(ctx context.Context, take func(scanner) (bool, error), query string, args ...any) error
	// matching writes the query for the numbers below before of a user's passages that hold a word of each group,
	// newest first.
	matching(userID string, groups [][]passages.Word, before int64, limit int) (query string, args []any)
	// picked writes a table of numbers (value), in their order (key), with its argument $1.
	picked(nums []int64) (table string, arg any)
	// index replaces the passages of the note with that number.
	index(ctx context.Context, t tx, note int64, userID string, list []indexedPassage) error
	close() error
}

// tx is a transaction under way.
type tx interface {
	// exec runs a statement once for each list of arguments; rows counts what changed.
	exec(ctx context.Context, query string, each ...[]any) (rows int64, err error)
	// row runs a query of one row; Scan gives sql.ErrNoRows where there is none.
	row(ctx context.Context, query string, args ...any) scanner
	// rows gives row after row to take until that returns false.
	rows(ctx context.Context, take func(scanner) (bool, error), query string, args ...any) error
}

// rowCursor is the rows of any driver's query.
type rowCursor interface {
	scanner
	Next() bool
	Err() error
}

// takeRows gives row after row to take until that returns false.
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

// exec runs one statement in a transaction of its own; rows counts what it changed.
func (s *sqlStore) exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	err = s.transact(ctx, func(ctx context.Context, t tx) error {
		rows, err = t.exec(ctx, query, args)
		return err
	})
	return rows, err
}

// scanner is one row of any driver's.
type scanner interface{ Scan(into ...any) error }

// scan reads one row into a value and marks it.
type scan[T any] func(scanner, *T) (mark, error)

// one reads one row; where there is none, errors.Is(err, sql.ErrNoRows).
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

// list reads rows, one page of them at most.
func list[T any](ctx context.Context, s *sqlStore, scan scan[T], query string, args ...any) ([]T, error) {
	rows, _, err := fill(ctx, s, &sheet[T]{limit: MaxRows}, scan, query, args...)
	return rows, err
}

// page reads a page of the list that is called name. The query's last parameter is
// its LIMIT: one row more than the page holds shows that the list continues.
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

// missing gives sql.ErrNoRows its words.
func missing(err error, words func() error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return words()
	}
	return err
}

// patience bounds an engine's calls and says why one ended early.
type patience struct {
	busy   time.Duration
	wrap   func(error) error // gives an error of the driver a code
	closed atomic.Bool
}

var errWaited = errors.New("waited for longer than the busy timeout")

// bounded gives a call BusyTimeout for all of its waits: for a connection of ours
// and for the locks of others.
func (p *patience) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, p.busy, errWaited)
}

// fail gives the error of a call under bounded a code. The end of its wait explains
// more than the driver does; an *study.Error stays what it is.
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
