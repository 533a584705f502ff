package store

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"studysharper/app/study"
)

// Options bound a Store. A zero field takes the default; a negative one is refused.
type Options struct {
	Log             *slog.Logger  // for background work; default: none
	ExecutionBuffer int           // entries waiting to be written; default 1,024
	FlushEvery      time.Duration // how long an entry waits at most; default 250 ms
	KeepExecutions  time.Duration // default 30 days
	Retention       time.Duration // runs, sessions and executions are removed after this; default: never
	QuotaBytes      int64         // bytes of a user's notes, and the same for all other data; default: no limit
	QuotaItems      int64         // notes, study aids and conversations of a user; default: no limit
	BusyTimeout     time.Duration // longest wait for the database; default 5 s
}

// ErrOldSchema is in the error chain of an Open that fails because Migrate has not run.
var ErrOldSchema = errors.New("the schema is older than this binary's")

// Open opens the migrated database that url names: "sqlite:PATH", or "postgres://USER:PASSWORD@HOST:PORT/DATABASE?…" with
// the parameters of libpq and pool_max_conns (default 4). It returns CodeUnavailable, with a message for the operator, if
// the database is missing, unreachable, damaged, another application's, or of another schema version than this binary's,
// and CodeInvalid for a malformed url. No error repeats the url. It creates nothing. The caller closes the Store.
func Open(ctx context.Context, url string, o Options) (Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	e, err := openEngine(ctx, url, o)
	if err != nil {
		return nil, err
	}
	return newSQLStore(e, o), nil
}

// CheckURL returns CodeInvalid if Open and Migrate could not parse url. It opens nothing, and its error repeats nothing
// of the url.
func CheckURL(url string) error {
	if isPostgres(url) {
		_, err := pgConfig(url)
		return err
	}
	_, err := sqlitePath(url)
	return err
}

func openEngine(ctx context.Context, url string, o Options) (engine, error) {
	if isPostgres(url) {
		return openPostgres(ctx, url, o)
	}
	path, err := sqlitePath(url)
	if err != nil {
		return nil, err
	}
	return openSQLite(ctx, path, o)
}

// Migrate upgrades the database that url names to this binary's schema. It creates SQLite's file (mode 0600) and folder
// (0700) if they are missing. It may be repeated, and called by several processes on several machines at once: they take
// turns. Only the supervisor calls it, before it starts workers. It refuses a database that is damaged, another
// application's, or of a newer schema, as Open does, and leaves it unchanged, a file byte for byte.
func Migrate(ctx context.Context, url string) error {
	if isPostgres(url) {
		return migratePostgres(ctx, url)
	}
	path, err := sqlitePath(url)
	if err != nil {
		return err
	}
	return migrateSQLite(ctx, path)
}

func (o Options) withDefaults() (Options, error) {
	if o.ExecutionBuffer < 0 || o.FlushEvery < 0 || o.KeepExecutions < 0 || o.Retention < 0 || o.QuotaBytes < 0 || o.QuotaItems < 0 || o.BusyTimeout < 0 {
		return o, study.Errorf(study.CodeInvalid, "store options: negative bounds are not accepted")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	o.ExecutionBuffer = orDefault(o.ExecutionBuffer, 1024)
	o.FlushEvery = orDefault(o.FlushEvery, 250*time.Millisecond)
	o.KeepExecutions = orDefault(o.KeepExecutions, 30*24*time.Hour)
	if o.Retention > 0 {
		o.KeepExecutions = min(o.KeepExecutions, o.Retention)
	}
	o.BusyTimeout = orDefault(o.BusyTimeout, 5*time.Second)
	return o, nil
}

func orDefault[T int | time.Duration](v, standard T) T {
	if v == 0 {
		return standard
	}
	return v
}
