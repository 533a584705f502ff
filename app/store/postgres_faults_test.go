package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"studysharper/app/store/postgrestest"
	"studysharper/app/study"
)

// bench is a store on its own database.
type bench struct {
	*sqlStore
	*postgres
	server *postgrestest.Server
	url    string
}

func benchOn(t *testing.T, server *postgrestest.Server, o Options) bench {
	t.Helper()
	url := server.Database(t)
	if err := Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	whole := s.(*sqlStore)
	return bench{whole, whole.engine.(*postgres), server, url}
}

// hold runs statements in another client's transaction, which stays open until release is
// called.
func (b bench) hold(t *testing.T, statements ...string) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range append([]string{"BEGIN"}, statements...) {
		if _, err := conn.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	return func() { conn.Close(context.Background()) }
}

// count queries the database directly.
func (b bench) count(t *testing.T, from string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM "+from).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const others = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

func TestPostgreSQLFaults(t *testing.T) {
	server := postgrestest.Start(t)
	for name, test := range map[string]func(*testing.T, *postgrestest.Server){
		"AServerThatIsAwayFailsQuicklyAndIsUsedAgainWhenItIsBack": serverAway,
		"ConnectionsThatAreCutCostOneCallAtMost":                  connectionsCut,
		"ALockHeldByAnotherEndsInUnavailableAfterTheBusyTimeout":  lockHeld,
		"TheCallersDeadlineEndsTheStatementOnTheServerToo":        deadline,
		"ADeadlockIsTriedAgain":                                   deadlock,
		"ConnectionsAreOpenedOnUseOnlyAndBounded":                 connectionsBounded,
		"SessionsOfOneTimeArePagedToo":                            sessionsTied,
		"AnswersAreForgottenAfterADay":                            answersForgotten,
		"AnErrorKeepsWhatTheStudentWrote":                         errorsAreMute,
	} {
		t.Run(name, func(t *testing.T) { test(t, server) })
	}
}

func serverAway(t *testing.T, server *postgrestest.Server) {
	b := benchOn(t, server, Options{})
	if err := note(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	for range 2 * pgConnections {
		for _, err := range []error{note(t.Context(), b), b.Ping(t.Context())} {
			if !unavailable(err) || !strings.Contains(err.Error(), "cannot be reached") {
				t.Errorf("error %v, want unavailable", err)
			}
		}
	}
	b.RecordExecution(study.Execution{RunID: "r", UserID: "ada"})
	server.Resume(t)
	if err := errors.Join(note(t.Context(), b), b.Ping(t.Context())); err != nil {
		t.Errorf("with the server back: %v", err)
	}
	b.runs.flushLast(t.Context())
	if runs, _, err := b.Activity(t.Context(), "ada", Page{}); err != nil || len(runs) != 1 {
		t.Errorf("%d runs recorded meanwhile, %v", len(runs), err)
	}
}

func connectionsCut(t *testing.T, server *postgrestest.Server) {
	b := benchOn(t, server, Options{})
	concurrently(pgConnections, func() { b.count(t, others); _ = b.Ping(t.Context()) })
	server.Exec(t, b.url, "SELECT pg_terminate_backend(pid) FROM "+others)
	failed := 0
	for range 2 * pgConnections {
		if err := b.Ping(t.Context()); err != nil {
			failed++
		}
	}
	if failed > 1 {
		t.Errorf("%d calls failed, want 1 at most", failed)
	}
}

func concurrently(n int, do func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(do)
	}
	all.Wait()
}

func lockHeld(t *testing.T, server *postgrestest.Server) {
	const busy = 500 * time.Millisecond
	b := benchOn(t, server, Options{BusyTimeout: busy})
	release := b.hold(t, "LOCK TABLE notes IN SHARE ROW EXCLUSIVE MODE")
	const callers = 20 * pgConnections // many more than there are connections: they must not add up each other's waits
	concurrently(callers, func() {
		begin := time.Now()
		if err := note(t.Context(), b); !unavailable(err) || !strings.Contains(err.Error(), "busy") {
			t.Errorf("error %v, want unavailable: busy", err)
		}
		if took := time.Since(begin); took < busy/2 || took > callers/pgConnections/2*busy {
			t.Errorf("took %v, want about %v", took, busy)
		}
	})
	if _, _, err := b.Notes(t.Context(), NoteQuery{UserID: "ada"}); err != nil {
		t.Errorf("a reader beside a held lock: %v", err)
	}
	if n := b.count(t, others+" AND wait_event_type = 'Lock'"); n != 0 {
		t.Errorf("%d statements that were given up still wait", n)
	}
	release()
	if err := note(t.Context(), b); err != nil {
		t.Errorf("after the lock is gone: %v", err)
	}
	if n := b.count(t, "notes"); n != 1 {
		t.Errorf("%d notes, want the one acknowledged", n)
	}
}

func deadline(t *testing.T, server *postgrestest.Server) {
	b := benchOn(t, server, Options{})
	defer b.hold(t, "LOCK TABLE notes")()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := b.Notes(ctx, NoteQuery{UserID: "ada"})
	if study.AsError(err).Code != study.CodeTimeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want timeout", err)
	}
	if n := b.count(t, others+" AND wait_event_type = 'Lock'"); n != 0 {
		t.Errorf("%d statements that were given up still wait", n)
	}
}

