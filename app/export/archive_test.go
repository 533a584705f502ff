package export

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"studysharper/app/store"
	"studysharper/app/store/storetest"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

func openStore(t *testing.T) store.Store {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	if err := store.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), url, store.Options{BusyTimeout: time.Minute}) // a deck of 2,000 cards is one transaction
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// archived returns the files of a user's archive.
func archived(t *testing.T, s store.Store, user string) map[string][]byte {
	t.Helper()
	var out bytes.Buffer
	if err := WriteArchive(t.Context(), &out, s, user); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil { // also verifies the checksum
			t.Fatal(err)
		}
	}
	if len(files) != len(z.File) {
		t.Errorf("%d files have %d names", len(z.File), len(files))
	}
	return files
}

func decode[T any](t *testing.T, body []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return v
}

// all returns all rows of a list of the store.
func all[T any](t *testing.T, list func(store.Page) ([]T, string, error)) (rows []T) {
	t.Helper()
	if err := pages(list, func(v T) error { rows = append(rows, v); return nil }); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestAnArchiveHoldsWhatTheStoreHas(t *testing.T) {
	s := openStore(t)
	storetest.Fill(t, s, "ada")
	storetest.Fill(t, s, "bob")
	files, ctx := archived(t, s, "ada"), t.Context()

	notes := all(t, func(p store.Page) ([]study.Note, string, error) {
		return s.Notes(ctx, store.NoteQuery{UserID: "ada", Page: p})
	})
	index := map[string]string{}
	for _, n := range decode[[]struct{ ID, File, Title string }](t, files["notes.json"]) {
		index[n.ID] = n.File
	}
	for _, n := range notes {
		if want := "# " + n.Title + "\n\n" + n.Content + "\n"; string(files[index[n.ID]]) != want {
			t.Errorf("%s: %q, want %q", index[n.ID], files[index[n.ID]], want)
		}
	}
	if len(index) != len(notes) {
		t.Errorf("%d notes are listed of %d", len(index), len(notes))
	}

	sessions := decode[[]struct{ ID, File string }](t, files["sessions.json"])
	for _, v := range sessions {
		want, _, err := s.Messages(ctx, v.ID, store.Page{Limit: store.MaxRows})
		if got := decode[[]study.Message](t, files[v.File]); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", v.File, got, want)
		}
	}
	if n := len(all(t, func(p store.Page) ([]study.Session, string, error) { return s.Sessions(ctx, "ada", p) })); n != len(sessions) {
		t.Errorf("%d sessions are listed of %d", len(sessions), n)
	}
	checkAids(t, s, files)

	ratings := all(t, func(p store.Page) ([]study.Rating, string, error) { return s.Ratings(ctx, "ada", p) })
	if got := decode[[]study.Rating](t, files["ratings.json"]); fmt.Sprint(got) != fmt.Sprint(ratings) {
		t.Errorf("%v, want %v", got, ratings)
	}
	if got := decode[study.Preferences](t, files["preferences.json"]); got.Difficulty != study.Hard || got.UserID != "ada" {
		t.Errorf("%+v", got)
	}
	if got := decode[[]study.Execution](t, files["activity.json"]); len(got) != 1 || got[0].UserID != "ada" {
		t.Errorf("%+v", got)
	}
	reviews := all(t, func(p store.Page) ([]study.DoneReview, string, error) { return s.UserReviews(ctx, "ada", p) })
	attempts := all(t, func(p store.Page) ([]study.Attempt, string, error) { return s.UserAttempts(ctx, "ada", p) })
	if got := decode[[]study.Attempt](t, files["attempts.json"]); len(got) < 2 || fmt.Sprint(got) != fmt.Sprint(attempts) {
		t.Errorf("%v, want %v", got, attempts)
	}
	if got := decode[[]study.DoneReview](t, files["reviews.json"]); len(got) != 1 || fmt.Sprint(got) != fmt.Sprint(reviews) {
		t.Errorf("%v, want %v", got, reviews)
	}
	cards := decode[[]struct {
		ItemID string           `json:"item_id"`
		Memory study.CardMemory `json:"memory"`
	}](t, files["cards.json"])
	if len(cards) != 5 || cards[0].ItemID == "" || cards[0].Memory.Reps != 1 {
		t.Errorf("%+v", cards)
	}
	if got := decode[study.ReviewSettings](t, files["review_settings.json"]); got.NewPerDay != 7 {
		t.Errorf("%+v", got)
	}
	for name, body := range files {
		if bytes.Contains(body, []byte("bob")) {
			t.Errorf("%s contains data of another user", name)
		}
	}
}

