package extract

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// collection returns a database of notes with two fields each.
func collection(t testing.TB, notes ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "collection.anki2")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec("CREATE TABLE notes (id integer primary key, guid text, mid integer, mod integer, usn integer, tags text, flds text, sfld integer, csum integer, flags integer, data text)")
	for i, n := range notes {
		if err == nil {
			_, err = db.Exec("INSERT INTO notes VALUES (?, ?, 1, 1, -1, ' bio ', ?, '', 0, 0, '')", i+1, "g", n)
		}
	}
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func packed(t testing.TB, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err == nil {
		_, err = w.Write(data)
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDecksOfBothSchemasBecomeCards(t *testing.T) {
	notes := collection(t, "What is <b>ATP</b>?\x1fEnergy carrier\x1fextra", "The {{c1::nucleus}} holds genes\x1f")
	const want = "- What is ATP? :: Energy carrier\n- The […] holds genes :: nucleus"
	is(t, read(t, zipOf(t, map[string]string{"collection.anki2": string(notes), "media": "{}"}), "apkg"), want)
	update := collection(t, "Please update Anki\x1f")
	is(t, read(t, zipOf(t, map[string]string{"collection.anki2": string(update), "collection.anki21b": packed(t, notes), "meta": "x"}), "apkg"), want)
}
