package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/passages"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

// opened is a Store on SQLite with access to its internals.
type opened struct {
	*sqlStore
	*sqlite
}

func insideOf(s Store) opened {
	whole := s.(*sqlStore)
	return opened{whole, whole.engine.(*sqlite)}
}

func openFresh(t testing.TB, o Options) opened {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
	if err := Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return insideOf(s)
}

func note(ctx context.Context, s Store) error {
	_, err := s.CreateNote(ctx, study.Note{UserID: "ada", Title: "leaf", Content: strings.Repeat("cell ", 400)})
	return err
}

func unavailable(err error) bool {
	e, is := errors.AsType[*study.Error](err)
	return is && e.Code == study.CodeUnavailable
}

// hold keeps a transaction of another connection open until the function it returns
// is called.
func hold(t *testing.T, s opened, begin string) (release func()) {
	t.Helper()
	db := pool(dsn(s.path, "rw", time.Second), 1)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for q := range strings.SplitSeq(begin, ";") {
		var ignored any
		if err := conn.QueryRowContext(t.Context(), q).Scan(&ignored); err != nil && !errors.Is(err, sql.ErrNoRows) {
			t.Fatal(err)
		}
	}
	return func() { conn.ExecContext(t.Context(), "ROLLBACK"); conn.Close(); db.Close() }
}

func TestALockHeldByAnotherEndsInUnavailableAfterTheBusyTimeout(t *testing.T) {
	const busy = time.Second
	s := openFresh(t, Options{BusyTimeout: busy})
	release := hold(t, s, "BEGIN IMMEDIATE")
	var all sync.WaitGroup
	const callers = 40
	for range callers { // they queue for the one writer, and must not add up each other's waits
		all.Go(func() {
			begin := time.Now()
			if err := note(t.Context(), s); !unavailable(err) {
				t.Errorf("error %v, want unavailable", err)
			}
			if took := time.Since(begin); took < busy/2 || took > callers/2*busy {
				t.Errorf("took %v, want about %v", took, busy)
			}
		})
	}
	all.Wait()
	if _, _, err := s.Notes(t.Context(), NoteQuery{UserID: "ada"}); err != nil {
		t.Errorf("a reader beside a held lock: %v", err)
	}
	release()
	if err := note(t.Context(), s); err != nil {
		t.Errorf("after the lock is gone: %v", err)
	}
}

func TestTheCallersDeadlineEndsTheWaitForALock(t *testing.T) {
	s := openFresh(t, Options{})
	defer hold(t, s, "BEGIN IMMEDIATE")()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := note(ctx, s); study.AsError(err).Code != study.CodeTimeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want timeout", err)
	}
}

func TestAFullDiskFailsWritesOnly(t *testing.T) {
	s := openFresh(t, Options{})
	var pages int
	if err := s.write.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		if _, err := s.write.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 8)
	kept := 0
	var err error
	for ; err == nil && kept < 1000; kept++ {
		err = note(t.Context(), s)
	}
	if !unavailable(err) || !strings.Contains(err.Error(), "full") {
		t.Fatalf("error %v, want unavailable: full", err)
	}
	limit(1 << 30)
	if err := note(t.Context(), s); err != nil {
		t.Errorf("with space again: %v", err)
	}
	if notes, _, err := s.Notes(t.Context(), NoteQuery{UserID: "ada", Page: Page{Limit: MaxRows}}); err != nil || len(notes) != kept {
		t.Errorf("%d notes, %v; want the %d acknowledged", len(notes), err, kept)
	}
}

