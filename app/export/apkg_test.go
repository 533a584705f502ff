package export

import (
	"archive/zip"
	"bytes"
	"crypto/sha1" //nolint:gosec // Anki's checksum
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"studysharper/app/study"
	"studysharper/app/testkit"
)

// ankiNote is a note and its card according to Anki's documented schema.
type ankiNote struct {
	guid, deck, tags string
	fields           []string
	mod, model, due  int64
}

// readAPKG reads a package according to its documented schema, and checks the properties that Anki relies on.
func readAPKG(t *testing.T, file []byte) []ankiNote {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if entries[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	if len(entries) != 2 || string(entries["media"]) != "{}" {
		t.Fatalf("entries %v", z.File)
	}
	path := filepath.Join(t.TempDir(), "collection.anki2")
	if err := os.WriteFile(path, entries["collection.anki2"], 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	checkDatabase(t, db)
	return readNotes(t, db)
}

func checkDatabase(t *testing.T, db *sql.DB) {
	t.Helper()
	var ok string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&ok); err != nil || ok != "ok" {
		t.Fatalf("integrity: %s, %v", ok, err)
	}
	var rows, version, orphans, doubled int
	if err := db.QueryRow("SELECT count(*), max(ver) FROM col").Scan(&rows, &version); err != nil || rows != 1 || version != 11 {
		t.Errorf("col: %d rows, version %d, %v", rows, version, err)
	}
	if err := db.QueryRow("SELECT count(*) FROM cards WHERE nid NOT IN (SELECT id FROM notes)").Scan(&orphans); err != nil || orphans != 0 {
		t.Errorf("%d cards without a note, %v", orphans, err)
	}
	if err := db.QueryRow("SELECT count(*) - count(DISTINCT guid) FROM notes").Scan(&doubled); err != nil || doubled != 0 {
		t.Errorf("%d guids twice, %v", doubled, err)
	}
	for _, table := range []string{"revlog", "graves"} {
		if err := db.QueryRow("SELECT count(*) FROM " + table).Scan(&rows); err != nil || rows != 0 {
			t.Errorf("%s: %d rows, %v", table, rows, err)
		}
	}
}

func readNotes(t *testing.T, db *sql.DB) []ankiNote {
	t.Helper()
	var models, decks, conf, dconf string
	if err := db.QueryRow("SELECT models, decks, conf, dconf FROM col").Scan(&models, &decks, &conf, &dconf); err != nil {
		t.Fatal(err)
	}
	names := deckNames(t, decks)
	checkModel(t, models)
	for _, text := range []string{conf, dconf} {
		if !json.Valid([]byte(text)) {
			t.Errorf("not JSON: %s", text)
		}
	}
	rows, err := db.Query("SELECT n.guid, n.mid, n.mod, n.tags, n.flds, n.sfld, n.csum, c.did, c.due, c.type, c.queue FROM notes n JOIN cards c ON c.nid = n.id ORDER BY c.due")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var notes []ankiNote
	for rows.Next() {
		var n ankiNote
		var fields, sort string
		var did, sum, kind, queue int64
		if err := rows.Scan(&n.guid, &n.model, &n.mod, &n.tags, &fields, &sort, &sum, &did, &n.due, &kind, &queue); err != nil {
			t.Fatal(err)
		}
		n.fields, n.deck = strings.Split(fields, "\x1f"), names[did]
		if h := sha1.Sum([]byte(sort)); int64(binary.BigEndian.Uint32(h[:4])) != sum || kind != 0 || queue != 0 { //nolint:gosec // Anki's
			t.Errorf("%s: checksum %d, type %d, queue %d", sort, sum, kind, queue)
		}
		notes = append(notes, n)
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return notes
}

func deckNames(t *testing.T, text string) map[int64]string {
	t.Helper()
	var decks map[string]struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
		Conf int64  `json:"conf"`
	}
	if err := json.Unmarshal([]byte(text), &decks); err != nil || decks["1"].Name != "Default" {
		t.Fatalf("decks %s: %v", text, err)
	}
	names := map[int64]string{}
	for key, d := range decks {
		if key != fmt.Sprint(d.ID) || d.Conf != 1 || d.ID >= 1<<53 {
			t.Errorf("deck %s: %+v", key, d)
		}
		names[d.ID] = d.Name
	}
	return names
}

// checkModel requires the fields that Anki needs in a note type.
func checkModel(t *testing.T, text string) {
	t.Helper()
	var models map[string]map[string]any
	if err := json.Unmarshal([]byte(text), &models); err != nil || len(models) != 1 {
		t.Fatalf("models %s: %v", text, err)
	}
	for _, m := range models {
		want := map[string][]string{"": {"id", "name", "type", "mod", "usn", "sortf", "did", "tmpls", "flds", "css"}}
		wantAll(t, m, want[""])
		for _, f := range m["flds"].([]any) {
			wantAll(t, f.(map[string]any), []string{"name", "sticky", "rtl", "font", "size", "ord"})
		}
		for _, f := range m["tmpls"].([]any) {
			wantAll(t, f.(map[string]any), []string{"name", "qfmt", "afmt", "ord"})
		}
	}
}

func wantAll(t *testing.T, got map[string]any, keys []string) {
	t.Helper()
	for _, key := range keys {
		if _, ok := got[key]; !ok {
			t.Errorf("%q is missing in %v", key, got)
		}
	}
}

func TestAPackageHoldsTheCards(t *testing.T) {
	notes := readAPKG(t, written(t, deck(t), APKG))
	want := [][]string{
		{"What is &lt;b&gt;ATP&lt;/b&gt; &amp; why?", "Energy<br>of the cell", "Cells, page 3: “ATP is energy”"},
		{`# of \(x^2 &lt; 4\)?`, "=HYPERLINK(&#34;x&#34;)", ""},
		{"日本語\tで &#34;何&#34;?", "-5", ""},
	}
	tags := []string{" Cell_energy easy ", " hard ", " 言語 medium "}
	if len(notes) != len(want) {
		t.Fatalf("%d notes", len(notes))
	}
	for i, n := range notes {
		if !slices.Equal(n.fields, want[i]) || n.tags != tags[i] || n.deck != "Zellen: A: B" || n.mod != changed.Unix() || n.due != int64(i+1) {
			t.Errorf("note %d: %+v", i, n)
		}
	}
}

func TestASecondImportUpdatesTheSameNotes(t *testing.T) {
	first := readAPKG(t, written(t, deck(t), APKG))
	edited := deck(t)
	edited.Data = bytes.ReplaceAll(edited.Data, []byte("Energy"), []byte("Power"))
	edited.Title, edited.UpdatedAt = "Renamed", changed.Add(time.Hour)
	second := readAPKG(t, written(t, edited, APKG))
	for i := range first {
		if first[i].guid != second[i].guid || first[i].model != second[i].model || second[i].mod <= first[i].mod {
			t.Errorf("note %d: %+v, then %+v", i, first[i], second[i])
		}
	}
	other := deck(t)
	other.ID = deckUUID[:35] + "b"
	for i, n := range readAPKG(t, written(t, other, APKG)) {
		if n.guid == first[i].guid {
			t.Errorf("another deck's note %d has the same guid", i)
		}
	}
}

func TestAGuidBelongsToTheItemAndNotToItsPlace(t *testing.T) {
	cards := []values{{"id": "a", "question": "1", "answer": "1"}, {"id": "b", "question": "2", "answer": "2"}}
	guids := func(cards []values) []string {
		var out []string
		for _, n := range readAPKG(t, written(t, content(t, study.Flashcards, "T", values{"flashcards": cards}), APKG)) {
			out = append(out, n.guid)
		}
		return out
	}
	both, rest := guids(cards), guids(cards[1:])
	if len(rest) != 1 || rest[0] != both[1] {
		t.Errorf("%v, then %v", both, rest)
	}
}

func TestAnEmptyDeckIsAPackageToo(t *testing.T) {
	if notes := readAPKG(t, written(t, content(t, study.Flashcards, "", values{"flashcards": []values{}}), APKG)); len(notes) != 0 {
		t.Errorf("%v", notes)
	}
}

func manyCards(t *testing.T, n int) study.Content {
	t.Helper()
	cards := make([]values, n)
	for i := range cards {
		cards[i] = values{"id": fmt.Sprint("item-", i), "question": fmt.Sprintf("What does enzyme %d do in the cell?", i),
			"answer": strings.Repeat(fmt.Sprintf("It splits substrate %d. ", i), 5), "topic": "Enzymes", "difficulty": "medium"}
	}
	return content(t, study.Flashcards, "Many", values{"flashcards": cards})
}

// residentPeak returns the process's peak resident memory, in bytes, because a collection is outside Go's heap.
func residentPeak(t *testing.T) int64 { return testkit.StatusBytes(t, os.Getpid(), "VmHWM") }

func TestTwentyThousandCardsTakeBoundedMemory(t *testing.T) {
	testkit.SkipRace(t)
	testkit.SkipShort(t, "it makes thousands of cards")
	c := manyCards(t, 20_000)
	runtime.GC()
	testkit.ForgetPeak(t, os.Getpid())
	before := residentPeak(t)
	counted := &counter{}
	if err := Write(counted, c, APKG); err != nil {
		t.Fatal(err)
	}
	took := residentPeak(t) - before
	t.Logf("%d cards, %d MB of JSON: %d MB resident, a package of %d kB", 20_000, len(c.Data)>>20, took>>20, counted.n>>10)
	if took > 96<<20 {
		t.Errorf("%d MB", took>>20)
	}
}

type counter struct{ n int }

func (c *counter) Write(p []byte) (int, error) { c.n += len(p); return len(p), nil }

func TestACollectionAboveItsBoundIsRefused(t *testing.T) {
	testkit.SkipShort(t, "it makes thousands of cards")
	big := content(t, study.Flashcards, "Big", values{"flashcards": []values{{"id": "1", "question": strings.Repeat("<", maxPages*pageBytes/4), "answer": "x"}}})
	if err := Write(io.Discard, big, APKG); !study.IsCode(err, study.CodeInternal) || !strings.Contains(err.Error(), "full") {
		t.Errorf("got %v", err)
	}
}

func TestAWriterThatFailsEndsTheExport(t *testing.T) {
	for _, f := range Formats(study.Flashcards) {
		if err := Write(brokenWriter{}, manyCards(t, 2000), f); err == nil {
			t.Errorf("%s: no error", f)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
