package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	driver "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"

	"studysharper/app/study"
)

const (
	idleCloses    = 30 * time.Second // closes an unused connection, which holds up to 512 KiB of pages, and its statements
	openWait      = 10 * time.Second // for the checks at the start
	applicationID = 0x73747564       // set by the first migration
)

// sqlite is the engine for SQLite files. One connection writes. Its transactions take the write lock when they begin: a
// transaction that asks for the lock later fails at once, without waiting, if another process was faster.
type sqlite struct {
	patience
	path    string
	log     *slog.Logger
	write   *sql.DB
	read    *sql.DB
	changes changes
	queue   writeQueue   // orders the writing processes
	walNext atomic.Int64 // Unix ns; the log is not emptied before this time
}

func openSQLite(ctx context.Context, path string, o Options) (*sqlite, error) {
	if err := checkSchema(ctx, path); err != nil {
		return nil, err
	}
	wrap := func(err error) error { return explainCause(path, wrapSQLite(err)) }
	return &sqlite{
		patience: patience{busy: o.BusyTimeout, wrap: wrap}, path: path, log: o.Log, queue: writeQueue{path: path + "-queue", stuckAfter: queueStuck},
		write: pool(dsn(path, "rw", lockStep)+"&_txlock=immediate", 1),
		read:  pool(dsn(path, "rw", o.BusyTimeout)+"&_query_only=1", 2),
	}, nil
}

// sqlitePath parses "sqlite:PATH". An error repeats nothing of the url, which may hold a password.
func sqlitePath(databaseURL string) (string, error) {
	path, ok := strings.CutPrefix(databaseURL, "sqlite:")
	switch {
	case !ok:
		return "", study.Errorf(study.CodeInvalid, "DATABASE_URL: must be sqlite:PATH or postgres://…")
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

// dsn is the data source name for one kind of connection. mode is SQLite's: ro, or rw, which does not create the file.
func dsn(path, mode string, busy time.Duration) string {
	q := url.Values{
		"mode":          {mode},
		"_busy_timeout": {fmt.Sprint(busy.Milliseconds())},
		"_foreign_keys": {"1"},
		"_synchronous":  {"NORMAL"},
		"_defensive":    {"1"},
		"_dqs":          {"0"},
		"_pragma": {
			"cache_size(-512)", "temp_store(MEMORY)", "mmap_size(0)",
			"wal_autocheckpoint(1000)", fmt.Sprintf("journal_size_limit(%d)", walLimit),
		},
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func pool(dsn string, size int) *sql.DB {
	db := sql.OpenDB(connector{dsn})
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxIdleTime(idleCloses)
	return db
}

func (*sqlite) size() string {
	return "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
}

func (s *sqlite) close() error {
	s.closed.Store(true)
	defer s.queue.close()
	return wrapSQLite(errors.Join(s.read.Close(), s.write.Close()))
}

// query implements engine. A read that has begun is not cancelled: its rows are bounded, and watching ctx would make a
// short read 50 % more expensive.
func (s *sqlite) query(ctx context.Context, take func(scanner) (bool, error), query string, args ...any) error {
	wait, cancel := s.bounded(ctx)
	defer cancel()
	conn, err := s.read.Conn(wait)
	if err != nil {
		return s.fail(wait, err)
	}
	defer func() { _ = conn.Close() }()                                         // returns it to the pool
	rows, err := conn.QueryContext(context.WithoutCancel(wait), query, args...) //nolint:rowserrcheck // takeRows checks it
	if err != nil {
		return s.fail(wait, err)
	}
	defer rows.Close()
	return s.fail(wait, takeRows(rows, take))
}

type sqliteTx struct{ tx *sql.Tx }

func (t sqliteTx) exec(ctx context.Context, query string, each ...[]any) (rows int64, err error) {
	for _, args := range each {
		n, err := affected(t.tx.ExecContext(ctx, query, args...))
		if err != nil {
			return 0, err
		}
		rows += n
	}
	return rows, nil
}

func (t sqliteTx) row(ctx context.Context, query string, args ...any) scanner {
	return t.tx.QueryRowContext(ctx, query, args...)
}

func (t sqliteTx) rows(ctx context.Context, take func(scanner) (bool, error), query string, args ...any) error {
	rows, err := t.tx.QueryContext(ctx, query, args...) //nolint:rowserrcheck // takeRows checks it
	if err != nil {
		return err
	}
	defer rows.Close()
	return takeRows(rows, take)
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
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
		return study.Wrap(err, study.CodeInternal, "the database rejected the request")
	}
}

// resultCode is SQLite's primary result code; 0 for an error that is not SQLite's.
func resultCode(err error) int {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}
