// Package export writes a student's data in the formats of other programs: Anki, spreadsheets, Moodle, plain Markdown
// and JSON, and all data of a student as one ZIP file. The main idea: an aid is first converted to a flat list of cards
// or questions, whose texts each format then escapes by its own rules.
package export

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"studysharper/app/study"
)

// Format is the name of a format and the extension of its files.
type Format string

// The formats of aids.
const (
	APKG     Format = "apkg" // Anki 2.1 and later, collection schema 11
	TSV      Format = "tsv"  // with Anki's header lines
	CSV      Format = "csv"  // RFC 4180
	GIFT     Format = "gift" // Moodle
	Markdown Format = "md"
	JSON     Format = "json"
)

// MediaType returns the format's Content-Type.
func (f Format) MediaType() string {
	switch f {
	case APKG:
		return "application/vnd.anki" // as AnkiWeb serves it; not registered with IANA
	case TSV:
		return "text/tab-separated-values; charset=utf-8"
	case CSV:
		return "text/csv; charset=utf-8; header=present"
	case Markdown:
		return "text/markdown; charset=utf-8"
	case JSON:
		return "application/json"
	default:
		return "text/plain; charset=utf-8"
	}
}

// Formats returns the formats for aids of a type, the most useful one first.
func Formats(t study.Type) []Format {
	switch t {
	case study.Flashcards:
		return []Format{APKG, TSV, CSV, Markdown, JSON}
	case study.Quiz, study.Exam:
		return []Format{GIFT, Markdown, JSON}
	default:
		return []Format{Markdown, JSON}
	}
}

// CheckFormat parses the name of a format for aids of type t. For any other name, it returns CodeInvalid with the valid
// names.
func CheckFormat(t study.Type, name string) (Format, error) {
	formats := Formats(t)
	if f := Format(name); slices.Contains(formats, f) {
		return f, nil
	}
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = string(f)
	}
	return "", study.Invalid([]study.Fault{{Field: "format", Detail: "must be " + alternatives(names)}})
}

func alternatives(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// Write writes a saved aid in a format of its type. The aid and, for APKG, its collection are in memory: a few times
// the size of the aid's JSON, which the store limits. Writing stops at the first error of w.
func Write(w io.Writer, c study.Content, f Format) error {
	d, err := read(c)
	if err != nil {
		return err
	}
	switch f {
	case APKG:
		return writeAPKG(w, d)
	case TSV:
		return writeTSV(w, d)
	case CSV:
		return writeCSV(w, d)
	case GIFT:
		return writeGIFT(w, d)
	case Markdown:
		return writeMarkdown(w, d)
	default:
		return writeJSON(w, c)
	}
}

// document is an aid to be written.
type document struct {
	id      string
	title   string
	changed time.Time
	cards   []card
	parts   []part // of an exam, or the single one of a quiz
	aid     study.Aid
}

// card is a flashcard with its id and source.
type card struct {
	study.Flashcard
	ID     string        `json:"id"`
	Source *study.Source `json:"source"`
}

// question is a question of a quiz or an exam with its id and source.
type question struct {
	study.Question
	ID     string        `json:"id"`
	Source *study.Source `json:"source"`
}

// part is a section of an exam, or a whole quiz.
type part struct {
	Name         string     `json:"section_name"`
	Instructions string     `json:"instructions"`
	Minutes      int        `json:"time_estimate_minutes"`
	Questions    []question `json:"questions"`
}

// sourceText formats a source for people: "Cells, Mitosis, page 3: “quote”"; "" for nil.
func sourceText(s *study.Source) string {
	if s == nil {
		return ""
	}
	var where []string
	for _, name := range []string{s.Title, s.Section} {
		if name = oneLine(name); name != "" {
			where = append(where, name)
		}
	}
	if s.Page > 0 {
		where = append(where, "page "+strconv.Itoa(s.Page))
	}
	text := strings.Join(where, ", ")
	if quote := oneLine(s.Quote); quote != "" {
		if text != "" {
			text += ": "
		}
		text += "“" + quote + "”"
	}
	return text
}

// read converts a saved aid to a document. The id of an item without one is its position, from 1.
func read(c study.Content) (document, error) {
	d := document{id: c.ID, title: oneLine(c.Title), changed: c.UpdatedAt, aid: study.NewAid(c.Type)}
	var items struct {
		Cards []card `json:"flashcards"`
		Quiz  part   `json:"quiz"`
		Exam  struct {
			Sections []part `json:"sections"`
		} `json:"exam"`
	}
	if d.aid == nil {
		return d, study.Errorf(study.CodeInternal, "an aid of unknown type cannot be exported")
	}
	if err := json.Unmarshal(c.Data, d.aid); err != nil {
		return d, study.Wrap(err, study.CodeInternal, "the aid cannot be read")
	}
	if err := json.Unmarshal(c.Data, &items); err != nil {
		return d, study.Wrap(err, study.CodeInternal, "the aid cannot be read")
	}
	d.cards, d.parts = items.Cards, items.Exam.Sections
	if c.Type == study.Quiz {
		d.parts = []part{items.Quiz}
	}
	d.number()
	if d.title == "" {
		d.title = strings.ToUpper(kindName(c.Type)[:1]) + kindName(c.Type)[1:]
	}
	return d, nil
}

func (d *document) number() {
	for i := range d.cards {
		if d.cards[i].ID == "" {
			d.cards[i].ID = strconv.Itoa(i + 1)
		}
	}
}

// kindName returns the English name of a type of aid.
func kindName(t study.Type) string {
	switch t {
	case study.Flashcards:
		return "flashcards"
	case study.Quiz:
		return "quiz"
	case study.Exam:
		return "exam"
	case study.Summary:
		return "summary"
	case study.Analysis:
		return "analysis"
	case study.Plan:
		return "plan"
	default:
		return "aid"
	}
}

// oneLine returns text without line breaks and repeated spaces.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
