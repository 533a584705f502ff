package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	driver "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"

	"studysharper/app/study"
)

const (
	idleCloses    = time.Minute      // an unused connection; each keeps up to 1 MiB of pages
	openWait      = 10 * time.Second // for the checks at start
	applicationID = 0x73747564       // as in the first migration
)

// sqlite is the Store on one SQLite file. One connection writes: its transactions
// take the write lock when they begin, since one that asks for it later fails
// at once, without waiting, when another process was faster.
type sqlite struct {
	path    string
	options Options
	write   *sql.DB
	read    *sql.DB
	runs    *recorder
	yield   atomic.Int64 // Unix ns before which no transaction begins
	walNext atomic.Int64 // Unix ns before which the log is not emptied
	closing sync.Once
	closed  atomic.Bool
}

func openSQLite(ctx context.Context, path string, o Options) (*sqlite, error) {
	if err := checkSchema(ctx, path); err != nil {
		return nil, err
	}
	s := &sqlite{path: path, options: o}
	s.runs = newRecorder(o, s.writeExecutions)
	s.write = pool(dsn(path, "rw", lockStep)+"&_txlock=immediate", 1)
	s.read = pool(dsn(path, "rw", o.BusyTimeout)+"&_query_only=1", 2)
	return s, nil
}

// sqlitePath reads "sqlite:PATH". No part of a url it refuses is repeated: it may
// hold a password.
func sqlitePath(databaseURL string) (string, error) {
	path, ok := strings.CutPrefix(databaseURL, "sqlite:")
	switch {
	case !ok:
		return "", study.Errorf(study.CodeInvalid, "DATABASE_URL: accepted is sqlite:PATH")
	case path == "" || strings.HasSuffix(path, "/") || strings.HasPrefix(path, ":memory:"):
		return "", study.Errorf(study.CodeInvalid, "DATABASE_URL: sqlite: needs the path of a file")
	case strings.HasPrefix(path, "//"):
		return "", study.Errorf(study.CodeInvalid, "DATABASE_URL: write sqlite:PATH, without //")
	case strings.ContainsAny(path, "?#\x00"):
		return "", study.Errorf(study.CodeInvalid, "DATABASE_URL: sqlite:PATH takes no parameters")
	}
	abs, err := filepath.Abs(path)
	return abs, study.Wrap(err, study.CodeInvalid, "DATABASE_URL: the path cannot be resolved")
}

// dsn names the file for one kind of connection. mode is SQLite's: ro, or rw, which
// does not create the file either.
func dsn(path, mode string, busy time.Duration) string {
	q := url.Values{
		"mode":          {mode},
		"_busy_timeout": {fmt.Sprint(busy.Milliseconds())},
		"_foreign_keys": {"1"},
		"_synchronous":  {"NORMAL"},
		"_defensive":    {"1"},
		"_dqs":          {"0"},
		"_pragma": {
			"cache_size(-1024)", "temp_store(MEMORY)", "mmap_size(0)",
			"wal_autocheckpoint(1000)", fmt.Sprintf("journal_size_limit(%d)", walLimit),
		},
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func pool(dsn string, size int) *sql.DB {
	db, err := sql.Open("sqlite", dsn)
	if err != nil { // only for a driver that is not linked in
		panic(err)
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxIdleTime(idleCloses)
	return db
}

// Ping implements Store.
func (s *sqlite) Ping(ctx context.Context) error {
	_, err := one(ctx, s, func(row scanner, n *int) (int, error) { return 0, row.Scan(n) }, "SELECT 1 FROM sqlite_schema LIMIT 1")
	return err
}

// Close implements Store.
func (s *sqlite) Close() (err error) {
	s.closing.Do(func() {
		s.runs.close()
		s.closed.Store(true)
		err = wrapSQLite(errors.Join(s.read.Close(), s.write.Close()))
	})
	return err
}

// Run implements Store.
func (s *sqlite) Run(ctx context.Context) error {
	var tasks sync.WaitGroup
	defer s.runs.flushLast(ctx)
	defer tasks.Wait()
	tasks.Go(func() { s.runs.run(ctx) })
	hourly(ctx, func() { s.pruneOld(ctx) })
	return nil
}

// bounded gives a call BusyTimeout for all of its waits: for a connection of ours
// and for the lock of another process.
func (s *sqlite) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.options.BusyTimeout, errWaited)
}

var errWaited = errors.New("waited for longer than the busy timeout")

// change runs f in one transaction of the writer.
func (s *sqlite) change(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	wait, cancel := s.bounded(ctx)
	defer cancel()
	conn, err := untilFree(wait, func() (*sql.Conn, error) { return s.write.Conn(wait) })
	if err != nil {
		return s.fail(wait, err)
	}
	defer func() { _ = conn.Close() }() // back to the pool, which deals with a broken one
	s.boundWAL(wait, conn)
	pause(wait, time.Until(time.Unix(0, s.yield.Load())))
	tx, err := untilFree(wait, func() (*sql.Tx, error) { return conn.BeginTx(wait, nil) })
	if err != nil {
		return s.fail(wait, err)
	}
	defer s.yieldAfter(time.Now())
	defer tx.Rollback() // does nothing after Commit
	if err := f(wait, tx); err != nil {
		return s.fail(wait, err)
	}
	return s.fail(wait, tx.Commit())
}

// exec runs one statement in a transaction of its own; rows counts what it changed.
func (s *sqlite) exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err = affected(tx.ExecContext(ctx, query, args...))
		return err
	})
	return rows, err
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(into ...any) error }

