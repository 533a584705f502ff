package store_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"studysharper/app/store"
	"studysharper/app/study"
)

// titles returns the titles of a user's notes.
func titles(t *testing.T, url string) map[string]bool {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	found := map[string]bool{}
	for page := (store.Page{Limit: store.MaxRows}); ; {
		notes, next, err := s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Page: page})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range notes {
			found[n.Title] = true
		}
		if next == "" {
			return found
		}
		page.Before = next
	}
}

func keepNote(t *testing.T, s store.Store, title string) {
	t.Helper()
	if _, err := s.CreateNote(context.WithoutCancel(t.Context()), study.Note{UserID: "ada", Title: title, Content: "Osmosis moves water."}); err != nil {
		t.Error(err)
	}
}

// backedUp makes a backup while notes are being written; it must contain at least those written before it.
func backedUp(t *testing.T, url string) (file string, before int) {
	t.Helper()
	s := open(t, url, store.Options{})
	for i := range 50 {
		keepNote(t, s, fmt.Sprint("before ", i))
	}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				keepNote(t, s, fmt.Sprint("meanwhile ", w, i))
			}
		})
	}
	file = filepath.Join(t.TempDir(), "copy.db")
	err := store.Backup(t.Context(), url, file)
	stop()
	writers.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return file, 50
}

func TestABackupHoldsAllThatWasWrittenBeforeItAndIsRestored(t *testing.T) {
	url := fresh(t)
	file, before := backedUp(t, url)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := store.Backup(t.Context(), url, file); !study.IsCode(err, study.CodeConflict) {
		t.Errorf("over an existing file: %v", err)
	}
	later := open(t, url, store.Options{})
	keepNote(t, later, "later")
	if err := later.Close(); err != nil {
		t.Fatal(err)
	}

	release, err := store.Hold(url)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Restore(t.Context(), url, file); !study.IsCode(err, study.CodeConflict) || !strings.Contains(err.Error(), "running") {
		t.Errorf("while the service runs: %v", err)
	}
	release()
	for range 2 { // the second one replaces what the first one set aside
		if err := store.Restore(t.Context(), url, file); err != nil {
			t.Fatal(err)
		}
		if err := store.Migrate(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		found := titles(t, url)
		for i := range before {
			if !found[fmt.Sprint("before ", i)] {
				t.Errorf("note %d is lost", i)
			}
		}
		if found["later"] {
			t.Error("the backup has what was written after it")
		}
	}
	keepNote(t, open(t, url, store.Options{}), "after")
	if !titles(t, url)["after"] {
		t.Error("the restored database does not keep a note")
	}
}

func TestWhatARestoreReplacesIsKept(t *testing.T) {
	url := fresh(t)
	s := open(t, url, store.Options{})
	file := filepath.Join(t.TempDir(), "copy.db")
	if err := store.Backup(t.Context(), url, file); err != nil {
		t.Fatal(err)
	}
	keepNote(t, s, "in the log only") // s stays open, so the note is not copied into the file
	if err := store.Restore(t.Context(), url, file); err != nil {
		t.Fatal(err)
	}
	if found := titles(t, url+".before-restore"); !found["in the log only"] {
		t.Errorf("kept are %v", found)
	}
}

func TestAFileThatIsNoBackupReplacesNothing(t *testing.T) {
	folder := t.TempDir()
	name := func(base string) string { return filepath.Join(folder, base) }
	url := fresh(t)
	keepNote(t, open(t, url, store.Options{}), "mine")
	good, err := os.Open(func() string { f, _ := backedUp(t, fresh(t)); return f }())
	if err != nil {
		t.Fatal(err)
	}
	defer good.Close()
	whole, err := io.ReadAll(good)
	if err != nil {
		t.Fatal(err)
	}
	raw(t, name("other.db"), "CREATE TABLE recipes (id INTEGER)")
	for base, content := range map[string]string{"empty.db": "", "text.db": "no database", "half.db": string(whole[:len(whole)/2])} {
		if err := os.WriteFile(name(base), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, base := range []string{"absent.db", "other.db", "empty.db", "text.db", "half.db"} {
		if err := store.Restore(t.Context(), url, name(base)); !study.IsCode(err, study.CodeUnavailable) {
			t.Errorf("%s: %v", base, err)
		}
		if !titles(t, url)["mine"] {
			t.Fatalf("%s replaced the database", base)
		}
	}
	if left, _ := filepath.Glob(strings.TrimPrefix(url, "sqlite:") + "*restor*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestASnapshotIsMadeOnceAtATimeAndLeavesNothing(t *testing.T) {
	url := fresh(t)
	keepNote(t, open(t, url, store.Options{}), "mine")
	if _, err := store.Snapshot(t.Context(), url, 1<<60); !study.IsCode(err, study.CodeQuota) {
		t.Errorf("with an endless reserve: %v", err)
	}
	f, err := store.Snapshot(t.Context(), url, 0)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	whole, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if !titles(t, "sqlite:"+copied)["mine"] {
		t.Error("the note is not in the copy")
	}
	if left, _ := filepath.Glob(strings.TrimPrefix(url, "sqlite:") + "*snapshot*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestADatabaseServerHasItsOwnBackups(t *testing.T) {
	const url = "postgres://user:secret@127.0.0.1:1/x"
	_, snapshot := store.Snapshot(t.Context(), url, 0)
	for _, err := range []error{snapshot, store.Backup(t.Context(), url, "x"), store.Restore(t.Context(), url, "x")} {
		if !study.IsCode(err, study.CodeInvalid) || !strings.Contains(err.Error(), "pg_dump") {
			t.Errorf("got %v", err)
		}
	}
	if release, err := store.Hold(url); err != nil {
		t.Error(err)
	} else {
		release()
	}
}
