package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"studysharper/app/store/postgrestest"
	"studysharper/app/study"
)

func TestOpeningPostgreSQL(t *testing.T) {
	server := postgrestest.Start(t)
	for name, test := range map[string]func(*testing.T, *postgrestest.Server){
		"ProcessesThatMigrateAtOnceTakeTurns":       migrateAtOnce,
		"MigrateWaitsForItsTurnUntilTheContextEnds": migrateWaits,
		"ADatabaseThatIsNotOursIsRefused":           notOurs,
		"AnErrorAtOpenIsClearAndKeepsTheSecret":     openErrors,
	} {
		t.Run(name, func(t *testing.T) { test(t, server) })
	}
}

func migrateAtOnce(t *testing.T, server *postgrestest.Server) {
	url := server.Database(t)
	concurrently(6, func() {
		if err := Migrate(t.Context(), url); err != nil {
			t.Error(err)
		}
	})
	s, err := Open(t.Context(), url, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := errors.Join(note(t.Context(), s), Migrate(t.Context(), url)); err != nil {
		t.Errorf("beside an open store: %v", err)
	}
}

func migrateWaits(t *testing.T, server *postgrestest.Server) {
	b := benchOn(t, server, Options{})
	defer b.hold(t, fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", pgLock))()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := Migrate(ctx, b.url); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline", err)
	}
}

func notOurs(t *testing.T, server *postgrestest.Server) {
	need := pgNewest()
	for _, test := range []struct {
		name, statement string
		migrated        bool
		words           string
		migrates        bool
	}{
		{"an empty database", "", false, fmt.Sprintf("schema 0, this binary needs %d: start the supervisor", need), true},
		{"a newer schema", fmt.Sprintf("INSERT INTO studysharper_versions (version_id, is_applied) VALUES (%d, true)", need+1), true,
			fmt.Sprintf("schema %d, this binary needs %d: start a newer studysharper", need+1, need), false},
		{"tables of the same names", "CREATE TABLE notes (theirs int)", false, "another application's", false},
		{"tables of other names", "CREATE TABLE theirs (a int)", false, "schema 0", true},
		{"another goose's", "CREATE TABLE goose_db_version (version_id int)", false, "schema 0", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := server.Database(t)
			if test.migrated {
				if err := Migrate(t.Context(), url); err != nil {
					t.Fatal(err)
				}
			}
			server.Exec(t, url, test.statement)
			if _, err := Open(t.Context(), url, Options{}); !unavailable(err) || !strings.Contains(err.Error(), test.words) {
				t.Errorf("Open: %v, want …%s…", err, test.words)
			}
			if err := Migrate(t.Context(), url); (err == nil) != test.migrates || err != nil && !strings.Contains(err.Error(), test.words) {
				t.Errorf("Migrate: %v", err)
			}
		})
	}
	server.Exec(t, server.URL("postgres", postgrestest.Password), "CREATE DATABASE bytes TEMPLATE template0 ENCODING SQL_ASCII")
	err := Migrate(t.Context(), server.URL("bytes", postgrestest.Password))
	if !unavailable(err) || !strings.Contains(err.Error(), "encoding is not UTF8") {
		t.Errorf("a database without an encoding: %v", err)
	}
}

func openErrors(t *testing.T, server *postgrestest.Server) {
	for name, test := range map[string]struct{ url, words string }{
		"a wrong password":         {server.URL("postgres", "hunter2"), "refuses the user or the password"},
		"not a database":           {server.URL("hunter2", postgrestest.Password), "the database does not exist"},
		"a host that is not known": {"postgres://u:hunter2@hunter2.invalid/x", "the host is not known"},
		"a port that is closed":    {"postgres://u:hunter2@127.0.0.1:1/x", "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(t.Context(), test.url, Options{})
			for _, err := range []error{err, Migrate(t.Context(), test.url)} {
				if !unavailable(err) || !strings.Contains(err.Error(), test.words) {
					t.Errorf("error %v, want unavailable: …%s…", err, test.words)
				}
				if said := fmt.Sprintf("%+v %s", err, study.AsError(err).Message); strings.Contains(said, "hunter2") || strings.Contains(said, "tester") {
					t.Errorf("%s repeats the url", said)
				}
			}
		})
	}
}