// scan reads one row and says how many bytes of text it holds.
type scan[T any] func(scanner, *T) (bytes int, err error)

// one reads one row; where there is none, errors.Is(err, sql.ErrNoRows).
func one[T any](ctx context.Context, s *sqlite, scan scan[T], query string, args ...any) (v T, err error) {
	wait, cancel := s.bounded(ctx)
	defer cancel()
	_, err = scan(s.read.QueryRowContext(wait, query, args...), &v)
	return v, s.fail(wait, err)
}

// list reads rows until there are no more or they would exceed MaxListBytes.
func list[T any](ctx context.Context, s *sqlite, scan scan[T], query string, args ...any) ([]T, error) {
	wait, cancel := s.bounded(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(wait, query, args...)
	if err != nil {
		return nil, s.fail(wait, err)
	}
	defer rows.Close()
	out, total := []T{}, 0
	for rows.Next() {
		var v T
		bytes, err := scan(rows, &v)
		if err != nil {
			return nil, s.fail(wait, err)
		}
		if total += bytes; total > MaxListBytes && len(out) > 0 {
			return out, nil
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, s.fail(wait, err)
	}
	return out, nil
}

// missing gives sql.ErrNoRows its words.
func missing(err error, words func() error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return words()
	}
	return err
}

// fail is wrap for a call under bounded, whose end explains more than the driver does.
func (s *sqlite) fail(wait context.Context, err error) error {
	if err == nil || wait.Err() == nil {
		return s.wrap(err)
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

// wrap gives an error of the database a code. An *study.Error stays what it is.
func (s *sqlite) wrap(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return study.Wrap(err, study.CodeNotFound, "not found")
	}
	if err != nil && s.closed.Load() {
		return study.Wrap(err, study.CodeUnavailable, "the store is closed")
	}
	return wrapSQLite(err)
}

func wrapSQLite(err error) error {
	const away = study.CodeUnavailable
	switch resultCode(err) {
	case code.SQLITE_BUSY, code.SQLITE_LOCKED, code.SQLITE_PROTOCOL:
		return study.Wrap(err, away, "the database is locked")
	case code.SQLITE_FULL:
		return study.Wrap(err, away, "the disk is full")
	case code.SQLITE_CORRUPT, code.SQLITE_NOTADB:
		return study.Wrap(err, away, "the database file is damaged")
	case code.SQLITE_CANTOPEN, code.SQLITE_IOERR, code.SQLITE_READONLY, code.SQLITE_PERM, code.SQLITE_NOMEM:
		return study.Wrap(err, away, "the database cannot be used")
	default:
		return study.Wrap(err, study.CodeInternal, "the database refused")
	}
}

// resultCode is SQLite's primary result code; 0 for an error of anyone else's.
func resultCode(err error) int {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
