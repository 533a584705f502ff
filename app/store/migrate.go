package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	code "modernc.org/sqlite/lib"

	"studysharper/app/study"
)

//go:embed migrations
var migrations embed.FS

// Folders of the databases' migrations, to which libraryMigration is added in code.
const (
	liteMigrations = "migrations/sqlite" // without number 4, whose index number 8 replaces
	pgMigrations   = "migrations/postgres"
)

// maxChecked is the largest file whose integrity is checked completely before a start. The check reads the whole file (10
// MB took 40 ms), and a start should take less than a second.
const maxChecked = 64 << 20

func migrateSQLite(ctx context.Context, path string) error {
	return explainPath(path, migrateFile(ctx, path))
}

func migrateFile(ctx context.Context, path string) error {
	const message = "the database folder cannot be used"
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return study.Wrap(err, study.CodeUnavailable, message)
	}
	unlock, err := lockFolder(ctx, folder)
	if err != nil {
		return study.Wrap(err, study.CodeUnavailable, message)
	}
	defer unlock()
	if err := createFile(path); err != nil {
		return study.Wrap(err, study.CodeUnavailable, "the database file cannot be created")
	}
	if _, err := checkFile(ctx, path); err != nil {
		return err
	}
	return applySQLite(ctx, path)
}

// lockFolder serialises processes that migrate. It locks the folder itself, so it leaves no lock file behind, and the
// kernel frees the lock when the process ends.
func lockFolder(ctx context.Context, folder string) (unlock func(), err error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// createFile creates an empty file that only its owner may read; SQLite gives its other files the same mode. It does not
// open an existing file: closing it would release this process's locks on it.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// checkFile refuses a file that migrations must not change, and returns its schema version. It only reads.
func checkFile(ctx context.Context, path string) (have int64, err error) {
	info, err := os.Stat(path)
	if err != nil || info.Size() == 0 {
		return 0, study.Wrap(err, study.CodeUnavailable, "the database file cannot be read")
	}
	db := pool(readingDSN(path), 1)
	defer db.Close()
	have, err = schemaOf(ctx, db)
	if err == nil && have > liteSchema() {
		err = schemaError(have, liteSchema())
	}
	if err == nil && info.Size() <= maxChecked {
		err = quickCheck(ctx, db)
	}
	return have, wrapFile(path, err)
}

func quickCheck(ctx context.Context, db *sql.DB) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return study.Wrap(errors.New(found), study.CodeUnavailable, damaged)
	}
	return nil
}

const damaged = "the database file is damaged; it was left as it is, restore a backup"

// checkSchema refuses a database whose schema version differs from this binary's.
func checkSchema(ctx context.Context, path string) error {
	return explainPath(path, checkVersion(ctx, path))
}

func checkVersion(ctx context.Context, path string) error {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return study.Wrap(errors.Join(err, errors.New(path)), study.CodeUnavailable,
			"the database file is missing or no file; the supervisor creates it when it starts")
	}
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	// A separate pool, so that an unused store holds no connection.
	db := pool(dsn(path, "rw", openWait)+"&_query_only=1", 1)
	defer db.Close()
	have, err := schemaOf(ctx, db)
	if err == nil && have != liteSchema() {
		err = schemaError(have, liteSchema())
	}
	return wrapFile(path, err)
}

// schemaOf returns the schema version that migrations recorded; 0 for an empty database.
func schemaOf(ctx context.Context, db *sql.DB) (version int64, err error) {
	var application, tables, versioned int64
	const survey = `SELECT (SELECT application_id FROM pragma_application_id),
		count(*) FILTER (WHERE name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version'),
		count(*) FILTER (WHERE name = 'goose_db_version')
		FROM sqlite_schema WHERE type = 'table'`
	if err := db.QueryRowContext(ctx, survey).Scan(&application, &tables, &versioned); err != nil {
		return 0, err
	}
	if application != applicationID && tables > 0 {
		return 0, study.Errorf(study.CodeUnavailable, "the database file belongs to another application")
	}
	if versioned == 0 {
		return 0, nil
	}
	const newest = "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied = 1"
	err = db.QueryRowContext(ctx, newest).Scan(&version)
	return version, err
}

func schemaError(have, need int64) *study.Error {
	const message = "the database has schema %d, this binary needs %d: %s"
	if have > need {
		return study.Errorf(study.CodeUnavailable, message, have, need, "start a newer studysharper, or restore an older backup")
	}
	e := study.Errorf(study.CodeUnavailable, message, have, need, "start the supervisor, which migrates it")
	e.Cause = ErrOldSchema
	return e
}

func wrapFile(path string, err error) error {
	if err == nil {
		return nil
	}
	e := study.AsError(wrapSQLite(err))
	if c := resultCode(err); c == code.SQLITE_CORRUPT || c == code.SQLITE_NOTADB {
		e.Message = damaged
	}
	switch {
	case e.Cause == nil:
		e.Cause = errors.New(path)
	case errors.Is(e.Cause, ErrOldSchema):
		e.Cause = fmt.Errorf("%s: %w", path, ErrOldSchema)
	}
	return e
}

// liteSchema is the number of the newest SQLite migration.
func liteSchema() int64 { return max(binarySchema(liteMigrations), liteLibraryVersion) }

// binarySchema is the number of the newest embedded migration in a folder.
func binarySchema(folder string) (newest int64) {
	entries, err := migrations.ReadDir(folder)
	if err != nil { // embedded files can always be read
		panic(err)
	}
	for _, e := range entries {
		var n int64
		if _, err := fmt.Sscanf(e.Name(), "%d_", &n); err != nil {
			panic(err)
		}
		newest = max(newest, n)
	}
	return newest
}

func applySQLite(ctx context.Context, path string) error {
	db := pool(dsn(path, "rw", openWait)+"&_txlock=immediate&_journal_mode=WAL", 1)
	defer db.Close()
	return study.Wrap(applyMigrations(ctx, goose.DialectSQLite3, db, liteMigrations, goose.WithGoMigrations(libraryMigration(liteLibraryVersion))), study.CodeUnavailable, notMigrated)
}

const notMigrated = "the database could not be migrated"

func applyMigrations(ctx context.Context, d goose.Dialect, db *sql.DB, folder string, o ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(d, db, files, append(o, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}
