package export

import (
	"archive/zip"
	"context"
	"encoding/json"
	"io"
	"slices"
	"time"

	"studysharper/app/store"
	"studysharper/app/study"
)

// WriteArchive writes all data stored for a user as a ZIP file, entry by entry: only one page of a list, one aid and
// the file names are in memory. It is not a snapshot: changes during the export may or may not be included. After an
// error, the ZIP file lacks its central directory, which readers notice.
func WriteArchive(ctx context.Context, w io.Writer, s store.Store, userID string) error {
	a := archive{ctx: ctx, zip: zip.NewWriter(w), store: s, user: userID, began: time.Now().UTC()}
	for _, write := range []func() error{
		a.writeReadme, a.writeNotes, a.writeNotesIndex, a.writeAids, a.writeSessions, a.writeSessionsIndex,
		a.writeCards, a.writeReviews, a.writeReviewSettings, a.writeAttempts, a.writeRatings, a.writePreferences, a.writeActivity,
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return a.zip.Close()
}

type archive struct {
	ctx   context.Context
	zip   *zip.Writer
	store store.Store
	user  string
	began time.Time
}

const readme = `# Your data in StudySharper

- notes/: your notes as Markdown; notes.json lists them with their dates
- flashcards/, quizzes/, exams/, summaries/, analyses/, plans/: what was made for you, as JSON and as Markdown;
  decks also as .apkg for Anki, quizzes and exams as .gift for Moodle
- sessions/: your conversations, one file each; sessions.json lists them
- cards.json, reviews.json, review_settings.json: the state of each card, your reviews, and your review settings
- attempts.json: the quizzes and exams that you took, with your answers and how they were graded
- ratings.json, preferences.json, activity.json: your ratings and preferences, and a log of your requests

Times are UTC.
`

func (a *archive) writeReadme() error {
	file, err := a.create("README.md", a.began)
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, readme)
	return err
}

func (a *archive) create(name string, changed time.Time) (io.Writer, error) {
	return a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: changed})
}

// pages calls take for each row of a list, page by page.
func pages[T any](list func(store.Page) ([]T, string, error), take func(T) error) error {
	for page := (store.Page{Limit: store.MaxRows}); ; {
		rows, next, err := list(page)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := take(row); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		page.Before = next
	}
}

func (a *archive) notes(p store.Page) ([]study.Note, string, error) {
	return a.store.Notes(a.ctx, store.NoteQuery{UserID: a.user, Page: p})
}

func (a *archive) writeNotes() error {
	names := namer{}
	return pages(a.notes, func(n study.Note) error {
		file, err := a.create(names.name("notes/", n.Title, "note", ".md"), n.UpdatedAt)
		if err != nil {
			return err
		}
		return writeNote(file, n)
	})
}

// writeNotesIndex lists the notes without their text. It reads them again, because keeping all of them would need too
// much memory.
func (a *archive) writeNotesIndex() error {
	names := namer{}
	return a.writeList("notes.json", func(add func(any) error) error {
		return pages(a.notes, func(n study.Note) error {
			n.Content = ""
			return add(struct {
				File string `json:"file"`
				study.Note
				Content *string `json:"content,omitempty"` // hides the note's content
			}{File: names.name("notes/", n.Title, "note", ".md"), Note: n})
		})
	})
}

func (a *archive) writeAids() error {
	for kind, folder := range study.ContentTypes() {
		names := namer{}
		list := func(p store.Page) ([]study.Content, string, error) {
			return a.store.Contents(a.ctx, store.ContentQuery{UserID: a.user, Type: kind, Page: p})
		}
		if err := pages(list, func(c study.Content) error { return a.writeAid(names.name(folder+"/", c.Title, kindName(kind), ""), c) }); err != nil {
			return err
		}
	}
	return nil
}

// writeAid writes an aid in the formats that are complete or usable in other programs, but not the cards as tables.
func (a *archive) writeAid(name string, c study.Content) error {
	for _, f := range []Format{JSON, Markdown, APKG, GIFT} {
		if _, err := CheckFormat(c.Type, string(f)); err != nil {
			continue
		}
		file, err := a.create(name+"."+string(f), c.UpdatedAt)
		if err != nil {
			return err
		}
		if err := Write(file, c, f); err != nil {
			return err
		}
	}
	return nil
}

func (a *archive) sessions(p store.Page) ([]study.Session, string, error) {
	return a.store.Sessions(a.ctx, a.user, p)
}

