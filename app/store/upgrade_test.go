package store

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"studysharper/app/study"
)

// liteSchemaAt creates an empty database as the version with that schema left it.
func liteSchemaAt(t *testing.T, version int64) (url string, db *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	if err := createFile(path); err != nil {
		t.Fatal(err)
	}
	db = pool(dsn(path, "rw", openWait)+"&_txlock=immediate&_journal_mode=WAL", 1)
	t.Cleanup(func() { db.Close() })
	var library []goose.ProviderOption
	if version >= liteLibraryVersion {
		library = append(library, goose.WithGoMigrations(libraryMigration(liteLibraryVersion)))
	}
	migrateTo(t, goose.DialectSQLite3, db, liteMigrations, version, library...)
	return "sqlite:" + path, db
}

// migrateTo runs the migrations of a folder up to a version.
func migrateTo(t *testing.T, dialect goose.Dialect, db *sql.DB, folder string, version int64, o ...goose.ProviderOption) {
	t.Helper()
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(dialect, db, files, append(o, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

// schema1 creates a database as the first version left it, with a note.
func schema1(t *testing.T) (url string) {
	t.Helper()
	url, db := liteSchemaAt(t, 1)
	if _, err := db.Exec(oldNote, newID(), "Leaves", "chlorophyll"); err != nil {
		t.Fatal(err)
	}
	if err := oldContents(db.Exec); err != nil {
		t.Fatal(err)
	}
	return url
}

// oldNote stores a note as the first versions did.
const oldNote = `INSERT INTO notes (id, user_id, title, content, created_at, updated_at) VALUES ($1, 'ada', $2, $3, 1, 1)`

// oldContents stores aids as a version did whose items had no ids: a deck, a summary, and data that is not an aid.
func oldContents(exec func(string, ...any) (sql.Result, error)) error {
	const insert = `INSERT INTO contents (id, user_id, session_id, type, title, data, created_at) VALUES ($1, 'ada', '', $2, $3, $4, 5)`
	for _, c := range [][3]string{
		{"flashcard_generation", "Cells", `{"flashcards":[{"question":"What is osmosis?","answer":"Diffusion of water","topic":"Cells","difficulty":"easy"},
			{"question":"What is a vacuole?","answer":"A bag","topic":"Cells","difficulty":"easy"}],"total_count":2,"topics_covered":["Cells"]}`},
		{"summary_generation", "Leaves", `{"summary":{"title":"Leaves","main_points":[{"point":"Stomata breathe","details":"","importance":"high"}],"key_terms":[]},"word_count":1,"estimated_reading_time_minutes":1}`},
		{"quiz_generation", "Broken", `"not a quiz"`},
	} {
		if _, err := exec(insert, newID(), c[0], c[1], []byte(c[2])); err != nil {
			return err
		}
	}
	return nil
}

// wantLibrary checks how this version stores oldContents.
func wantLibrary(t *testing.T, s Store) {
	t.Helper()
	all, _, err := s.Contents(t.Context(), ContentQuery{UserID: "ada", Page: Page{Limit: 9}})
	if err != nil || len(all) != 3 {
		t.Fatalf("%d contents, %v", len(all), err)
	}
	for _, c := range all {
		if want := map[study.Type]int{study.Flashcards: 2, study.Summary: 1}[c.Type]; c.Items != want || !c.UpdatedAt.Equal(c.CreatedAt) || c.UpdatedAt.UnixMicro() != 5 {
			t.Errorf("%+v", c)
		}
		if c.Type == study.Flashcards && (!strings.Contains(string(c.Data), `"id":"1"`) || !strings.Contains(string(c.Data), `"id":"2"`)) {
			t.Errorf("a deck without ids: %s", c.Data)
		}
	}
	found, _, err := s.Contents(t.Context(), ContentQuery{UserID: "ada", Search: "vacuole", Page: Page{Limit: 9}})
	if err != nil || len(found) != 1 || found[0].Title != "Cells" {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestADatabaseOfTheFirstSchemaIsMigratedWithWhatItHolds(t *testing.T) {
	url := schema1(t)
	if _, err := Open(t.Context(), url, Options{}); !unavailable(err) {
		t.Errorf("before: %v, want unavailable", err)
	}
	if err := Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	s := reopen(t, url)
	wantFoundOnceIndexed(t, s)
	if _, err := s.SavePreferences(t.Context(), study.Preferences{UserID: "ada"}); err != nil {
		t.Error(err)
	}
	wantLibrary(t, s)
	wantIntact(t, s)
}

// wantFoundOnceIndexed indexes the notes that an older version left, while a writer runs in parallel.
func wantFoundOnceIndexed(t *testing.T, s opened) {
	t.Helper()
	added, err := s.CreateNote(t.Context(), study.Note{UserID: "ada", Title: "Roots", Content: "chlorophyll is not in roots"})
	if err != nil {
		t.Fatal(err)
	}
	for more := true; more; {
		if more, err = s.indexNext(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	found, _, err := s.Notes(t.Context(), NoteQuery{UserID: "ada", Search: "chlorophylls", Page: Page{Limit: 9}})
	if err != nil || len(found) != 2 || found[0].Title != "Leaves" || found[1].ID != added.ID {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestMessagesOfAnOlderSchemaKeepTheirOrder(t *testing.T) {
	url, db := liteSchemaAt(t, 16)
	session, known := newID(), newID()
	for _, statement := range []string{
		"INSERT INTO sessions (id, user_id, title, messages, created_at, updated_at, bytes) VALUES ('" + session + "', 'ada', 'Leaves', 2, 1, 1, 6)",
		"INSERT INTO messages (num, session_id, id, role, content, created_at) VALUES (7, '" + session + "', '" + known + "', 'user', 'one', 9)",
		"INSERT INTO messages (num, session_id, id, role, content, created_at) VALUES (5, '" + session + "', '" + newID() + "', 'user', 'not', 9)",
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	s := reopen(t, url)
	v := study.Session{ID: session, UserID: "ada"}
	again := study.Message{ID: known, Role: study.RoleUser, Text: "one"}
	if err := s.AppendMessages(t.Context(), v, again, study.Message{Role: study.RoleAssistant, Text: "two"}); err != nil {
		t.Fatal(err)
	}
	got, _, err := s.Messages(t.Context(), session, Page{Limit: 9})
	if err != nil || len(got) != 3 || got[0].Text != "not" || got[1].ID != known || got[2].Text != "two" {
		t.Errorf("%+v, %v", got, err)
	}
	if kept, err := s.Session(t.Context(), session); err != nil || kept.Messages != 3 {
		t.Errorf("%+v, %v", kept, err)
	}
	if err := s.DeleteSession(t.Context(), session); err != nil {
		t.Error(err)
	}
	if got, _, err := s.Messages(t.Context(), session, Page{Limit: 9}); err != nil || len(got) > 0 {
		t.Errorf("messages of a deleted session: %+v, %v", got, err)
	}
	wantIntact(t, s)
}

func TestSessionsOfOneTimeArePagedToo(t *testing.T) {
	s := openFresh(t, Options{})
	pageTied(t, s, func() error {
		_, err := s.write.Exec("UPDATE sessions SET updated_at = 1")
		return err
	})
}

// pageTied creates five sessions, gives them the same time with tie, and reads them in pages.
func pageTied(t *testing.T, s Store, tie func() error) {
	t.Helper()
	for range 5 {
		if err := s.AppendMessages(t.Context(), study.Session{ID: newID(), UserID: "ada"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := tie(); err != nil {
		t.Fatal(err)
	}
	seen, p := map[string]bool{}, Page{Limit: 2}
	for pages := 1; ; pages++ {
		sessions, next, err := s.Sessions(t.Context(), "ada", p)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range sessions {
			seen[v.ID] = true
		}
		if p.Before = next; next == "" {
			if pages != 3 || len(seen) != 5 {
				t.Errorf("%d of 5 sessions in %d pages", len(seen), pages)
			}
			return
		}
	}
}
