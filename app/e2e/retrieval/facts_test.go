// Package retrieval tests how well students' notes are searched: the orchestrator with a real database and a model that
// records its prompts.
package retrieval

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"studysharper/app/agent"
	"studysharper/app/agent/agenttest"
	"studysharper/app/store"
	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/app/text"
)

// Figures of the facts.
const (
	otherNotes  = 140 // in addition to the 60 that contain a fact
	wantedForms = 54  // of 60 questions that use other forms of the words
)

// A fact is a sentence of a note, and two questions about it.
type fact struct {
	sentence, plain, inflected string
}

func readFacts(t *testing.T) (list []fact) {
	for _, row := range readTable(t, "facts.tsv") {
		list = append(list, fact{row[0], row[1], withoutWordsOf(row[0], row[2])})
	}
	return list
}

// withoutWordsOf removes from a question the words that the sentence contains literally, so that only other forms of
// its words can find it.
func withoutWordsOf(sentence, question string) string {
	words := text.Words(sentence)
	var left []string
	for _, w := range text.Words(question) {
		if !slices.Contains(words, w) {
			left = append(left, w)
		}
	}
	return strings.Join(left, " ")
}

// readTable reads a file of three columns.
func readTable(t *testing.T, name string) (rows [][]string) {
	t.Helper()
	for line := range strings.Lines(readText(t, name)) {
		row := strings.Split(strings.TrimSpace(line), "\t")
		if len(row) != 3 {
			t.Fatalf("%s: %q has %d columns", name, line, len(row))
		}
		rows = append(rows, row)
	}
	return rows
}

func readText(t *testing.T, name string) string {
	return testkit.ReadFile(t, filepath.Join("app/e2e/retrieval/testdata", name))
}

// A desk is an orchestrator with its own database, and a model that records its prompts.
type desk struct {
	*agent.Orchestrator
	store store.Store
	model *agenttest.Model
}

func newDesk(t testing.TB) desk {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "notes.db")
	if err := store.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	fakes := agenttest.NewFakes(agenttest.Says("Yes."))
	return desk{agent.New(agent.Deps{Model: fakes.Model, Cache: fakes.Cache, Store: store.ForAgents(s)}, agent.Options{}), s, fakes.Model}
}

// keep stores a note of a user.
func (d desk) keep(t testing.TB, user, title, content string) {
	t.Helper()
	if _, err := d.store.CreateNote(t.Context(), study.Note{UserID: user, Title: title, Content: content}); err != nil {
		t.Fatal(err)
	}
}

// ask returns the prompt that the model gets with a question about all notes.
func (d desk) ask(t *testing.T, user, question string) (sent string) {
	t.Helper()
	before := d.model.Calls()
	if _, err := d.Run(t.Context(), "", study.Request{Type: study.Chat, UserID: user, Message: question}, agent.Observer{}); err != nil {
		t.Fatal(err)
	}
	if d.model.Calls() != before+1 {
		t.Fatalf("%d calls of the model, want 1", d.model.Calls()-before)
	}
	var b strings.Builder
	for _, turn := range d.model.Prompts[before].Turns {
		b.WriteString(turn.Text)
	}
	return b.String()
}

// noteWith returns a note of about size bytes of open texts with the sentence at the given fraction of it.
func noteWith(sentence, filling string, size int, share float64) string {
	text := strings.ToValidUTF8(filling[:max(size-len(sentence)-4, 0)], "")
	at := int(share * float64(len(text)))
	if i := strings.LastIndex(text[:at], "\n\n"); i >= 0 && share < 1 {
		at = i
	} else if share < 1 {
		at = 0
	}
	return strings.TrimSpace(text[:at] + "\n\n" + sentence + "\n\n" + strings.TrimSpace(text[at:]))
}

// fillings returns the open texts, repeated: long enough for every note that begins in the first 150 kB.
func fillings(t *testing.T) string {
	var b strings.Builder
	for _, name := range []string{"t01_history_reconstruction.txt", "t02_economics_pricecontrols.md", "t05_law_contracts.txt", "t15_transcript_http.txt"} {
		b.WriteString(readText(t, name) + "\n\n")
	}
	return strings.ToValidUTF8(strings.Repeat(b.String(), store.MaxNoteBytes/b.Len()+5), "")
}

func TestTheFactOfAQuestionIsSentToTheModel(t *testing.T) {
	facts, sizes := readFacts(t), []int{1 << 10, 10 << 10, 100 << 10, store.MaxNoteBytes - 1<<10}
	if testing.Short() {
		sizes = sizes[:3]
	}
	d, filling := newDesk(t), fillings(t)
	const together = "with 200 notes"
	for i, f := range facts {
		size, share := sizes[i%len(sizes)], float64(i/len(sizes)%3)/2
		note := noteWith(f.sentence, filling[1000*i:], size, share)
		d.keep(t, alone(i), "Notes", note)
		d.keep(t, together, fmt.Sprint("Notes ", i), note)
	}
	for i := range otherNotes {
		d.keep(t, together, fmt.Sprint("Others ", i), noteWith("", filling[700*i:], 2_000*(1+i%10), 0))
	}
	for _, c := range []struct {
		name string
		user func(i int) string
	}{{"alone", alone}, {"among 200 notes", func(int) string { return together }}} {
		t.Run(c.name, func(t *testing.T) {
			plain, inflected := 0, 0
			for i, f := range facts {
				if strings.Contains(d.ask(t, c.user(i), f.plain), f.sentence) {
					plain++
				} else {
					t.Errorf("%q does not bring %q", f.plain, f.sentence)
				}
				if strings.Contains(d.ask(t, c.user(i), f.inflected), f.sentence) {
					inflected++
				} else {
					t.Logf("%q does not bring %q", f.inflected, f.sentence)
				}
			}
			t.Logf("in the note's words %d of %d, in other forms %d", plain, len(facts), inflected)
			if inflected < wantedForms {
				t.Errorf("in other forms of the words %d of %d facts are sent, want %d", inflected, len(facts), wantedForms)
			}
		})
	}
}

func alone(i int) string { return fmt.Sprint("student ", i) }

// wantedInThree is the required share of questions for which the right passage is among the first three.
const wantedInThree = .85

func TestThePassageOfAnAnswerIsAmongTheFirstThree(t *testing.T) {
	d := newDesk(t)
	var names []string
	right, asked := map[string]int{}, map[string]int{}
	questions := readTable(t, "questions.tsv")
	for _, q := range questions {
		if !slices.Contains(names, q[0]) {
			names = append(names, q[0])
			d.keep(t, "ada", q[0], readText(t, q[0]))
		}
	}
	for _, q := range questions {
		asked[q[0]]++
		found, err := d.store.SearchPassages(t.Context(), store.PassageQuery{UserID: "ada", Search: q[1], Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(found, func(p study.Passage) bool { return strings.Contains(p.Text, q[2]) }) {
			right[q[0]]++
		} else {
			t.Logf("%s: %q does not find %q", q[0], q[1], q[2])
		}
	}
	for _, name := range names {
		if share := float64(right[name]) / float64(asked[name]); share < wantedInThree {
			t.Errorf("%s: %d of %d questions find their passage among three", name, right[name], asked[name])
		}
		t.Logf("%s: %d of %d", name, right[name], asked[name])
	}
}
