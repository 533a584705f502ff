package export

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"studysharper/app/study"
)

const deckUUID = "01890000-0000-7000-8000-0000000000aa"

var changed = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// content returns a saved aid; data is a value that becomes its JSON.
func content(t *testing.T, kind study.Type, title string, data any) study.Content {
	t.Helper()
	raw, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return study.Content{ID: deckUUID, UserID: "u", Type: kind, Title: title, Data: raw, CreatedAt: changed, UpdatedAt: changed}
}

// values is a JSON object as the tests write it.
type values = map[string]any

func written(t *testing.T, c study.Content, f Format) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, c, f); err != nil {
		t.Fatalf("%s: %v", f, err)
	}
	return out.Bytes()
}

// deck returns a deck with cards that formats must escape.
func deck(t *testing.T) study.Content {
	t.Helper()
	return content(t, study.Flashcards, "Zellen: A::B", values{"flashcards": []values{
		{"id": "c1", "question": "What is <b>ATP</b> & why?", "answer": "Energy\nof the cell", "topic": "Cell energy", "difficulty": "easy",
			"source": values{"title": "Cells", "page": 3, "quote": "ATP is energy"}},
		{"id": "c2", "question": "# of $x^2 < 4$?", "answer": "=HYPERLINK(\"x\")", "topic": "", "difficulty": "hard"},
		{"question": "日本語\tで \"何\"?", "answer": "-5", "topic": "言語", "difficulty": "medium"},
	}, "total_count": 3, "topics_covered": []string{}})
}
