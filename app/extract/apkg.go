package extract

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
	"modernc.org/sqlite"
)

// fieldEnds separates the fields of a note (U+001F).
const fieldEnds = "\x1f"

// readAPKG reads an Anki deck: schema 11 (collection.anki2, collection.anki21), or schema 18, which is compressed
// (collection.anki21b). Pictures, sounds and review states are left out.
func readAPKG(data []byte, _ Options, w *writer) (Document, error) {
	a, err := openArchive(data, Anki)
	if err != nil {
		return Document{}, err
	}
	collection, err := ankiCollection(a)
	if err != nil {
		return Document{}, err
	}
	d := Document{}
	notes, err := ankiNotes(collection)
	if err != nil {
		return d, damaged(Anki, errors.New("the collection cannot be read"))
	}
	if len(notes) > maxRows {
		notes = notes[:maxRows]
		d.Warnings = append(d.Warnings, fmt.Sprintf("The deck has more than %d notes: the rest was left out.", maxRows))
	}
	var cards []card
	for _, fields := range notes {
		cards = append(cards, ankiCard(strings.Split(fields, fieldEnds), true)...)
	}
	writeCards(cards, w)
	return d, nil
}

// ankiCollection returns the newest database in a deck: Anki adds an old one to it that only asks the user to update.
func ankiCollection(a *archive) ([]byte, error) {
	if a.has("collection.anki21b") {
		packed, err := a.part("collection.anki21b")
		if err != nil {
			return nil, err
		}
		return unpackZstd(a, packed)
	}
	if a.has("collection.anki21") {
		return a.part("collection.anki21")
	}
	return a.required("collection.anki2")
}

func unpackZstd(a *archive, packed []byte) ([]byte, error) {
	r, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPart), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, damaged(Anki, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxPart+1))
	if err != nil {
		return nil, damaged(Anki, err)
	}
	if len(data) > maxPart {
		return nil, a.tooLarge()
	}
	return data, nil
}

// ankiNotes reads the fields of at most maxRows+1 notes from a database in memory.
func ankiNotes(collection []byte) (notes []string, err error) {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	err = conn.Raw(func(driver any) error {
		c, ok := driver.(interface{ Deserialize([]byte) error })
		if !ok {
			return errors.New("the driver cannot read a database from memory")
		}
		return c.Deserialize(collection)
	})
	if err != nil {
		return nil, err
	}
	var tables int
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'notes' AND sql NOT LIKE '%VIRTUAL%'").Scan(&tables); err != nil || tables != 1 {
		return nil, errors.Join(err, errors.New("no notes"))
	}
	rows, err := conn.QueryContext(ctx, "SELECT substr(flds, 1, 100000) FROM notes ORDER BY id LIMIT ?", maxRows+1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var fields string
		if err := rows.Scan(&fields); err != nil {
			return nil, err
		}
		notes = append(notes, fields)
	}
	return notes, rows.Err()
}

var _ = sqlite.Driver{}