func deadlock(t *testing.T, server *postgrestest.Server) {
	b := benchOn(t, server, Options{})
	for _, user := range []string{"ada", "bob"} {
		if _, err := b.SavePreferences(t.Context(), study.Preferences{UserID: user}); err != nil {
			t.Fatal(err)
		}
	}
	var met sync.WaitGroup
	met.Add(2)
	cross := func(first, second string) {
		tries := 0
		err := b.change(t.Context(), func(ctx context.Context, t tx) error {
			const update = "UPDATE preferences SET updated_at = updated_at + 1 WHERE user_id = $1"
			if _, err := t.exec(ctx, update, []any{first}); err != nil {
				return err
			}
			if tries++; tries == 1 { // each has locked its first row
				met.Done()
				met.Wait()
			}
			_, err := t.exec(ctx, update, []any{second})
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	var all sync.WaitGroup
	all.Go(func() { cross("ada", "bob") })
	all.Go(func() { cross("bob", "ada") })
	all.Wait()
}

func connectionsBounded(t *testing.T, server *postgrestest.Server) {
	b := benchOn(t, server, Options{})
	if n := b.count(t, others); n != 0 {
		t.Errorf("%d connections of an unused store, want 0", n)
	}
	concurrently(4*pgConnections, func() {
		if err := errors.Join(note(t.Context(), b), b.Ping(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if n := b.count(t, others); n < 1 || n > pgConnections {
		t.Errorf("%d connections, want 1 to %d", n, pgConnections)
	}
}

// errorsAreMute breaks the schema, so that the server's errors contain the values it is given.
func errorsAreMute(t *testing.T, server *postgrestest.Server) {
	b := benchOn(t, server, Options{})
	server.Exec(t, b.url, "DROP TRIGGER usage_counts ON notes", "ALTER TABLE notes ADD CHECK (content <> 'my diary')", "CREATE UNIQUE INDEX ON notes (content)",
		"CREATE DOMAIN number AS text CHECK (VALUE ~ '^[0-9]+$')", "ALTER TABLE notes ALTER title TYPE number USING '1'")
	for _, n := range []study.Note{{UserID: "ada", Title: "1", Content: "my diary"}, {UserID: "ada", Title: "my diary"}} {
		_, err := b.CreateNote(t.Context(), n)
		if study.AsError(err) == nil || study.AsError(err).Code != study.CodeInternal || strings.Contains(err.Error(), "diary") {
			t.Errorf("error %v, want internal, without the text", err)
		}
		if !strings.Contains(err.Error(), "SQLSTATE 23") {
			t.Errorf("error %v names no SQLSTATE", err)
		}
	}
}

func sessionsTied(t *testing.T, server *postgrestest.Server) {
	b := benchOn(t, server, Options{})
	pageTied(t, b, func() error { server.Exec(t, b.url, "UPDATE sessions SET updated_at = 1"); return nil })
}

func answersForgotten(t *testing.T, server *postgrestest.Server) {
	b := benchOn(t, server, Options{BusyTimeout: time.Minute})
	forgetsAnswers(t, b.sqlStore, func(query string) error { server.Exec(t, b.url, query); return nil })
}
