package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite"

	"studysharper/app/store"
	"studysharper/app/store/storetest"
	"studysharper/app/study"
)

// migrated returns the file of a new database. It is created once, because creating the tables takes longer than most
// tests.
var migrated = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "store")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "new.db")
	if err := store.Migrate(context.Background(), "sqlite:"+path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// fresh returns the url of a new database.
func fresh(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data", "it's 100% a test & more.db")
	file, err := migrated()
	if err := errors.Join(err, os.Mkdir(filepath.Dir(path), 0o700), os.WriteFile(path, file, 0o600)); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

func open(t testing.TB, url string, o store.Options) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func pathOf(url string) string { return strings.TrimPrefix(url, "sqlite:") }

func newUUID() string { return uuid.NewString() }

// raw runs SQL directly on the database.
func raw(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range statements {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
}

func wantUnavailable(t *testing.T, err error, words string) {
	t.Helper()
	e, is := errors.AsType[*study.Error](err)
	if !is || e.Code != study.CodeUnavailable || !strings.Contains(e.Message, words) {
		t.Errorf("error %v, want unavailable: …%s…", err, words)
	}
}

// patient is how long the suite waits for a database: with the race detector, on a busy
// machine, a change may take seconds.
const patient = time.Minute

func TestSQLiteKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, fresh(t), store.Options{BusyTimeout: patient}) })
}

func TestSQLiteKeepsQuotas(t *testing.T) {
	storetest.RunQuota(t, open(t, fresh(t), store.Options{BusyTimeout: patient, QuotaItems: 4, QuotaBytes: 100}))
}

func TestAURLThatCannotBeReadIsNotRepeated(t *testing.T) {
	for _, url := range []string{
		"", "sqlite", "sqlite:", "sqlite:hunter2/", "sqlite::memory:", "sqlite://hunter2/x.db", "sqlite:///hunter2.db",
		"sqlite:hunter2.db?mode=memory", "sqlite:hunter2\x00", "postgres://u:hunter2@db:port/x", "postgresql://u:hunter2@db/x?sslmode=hunter2", "postgres://hunter2%zz@db", "mysql://u:hunter2@db/x", "user=u password=hunter2 host=db", "POSTGRES://u:hunter2@db/x", "hunter2", "SQLITE:hunter2", "file:hunter2",
	} {
		_, openErr := store.Open(t.Context(), url, store.Options{})
		for _, err := range []error{openErr, store.Migrate(t.Context(), url)} {
			e, is := errors.AsType[*study.Error](err)
			if !is || e.Code != study.CodeInvalid || !strings.Contains(e.Message, "DATABASE_URL") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q: error %v, want invalid, naming DATABASE_URL and not its value", url, err)
			}
		}
	}
}

func TestOptionsBelowZeroAreRefused(t *testing.T) {
	url := fresh(t)
	for _, o := range []store.Options{{ExecutionBuffer: -1}, {FlushEvery: -1}, {KeepExecutions: -1}, {BusyTimeout: -1}} {
		if _, err := store.Open(t.Context(), url, o); study.AsError(err) == nil || study.AsError(err).Code != study.CodeInvalid {
			t.Errorf("%+v: error %v, want invalid", o, err)
		}
	}
}

func TestMigrateMakesFilesForTheirOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "x.db")
	if err := store.Migrate(t.Context(), "sqlite:"+path); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{filepath.Dir(path): 0o700 | os.ModeDir, path: 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v %v, want %v", name, info.Mode(), err, want)
		}
	}
}

func TestMigrateMayBeRunAtOnceAndAgain(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := store.Migrate(t.Context(), url); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s := open(t, url, store.Options{})
	if _, err := s.CreateNote(t.Context(), study.Note{UserID: "ada"}); err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context(), url); err != nil {
		t.Errorf("beside an open store: %v", err)
	}
	if notes, _, err := s.Notes(t.Context(), store.NoteQuery{UserID: "ada"}); err != nil || len(notes) != 1 {
		t.Errorf("%d notes, %v, after migrating again", len(notes), err)
	}
}

func TestMigrateWaitsForItsTurnUntilTheContextEnds(t *testing.T) {
	folder := t.TempDir()
	unlock := store.LockFolder(t, folder)
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := store.Migrate(ctx, "sqlite:"+filepath.Join(folder, "x.db"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline", err)
	}
}

func TestOpenRefusesADatabaseThatIsNotMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	_, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
	wantUnavailable(t, err, "missing")
	if _, err := os.Stat(path); err == nil {
		t.Error("Open created the file")
	}
	_, err = store.Open(t.Context(), "sqlite:"+filepath.Dir(path), store.Options{})
	wantUnavailable(t, err, "is a directory")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(t.Context(), "sqlite:"+path, store.Options{})
	wantUnavailable(t, err, fmt.Sprintf("schema 0, this binary needs %d: start the supervisor", store.LiteSchema()))
}

func TestANewerSchemaIsRefused(t *testing.T) {
	url := fresh(t)
	ours := store.LiteSchema()
	raw(t, pathOf(url), fmt.Sprintf("INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, 1)", ours+1))
	words := fmt.Sprintf("schema %d, this binary needs %d: start a newer studysharper", ours+1, ours)
	_, err := store.Open(t.Context(), url, store.Options{})
	wantUnavailable(t, err, words)
	wantUnavailable(t, store.Migrate(t.Context(), url), words)
}

func TestAnotherApplicationsDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	raw(t, path, "CREATE TABLE theirs (a)")
	before, _ := os.ReadFile(path)
	_, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
	wantUnavailable(t, err, "another application")
	wantUnavailable(t, store.Migrate(t.Context(), "sqlite:"+path), "another application")
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
}

func TestADamagedFileIsRefusedAndLeftAlone(t *testing.T) {
	url := fresh(t)
	s := open(t, url, store.Options{})
	for range 200 {
		if _, err := s.CreateNote(t.Context(), study.Note{UserID: "ada", Title: newUUID(), Content: strings.Repeat(newUUID(), 40)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(pathOf(url))
	if err != nil || len(sound) < 256<<10 {
		t.Fatalf("%d bytes, %v: too small a database to damage", len(sound), err)
	}
	flip := func(from, to int) []byte {
		b := bytes.Clone(sound)
		for i := range b[from:to] {
			b[from+i] ^= 0xff
		}
		return b
	}
	for name, data := range map[string][]byte{
		"magic flipped": flip(0, 16), "page size flipped": flip(16, 18), "schema flipped": flip(100, 112), "garbage": bytes.Repeat([]byte("garbage "), 4096), "a few bytes": []byte("oops"),
		"half of it": sound[:len(sound)/2], "pages flipped": flip(64<<10, 96<<10), "pages zeroed": append(append(bytes.Clone(sound[:64<<10]), make([]byte, 32<<10)...), sound[96<<10:]...),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			wantUnavailable(t, store.Migrate(t.Context(), "sqlite:"+path), "damaged; it was left as it is")
			if after, _ := os.ReadFile(path); !bytes.Equal(data, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestABrokenLogLosesOnlyWhatItHeld(t *testing.T) {
	url := fresh(t)
	if err := os.WriteFile(pathOf(url)+"-wal", bytes.Repeat([]byte("garbage "), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, url, store.Options{}).CreateNote(t.Context(), study.Note{UserID: "ada"}); err != nil {
		t.Fatal(err)
	}
}
