package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"studysharper/app/store/postgrestest"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

// Schemas of the last version that had no passages.
const (
	liteBeforePassages = 7
	pgBeforePassages   = 4
)

func TestNotesOfAVersionWithoutPassagesAreFoundAfterAnUpgrade(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		url, db := liteSchemaAt(t, liteBeforePassages)
		if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (4, 1)"); err != nil { // that version had this migration too
			t.Fatal(err)
		}
		upgradeWithNotes(t, url, db)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		url := postgrestest.Start(t).Database(t)
		c, err := pgConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		db := stdlib.OpenDB(*c.ConnConfig)
		defer db.Close()
		migrateTo(t, goose.DialectPostgres, db, pgMigrations, pgBeforePassages, goose.WithTableName(pgVersions))
		upgradeWithNotes(t, url, db)
	})
}

// oldNotes is how many notes the older version has stored.
const oldNotes = 12

func upgradeWithNotes(t *testing.T, url string, old *sql.DB) {
	t.Helper()
	filling := strings.Repeat("Plain sentences fill the rest of this page with nothing special. ", 1_500)
	for i := range oldNotes {
		content := fmt.Sprintf("%s\n\nThe organelle number%d divides in cells.\n\n%s", filling[:100*i*i], i, filling[:8_000*i])
		if _, err := old.Exec(oldNote, newID(), fmt.Sprint("Note ", i), content); err != nil {
			t.Fatal(err)
		}
	}
	if err := oldContents(old.Exec); err != nil {
		t.Fatal(err)
	}
	if err := Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	var waiting int
	if err := old.QueryRow("SELECT count(*) FROM notes WHERE indexed = 0").Scan(&waiting); err != nil || waiting != oldNotes {
		t.Errorf("the migration leaves %d notes to index, %v; want all %d", waiting, err, oldNotes)
	}
	first, second := openAt(t, url), openAt(t, url)
	indexBesideWriters(t, first, second)
	wantEachFound(t, second)
	wantLibrary(t, first)
}

func openAt(t *testing.T, url string) *sqlStore {
	t.Helper()
	s, err := Open(t.Context(), url, Options{BusyTimeout: testkit.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.(*sqlStore)
}

// indexBesideWriters checks that each step indexes one note, in a transaction that ends before others write; then
// two processes index the remaining notes at once.
func indexBesideWriters(t *testing.T, s, other *sqlStore) {
	t.Helper()
	for step := range 3 {
		if more, err := s.indexNext(t.Context()); err != nil || !more {
			t.Fatalf("step %d: %v, %v", step, more, err)
		}
		if err := note(t.Context(), other); err != nil {
			t.Error(err)
		}
		if n := findOrganelles(t, other); n != step+1 {
			t.Errorf("after %d steps %d old notes are found", step+1, n)
		}
	}
	var both sync.WaitGroup
	for _, one := range []*sqlStore{s, other} {
		both.Go(func() {
			for more := true; more; {
				var err error
				if more, err = one.indexNext(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	both.Wait()
	if n := findOrganelles(t, s); n != oldNotes {
		t.Errorf("%d of %d old notes are found", n, oldNotes)
	}
}

// findOrganelles returns how many notes contain the word that all old ones have, searched for in another form.
func findOrganelles(t *testing.T, s Store) int {
	t.Helper()
	found, _, err := s.Notes(t.Context(), NoteQuery{UserID: "ada", Search: "organelles dividing", Page: Page{Limit: MaxRows}})
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// wantEachFound checks that the one passage of each old note that has its fact is found.
func wantEachFound(t *testing.T, s Store) {
	t.Helper()
	for i := range oldNotes {
		fact := fmt.Sprintf("The organelle number%d divides in cells.", i)
		found, err := s.SearchPassages(t.Context(), PassageQuery{UserID: "ada", Search: fmt.Sprintf("What does the organelle number%d do?", i), Limit: 3})
		if err != nil || len(found) == 0 || found[0].Title != fmt.Sprint("Note ", i) || !strings.Contains(found[0].Text, fact) {
			t.Errorf("the fact of note %d is not found first: %v, %v", i, passageTitles(found), err)
		}
	}
}

func passageTitles(list []study.Passage) (titles []string) {
	for _, p := range list {
		titles = append(titles, p.Title)
	}
	return titles
}

// TestOldNotesAreIndexedByARunningStore checks that Run indexes old notes while others write.
func TestOldNotesAreIndexedByARunningStore(t *testing.T) {
	url, db := liteSchemaAt(t, liteBeforePassages)
	if _, err := db.Exec(oldNote, newID(), "Old", "an organelle divides"); err != nil {
		t.Fatal(err)
	}
	if err := Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, url)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	defer running.Wait()
	defer stop()
	testkit.Eventually(t, "the old note is found", func() bool { return findOrganelles(t, s) == 1 })
}