func TestTheLogIsEmptiedOnceItsReaderEnds(t *testing.T) {
	const busy = time.Minute
	var log bytes.Buffer
	s := openFresh(t, Options{BusyTimeout: busy, Log: slog.New(slog.NewTextHandler(&log, nil))})
	release := hold(t, s, "BEGIN;SELECT count(*) FROM notes")
	big := study.Content{UserID: "ada", Type: study.Quiz, Data: []byte(`"` + strings.Repeat("x", MaxDataBytes-2) + `"`)}
	write := func() {
		t.Helper()
		if _, err := s.SaveContent(t.Context(), big); err != nil {
			t.Fatal(err)
		}
	}
	for s.walBytes() <= walAlarm {
		write()
	}
	s.walNext.Store(0)
	begin := time.Now()
	if write(); time.Since(begin) > busy/2 {
		t.Errorf("a reader held a write up for %v", time.Since(begin))
	}
	if !strings.Contains(log.String(), "a reader holds it open") {
		t.Errorf("no alarm over %d bytes: %s", walAlarm, &log)
	}
	release()
	s.walNext.Store(0)
	if write(); s.walBytes() > walLimit {
		t.Errorf("without a reader the log still has %d bytes", s.walBytes())
	}
	var step time.Duration
	if err := s.write.QueryRow("PRAGMA busy_timeout").Scan(&step); err != nil || step*time.Millisecond != lockStep {
		t.Errorf("the writer's busy timeout is %d ms, %v", step, err)
	}
}

func TestConnectionsAreOpenedOnUseOnly(t *testing.T) {
	s := openFresh(t, Options{})
	if n := s.read.Stats().OpenConnections + s.write.Stats().OpenConnections; n != 0 {
		t.Errorf("%d connections of an unused store, want 0", n)
	}
	if err := note(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if err := errors.Join(s.Ping(t.Context()), note(t.Context(), s)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if r, w := s.read.Stats().OpenConnections, s.write.Stats().OpenConnections; r > 2 || w != 1 {
		t.Errorf("%d readers and %d writers, want at most 2 and 1", r, w)
	}
}

func TestEveryConnectionHasItsSettings(t *testing.T) {
	s := openFresh(t, Options{})
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "1", "foreign_keys": "1", "cache_size": "-512", "temp_store": "2",
		"mmap_size": "0", "journal_size_limit": "4194304", "wal_autocheckpoint": "1000",
	} {
		for name, db := range map[string]*sql.DB{"reader": s.read, "writer": s.write} {
			var got string
			if err := db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s: %s = %s, %v; want %s", name, pragma, got, err, want)
			}
		}
	}
	if _, err := s.read.Exec("DELETE FROM notes"); err == nil {
		t.Error("a reader could write")
	}
}

// FuzzSearch checks that no text is query syntax: it finds the user's own notes or none,
// without an error.
func FuzzSearch(f *testing.F) {
	s := openFresh(f, Options{})
	for _, user := range []string{"ada", "bob"} {
		for _, text := range []string{"alpha beta", "gamma delta", "near and or not"} {
			if _, err := s.CreateNote(f.Context(), study.Note{UserID: user, Content: text}); err != nil {
				f.Fatal(err)
			}
		}
	}
	for _, seed := range []string{`alpha`, `"`, `a* OR b`, `owner:"626f62"`, "\x00\xff", `NEAR(a b)`, "e\u0301\u19b0", `{title}:^a`} {
		f.Add(seed, "ada", false)
		f.Add(seed, `"bob"`, true)
	}
	f.Fuzz(func(t *testing.T, search, user string, anyWord bool) {
		got, _, err := s.Notes(t.Context(), NoteQuery{UserID: user, Search: search, AnyWord: anyWord, Page: Page{Limit: 9}})
		if err != nil && study.AsError(err).Code != study.CodeInvalid {
			t.Fatalf("%q as %q: %v", search, user, err)
		}
		for _, n := range got {
			if n.UserID != user {
				t.Fatalf("%q as %q found a note of %q", search, user, n.UserID)
			}
		}
		for _, w := range passages.ParseQuery(search).Words {
			if terms := strings.Join(append(w.Terms, w.Begins), ""); strings.ContainsAny(terms, "\"'*^:(){}+- \x00") {
				t.Fatalf("%q became the terms %q", search, terms)
			}
		}
	})
}

func TestAWriteWaitsForAConnectionWhileTheLogIsHeldExclusively(t *testing.T) {
	s := openFresh(t, Options{BusyTimeout: time.Minute})
	release := hold(t, s, "PRAGMA locking_mode = EXCLUSIVE;BEGIN EXCLUSIVE;UPDATE notes SET title = title;COMMIT")
	written := make(chan error, 1)
	go func() { written <- note(t.Context(), s) }()
	testkit.Pause(100 * time.Millisecond) // many times lockStep
	release()
	if err := <-written; err != nil {
		t.Error(err)
	}
}
