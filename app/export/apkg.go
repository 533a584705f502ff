package export

import (
	"archive/zip"
	"context"
	"crypto/sha1" //nolint:gosec // Anki's checksum, not a secret
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"html"
	"io"
	"strings"
	"time"
	"unicode"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"studysharper/app/study"
)

const (
	modelID   = 1764374400000 // id of the only note type of all decks; Anki updates notes only if their note type is the same
	modelName = "StudySharper"
	maxPages  = 8192 // of 4 kB per collection: 32 MB in memory
	pageBytes = 4096
)

// writeAPKG writes an Anki package: a ZIP file with a collection of schema 11 and no media. The collection is built in
// memory, within maxPages.
func writeAPKG(w io.Writer, d document) error {
	ctx := context.Background()
	db, err := sql.Open("sqlite", "file::memory:?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-256)&_dqs=0")
	if err != nil {
		return study.Wrap(err, study.CodeInternal, "the Anki package cannot be made")
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // each connection has its own in-memory database
	if err := fillCollection(ctx, db, d); err != nil {
		return study.Wrap(err, study.CodeInternal, "the Anki package cannot be made")
	}
	return zipCollection(ctx, w, db)
}

func zipCollection(ctx context.Context, w io.Writer, db *sql.DB) error {
	archive := zip.NewWriter(w)
	file, err := archive.Create("collection.anki2")
	if err != nil {
		return err
	}
	if err := copyPages(ctx, file, db); err != nil {
		return err
	}
	if file, err = archive.Create("media"); err != nil {
		return err
	}
	if _, err := io.WriteString(file, "{}"); err != nil {
		return err
	}
	return archive.Close()
}

// copyPages writes the file of an in-memory database, page by page.
func copyPages(ctx context.Context, w io.Writer, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "SELECT data FROM sqlite_dbpage ORDER BY pgno")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var page sql.RawBytes
		if err := rows.Scan(&page); err != nil {
			return err
		}
		if _, err := w.Write(page); err != nil {
			return err
		}
	}
	return rows.Err()
}

func fillCollection(ctx context.Context, db *sql.DB, d document) error {
	for _, statement := range append([]string{pragmas}, strings.Split(strings.TrimSpace(collectionSchema), ";\n")...) {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	c := collection{deck: deckID(d.id), name: deckName(d.title), changed: d.changed}
	if err := c.insertCol(ctx, tx); err != nil {
		return err
	}
	if err := c.insertCards(ctx, tx, d); err != nil {
		return err
	}
	return tx.Commit()
}

// collection contains the data of an Anki package other than its notes.
type collection struct {
	deck    int64
	name    string
	changed time.Time
}

func (c collection) insertCol(ctx context.Context, tx *sql.Tx) error {
	var texts []any
	for _, v := range []any{c.conf(), c.models(), c.decks(), c.deckConf()} {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		texts = append(texts, string(text))
	}
	const insert = "INSERT INTO col (id, crt, mod, scm, ver, dty, usn, ls, conf, models, decks, dconf, tags) VALUES (1, ?, ?, ?, 11, 0, 0, 0, ?, ?, ?, ?, '{}')"
	_, err := tx.ExecContext(ctx, insert, append([]any{c.changed.Unix(), c.changed.UnixMilli(), c.changed.UnixMilli()}, texts...)...)
	return err
}

// insertCards adds a note, with one Anki card, for each card. Their ids follow the deck's id. If Anki already has a
// note with the same guid, it keeps its own id; if an id is taken, it assigns another one.
func (c collection) insertCards(ctx context.Context, tx *sql.Tx, d document) error {
	note, err := tx.PrepareContext(ctx, "INSERT INTO notes (id, guid, mid, mod, usn, tags, flds, sfld, csum, flags, data) VALUES (?, ?, ?, ?, -1, ?, ?, ?, ?, 0, '')")
	if err != nil {
		return err
	}
	defer func() { _ = note.Close() }()
	const insert = `INSERT INTO cards (id, nid, did, ord, mod, usn, type, queue, due, ivl, factor, reps, lapses, left, odue, odid, flags, data)
		VALUES (?, ?, ?, 0, ?, -1, 0, 0, ?, 0, 0, 0, 0, 0, 0, 0, 0, '')`
	ankiCard, err := tx.PrepareContext(ctx, insert)
	if err != nil {
		return err
	}
	defer func() { _ = ankiCard.Close() }()
	for i, v := range d.cards {
		id, front := c.deck+int64(i)+1, htmlOf(v.Question)
		fields := strings.Join([]string{front, htmlOf(v.Answer), escapeHTML(sourceText(v.Source))}, "\x1f")
		tags := ""
		if list := v.tags(); len(list) > 0 {
			tags = " " + strings.Join(list, " ") + " "
		}
		if _, err := note.ExecContext(ctx, id, guid(d.id, v.ID), int64(modelID), c.changed.Unix(), tags, fields, plainOf(front), checksum(front)); err != nil {
			return err
		}
		if _, err := ankiCard.ExecContext(ctx, id, id, c.deck, c.changed.Unix(), i+1); err != nil {
			return err
		}
	}
	return nil
}

// tags returns a card's topic and difficulty as Anki tags, which contain no spaces.
func (c card) tags() []string {
	var tags []string
	for _, tag := range []string{c.Topic, c.Difficulty} {
		tag = strings.Join(strings.FieldsFunc(tag, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), "_")
		if tag = strings.ReplaceAll(tag, `"`, ""); tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags
}

// guid identifies a card in Anki, even if its text changes: importing the same card again updates it.
func guid(deck, item string) string {
	sum := sha256.Sum256([]byte(deck + "\x00" + item))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// deckID returns a deck's id in Anki: 41 bits, like Anki's own ids, which are times in milliseconds.
func deckID(deck string) int64 {
	sum := sha256.Sum256([]byte(deck))
	return 1<<40 | int64(binary.BigEndian.Uint64(sum[:8])>>24) //nolint:gosec // 40 bits
}

// deckName returns a title as the name of a deck; Anki uses :: for a deck inside another.
func deckName(title string) string {
	return strings.ReplaceAll(strings.ReplaceAll(title, "::", ": "), `"`, "")
}

// plainOf returns a field without HTML, by which Anki sorts notes and finds duplicates.
func plainOf(field string) string {
	var out strings.Builder
	for field != "" {
		text, rest, tag := strings.Cut(field, "<")
		out.WriteString(text)
		if tag {
			_, rest, _ = strings.Cut(rest, ">")
		}
		field = rest
	}
	return html.UnescapeString(out.String())
}

// checksum returns the number by which Anki finds notes with the same first field.
func checksum(field string) int64 {
	sum := sha1.Sum([]byte(plainOf(field))) //nolint:gosec // defined by Anki
	return int64(binary.BigEndian.Uint32(sum[:4]))
}