func sessionFile(names namer, v study.Session) string {
	return names.name("sessions/", v.CreatedAt.Format(time.DateOnly)+" "+v.Title, "session", ".json")
}

func (a *archive) writeSessions() error {
	names := namer{}
	return pages(a.sessions, func(v study.Session) error {
		return a.writeList(sessionFile(names, v), func(add func(any) error) error { return a.messages(v.ID, add) })
	})
}

func (a *archive) writeSessionsIndex() error {
	names := namer{}
	return a.writeList("sessions.json", func(add func(any) error) error {
		return pages(a.sessions, func(v study.Session) error {
			return add(struct {
				File string `json:"file"`
				study.Session
			}{sessionFile(names, v), v})
		})
	})
}

// messages passes the messages of a session to add, in order. The store lists the newest first; therefore messages
// first collects the cursors of all pages, and then reads the pages in reverse order.
func (a *archive) messages(session string, add func(any) error) error {
	cursors := []string{""}
	for {
		_, next, err := a.store.Messages(a.ctx, session, store.Page{Limit: store.MaxRows, Before: cursors[len(cursors)-1]})
		if err != nil {
			return err
		}
		if next == "" {
			break
		}
		cursors = append(cursors, next)
	}
	for _, cursor := range slices.Backward(cursors) {
		messages, _, err := a.store.Messages(a.ctx, session, store.Page{Limit: store.MaxRows, Before: cursor})
		if err != nil {
			return err
		}
		for _, m := range messages {
			if err := add(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeCards writes the review state of each card; its question is in its deck.
func (a *archive) writeCards() error {
	list := func(p store.Page) ([]study.Card, string, error) { return a.store.UserCards(a.ctx, a.user, p) }
	return a.writeList("cards.json", func(add func(any) error) error {
		return pages(list, func(c study.Card) error {
			return add(struct {
				ID        string           `json:"card_id"`
				DeckID    string           `json:"deck_id"`
				ItemID    string           `json:"item_id"`
				Suspended bool             `json:"suspended"`
				Memory    study.CardMemory `json:"memory"`
			}{c.ID, c.DeckID, c.ItemID, c.Suspended, c.Memory})
		})
	})
}

func (a *archive) writeReviews() error {
	list := func(p store.Page) ([]study.DoneReview, string, error) { return a.store.UserReviews(a.ctx, a.user, p) }
	return a.writeList("reviews.json", func(add func(any) error) error {
		return pages(list, func(v study.DoneReview) error { return add(v) })
	})
}

func (a *archive) writeAttempts() error {
	list := func(p store.Page) ([]study.Attempt, string, error) { return a.store.UserAttempts(a.ctx, a.user, p) }
	return a.writeList("attempts.json", func(add func(any) error) error {
		return pages(list, func(v study.Attempt) error { return add(v) })
	})
}

func (a *archive) writeReviewSettings() error {
	v, err := a.store.ReviewSettings(a.ctx, a.user)
	if err != nil {
		return err
	}
	file, err := a.create("review_settings.json", a.began)
	if err != nil {
		return err
	}
	return encode(file, v)
}

func (a *archive) writeRatings() error {
	list := func(p store.Page) ([]study.Rating, string, error) { return a.store.Ratings(a.ctx, a.user, p) }
	return a.writeList("ratings.json", func(add func(any) error) error {
		return pages(list, func(r study.Rating) error { return add(r) })
	})
}

func (a *archive) writeActivity() error {
	list := func(p store.Page) ([]study.Execution, string, error) { return a.store.Activity(a.ctx, a.user, p) }
	return a.writeList("activity.json", func(add func(any) error) error {
		return pages(list, func(e study.Execution) error { return add(e) })
	})
}

func (a *archive) writePreferences() error {
	p, err := a.store.Preferences(a.ctx, a.user)
	if err != nil {
		return err
	}
	file, err := a.create("preferences.json", a.began)
	if err != nil {
		return err
	}
	return encode(file, p)
}

// writeList writes an entry that is a JSON array, one element at a time.
func (a *archive) writeList(name string, fill func(add func(any) error) error) error {
	file, err := a.create(name, a.began)
	if err != nil {
		return err
	}
	separator := "[\n"
	add := func(v any) error {
		if _, err := io.WriteString(file, separator); err != nil {
			return err
		}
		separator = ",\n"
		return encode(file, v)
	}
	if err := fill(add); err != nil {
		return err
	}
	if separator == "[\n" {
		_, err = io.WriteString(file, "[]\n")
	} else {
		_, err = io.WriteString(file, "]\n")
	}
	return err
}

func encode(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out.Encode(v)
}
