package export

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"studysharper/app/extract"
	"studysharper/app/study"
)

// cardsOfEveryKind returns cards with texts that a format could damage, 200 of each.
func cardsOfEveryKind() (cards []values) {
	texts := []string{"What is osmosis?", "A & B < C > D \"quoted\" 'single'", "What is <b>ATP</b>?", "$x^2 < 4$ and $$\\frac{a}{b}$$", "it costs $5 or $6", "日本語の問題", "תורת התאים 12",
		"tab\there", "# first", "-5 + 3 = ?", "=SUM(A1)", "a{{b}}c", "100% \\ of it", "emoji 😀 and é", "semi;colon, comma | bar", "H2O &amp; more"}
	for n := range 200 {
		for i, text := range texts {
			cards = append(cards, values{"id": fmt.Sprintf("item-%d-%d", n, i), "question": fmt.Sprintf("%s (%d)", text, n), "answer": fmt.Sprintf("Answer %d: %s", n, texts[(i+n)%len(texts)]), "difficulty": "easy"})
		}
	}
	return cards
}

// TestWhatIsExportedForAnkiIsImportedAgain exports a deck and reads it with our own importer: the cards are the same
// and in the same order, apart from spaces.
func TestWhatIsExportedForAnkiIsImportedAgain(t *testing.T) {
	cards := cardsOfEveryKind()
	var want []string
	for _, c := range cards {
		want = append(want, "- "+strings.Join(strings.Fields(c["question"].(string)+" :: "+c["answer"].(string)), " "))
	}
	out := content(t, study.Flashcards, "All sorts", values{"flashcards": cards})
	for format, name := range map[Format]string{APKG: "apkg", TSV: "txt"} {
		d, err := extract.Read(written(t, out, format), extract.Options{Extension: name})
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		got := strings.Split(strings.TrimSpace(d.Markdown), "\n")
		if len(got) != len(want) || len(d.Warnings) != 0 {
			t.Fatalf("%s: %d of %d cards, %q", format, len(got), len(want), d.Warnings)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: card %d is %q, want %q", format, i, got[i], want[i])
				break
			}
		}
	}
}

// TestAnEditedDeckUpdatesWhatAnkiHas imports a deck twice by Anki's rule: a note with the same guid and model is
// updated if it is newer, and any other note is added.
func TestAnEditedDeckUpdatesWhatAnkiHas(t *testing.T) {
	cards := cardsOfEveryKind()[:20]
	first := content(t, study.Flashcards, "Cells", values{"flashcards": cards})
	collection := map[string]ankiNote{}
	imported := func(c study.Content) (added, updated int) {
		for _, n := range readAPKG(t, written(t, c, APKG)) {
			if old, known := collection[n.guid]; known && old.model == n.model && n.mod > old.mod {
				updated++
			} else if !known {
				added++
			} else {
				continue
			}
			collection[n.guid] = n
		}
		return added, updated
	}
	if added, updated := imported(first); added != 20 || updated != 0 {
		t.Fatalf("%d added, %d updated", added, updated)
	}
	if added, updated := imported(first); added != 0 || updated != 0 {
		t.Errorf("the same again: %d added, %d updated", added, updated)
	}
	edited := slices.Clone(cards[1:]) // one card is deleted, one is changed, one is new, and the order is different
	edited[3] = values{"id": edited[3]["id"], "question": "Changed?", "answer": "Yes"}
	edited = append([]values{{"id": "new", "question": "New?", "answer": "Yes"}}, edited...)
	second := content(t, study.Flashcards, "Cells, renamed", values{"flashcards": edited})
	second.UpdatedAt = changed.Add(time.Hour)
	if added, updated := imported(second); added != 1 || updated != 19 || len(collection) != 21 {
		t.Errorf("%d added, %d updated, %d notes", added, updated, len(collection))
	}
	if n := collection[guid(deckUUID, cards[4]["id"].(string))]; n.fields[0] != "Changed?" {
		t.Errorf("the changed card is %+v", n)
	}
}
