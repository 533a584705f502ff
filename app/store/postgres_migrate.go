package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"studysharper/app/study"
)

const (
	pgVersions = "studysharper_versions" // the table of migrations; its presence identifies our database
	pgLock     = 0x73747564              // the advisory lock of migrations; the same number as SQLite's application id
)

// migratePostgres migrates under a lock that belongs to a transaction: unlike a connection's lock, it also works through
// a proxy, and it ends with the process.
func migratePostgres(ctx context.Context, url string) error {
	c, err := pgConfig(url)
	if err != nil {
		return err
	}
	return withConn(ctx, c.ConnConfig, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, fmt.Sprintf("BEGIN; SELECT pg_advisory_xact_lock(%d)", pgLock)); err != nil {
			return err
		}
		have, err := pgSchema(ctx, conn)
		need := pgNewest()
		switch {
		case err != nil || have == need:
			return err
		case have > need:
			return schemaError(have, need)
		default:
			return applyPostgres(ctx, c.ConnConfig)
		}
	})
}

func applyPostgres(ctx context.Context, c *pgx.ConnConfig) error {
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(1)
	defer db.Close()
	return applyMigrations(ctx, goose.DialectPostgres, db, pgMigrations, goose.WithTableName(pgVersions), goose.WithGoMigrations(libraryMigration(pgLibraryVersion)))
}

// pgNewest is the number of the newest PostgreSQL migration.
func pgNewest() int64 { return max(binarySchema(pgMigrations), pgLibraryVersion) }

// checkPostgres refuses a database whose schema version differs from this binary's.
func checkPostgres(ctx context.Context, c *pgx.ConnConfig) error {
	ctx, cancel := context.WithTimeoutCause(ctx, openWait, errWaited)
	defer cancel()
	return withConn(ctx, c, func(conn *pgx.Conn) error {
		have, err := pgSchema(ctx, conn)
		if need := pgNewest(); err == nil && have != need {
			err = schemaError(have, need)
		}
		return err
	})
}

// withConn runs do with a separate connection and closes it afterwards, so that an unused store holds none.
func withConn(ctx context.Context, c *pgx.ConnConfig, do func(*pgx.Conn) error) error {
	within := patience{wrap: wrapPostgres}
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return within.fail(ctx, err)
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), pgRollback)
		defer cancel()
		_ = conn.Close(end) // an open transaction ends with it in any case
	}()
	return within.fail(ctx, do(conn))
}

// pgSchema returns the schema version that migrations recorded; 0 for a database without our tables.
func pgSchema(ctx context.Context, conn *pgx.Conn) (version int64, err error) {
	var encoding string
	var versioned, ours int
	const survey = `SELECT current_setting('server_encoding'),
		count(*) FILTER (WHERE tablename = 'studysharper_versions'),
		count(*) FILTER (WHERE tablename IN ('notes', 'note_words', 'passages', 'sessions', 'messages', 'contents', 'feedback', 'preferences', 'executions'))
		FROM pg_tables WHERE schemaname = current_schema()`
	if err := conn.QueryRow(ctx, survey).Scan(&encoding, &versioned, &ours); err != nil {
		return 0, err
	}
	switch {
	case encoding != "UTF8":
		return 0, study.Errorf(study.CodeUnavailable, "the database's encoding is not UTF8")
	case versioned == 0 && ours > 0:
		return 0, study.Errorf(study.CodeUnavailable, "the database contains another application's tables of the same names: use a separate database or schema")
	case versioned == 0:
		return 0, nil
	}
	const newest = "SELECT coalesce(max(version_id), 0) FROM studysharper_versions WHERE is_applied"
	err = conn.QueryRow(ctx, newest).Scan(&version)
	return version, err
}