// checkAids compares the aids of an archive with the store's, in each of their formats.
func checkAids(t *testing.T, s store.Store, files map[string][]byte) {
	t.Helper()
	for kind, folder := range study.ContentTypes() {
		want := map[string]study.Content{}
		for _, c := range all(t, func(p store.Page) ([]study.Content, string, error) {
			return s.Contents(t.Context(), store.ContentQuery{UserID: "ada", Type: kind, Page: p})
		}) {
			want[c.ID] = c
		}
		for name, body := range files {
			if path.Dir(name) != folder || path.Ext(name) != ".json" {
				continue
			}
			got := decode[struct{ ID string }](t, body)
			c, ok := want[got.ID]
			if !ok {
				t.Errorf("%s is not in the store", name)
				continue
			}
			delete(want, got.ID)
			for _, f := range []Format{JSON, Markdown, APKG, GIFT} {
				if _, err := CheckFormat(kind, string(f)); err == nil && !sameFile(files[strings.TrimSuffix(name, "json")+string(f)], written(t, c, f)) {
					t.Errorf("%s as %s differs from the store", name, f)
				}
			}
		}
		if len(want) > 0 {
			t.Errorf("%d %s are missing", len(want), folder)
		}
	}
}

func sameFile(a, b []byte) bool { return len(a) > 0 && bytes.Equal(a, b) }

func TestALongConversationIsArchivedInItsOrder(t *testing.T) {
	s := openStore(t)
	v := study.Session{ID: deckUUID, UserID: "ada", Title: "Long"}
	var want []string
	for i := range 450 {
		text := fmt.Sprint("message ", i)
		want = append(want, text)
		if err := s.AppendMessages(t.Context(), v, study.Message{Role: study.RoleUser, Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	for name, body := range archived(t, s, "ada") {
		if path.Dir(name) != "sessions" {
			continue
		}
		var got []string
		for _, m := range decode[[]study.Message](t, body) {
			got = append(got, m.Text)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d messages of %d, or not in order", len(got), len(want))
		}
	}
}

func TestAnArchiveOfNothingIsOne(t *testing.T) {
	files := archived(t, openStore(t), "nobody")
	for _, name := range []string{"notes.json", "sessions.json", "ratings.json", "activity.json", "cards.json", "reviews.json", "attempts.json"} {
		if got := decode[[]any](t, files[name]); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNamesInAnArchiveStayInItAndDiffer(t *testing.T) {
	names := namer{}
	seen := map[string]bool{}
	for _, title := range []string{"a", "A", "a", "a (2)", "../a", "", "", "/etc/passwd", "a (2)"} {
		name := names.name("notes/", title, "note", ".md")
		if key := strings.ToLower(name); seen[key] || path.Dir(name) != "notes" || path.Clean(name) != name {
			t.Errorf("%q: %q", title, name)
		}
		seen[strings.ToLower(name)] = true
	}
}

// keepMany stores 20,000 items of a user, in decks of the maximum size, and 5 MB of notes.
func keepMany(t *testing.T, s store.Store) {
	t.Helper()
	for range 10 {
		c := manyCards(t, 2000)
		if _, err := s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: c.Type, Title: c.Title, Data: c.Data}); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.Repeat("Enzymes speed reactions up. ", 18_000)
	for range 10 {
		if _, err := s.CreateNote(t.Context(), study.Note{UserID: "ada", Title: "Enzymes", Content: text}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnArchiveOfTwentyThousandItemsTakesBoundedMemory(t *testing.T) {
	testkit.SkipRace(t)
	testkit.SkipShort(t, "it makes thousands of cards")
	s := openStore(t)
	keepMany(t, s)
	runtime.GC()
	testkit.ForgetPeak(t, os.Getpid())
	before, written := residentPeak(t), &counter{}
	if err := WriteArchive(t.Context(), written, s, "ada"); err != nil {
		t.Fatal(err)
	}
	took := residentPeak(t) - before
	t.Logf("20,000 items and 5 MB of notes: %d MB resident, an archive of %d kB", took>>20, written.n>>10)
	if took > 48<<20 {
		t.Errorf("%d MB", took>>20)
	}
}

func TestAnArchiveEndsWithItsReader(t *testing.T) {
	s := openStore(t)
	storetest.Fill(t, s, "ada")
	if err := WriteArchive(t.Context(), brokenWriter{}, s, "ada"); err == nil {
		t.Error("no error")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := WriteArchive(ended, io.Discard, s, "ada"); err == nil {
		t.Error("no error")
	}
}
