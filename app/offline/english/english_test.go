package english

import (
	"os"
	"reflect"
	"slices"
	"testing"

	"studysharper/app/offline/language"
	"studysharper/app/text"
)

// notes returns the study text that the project's tests share.
func notes(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile("../../../../shared/data/notes-photosynthesis.txt")
	if err != nil {
		t.Skip("no shared data: ", err)
	}
	return string(raw)
}

// keyphrasesOf is KeyphrasesIn for a text with headings, in the text's language.
func keyphrasesOf(s string, n int) []string {
	var body []string
	for _, section := range text.Sections(s) {
		for _, p := range section.Paragraphs {
			body = append(body, text.SentencesOf(p)...)
		}
	}
	return KeyphrasesIn(body, n, language.Detect(s), NewCasing(body))
}

// definitionsOf is DefinitionsIn for all sentences of a text.
func definitionsOf(s string) []Definition {
	sentences := text.Sentences(s)
	return DefinitionsIn(sentences, NewCasing(sentences))
}

func TestKeyphrasesOfTheNotesAreItsTerms(t *testing.T) {
	got := keyphrasesOf(notes(t), 30)
	if len(got) != 30 {
		t.Fatalf("%d phrases", len(got))
	}
	for _, want := range []string{"visible light", "light energy", "electromagnetic spectrum", "pigments", "chemical energy"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among %q", want, got)
		}
	}
	if again := keyphrasesOf(notes(t), 30); !slices.Equal(got, again) {
		t.Error("a second time other phrases come out")
	}
	if short := keyphrasesOf(notes(t), 3); !slices.Equal(short, got[:3]) {
		t.Errorf("the best three are %q", short)
	}
	for _, n := range []int{0, -1} {
		if got := keyphrasesOf("Water moves across membranes.", n); len(got) != 0 {
			t.Errorf("asked for %d: %q", n, got)
		}
	}
}

func TestStandaloneKnowsWhatLeansOnItsNeighbours(t *testing.T) {
	for in, want := range map[string]bool{
		"The sun emits an enormous amount of radiation.": true,
		"This may seem illogical to a person.":           false,
		"It takes little effort to move a rope.":         false,
		"Scientists measure this energy every day.":      false,
		"Is this a question that one asks?":              false,
		"In 1799, he overthrew the old government.":      false,
		"Source: OpenStax, Biology, CC BY 4.0 licence.":  false,
		"Too short.": false,
	} {
		if _, got := Standalone(in); got != want {
			t.Errorf("Standalone(%q) = %v", in, got)
		}
	}
	if got, ok := Standalone("However, autotrophs use only some of it all."); !ok || got != "Autotrophs use only some of it all." {
		t.Errorf("got %q, %v", got, ok)
	}
}

func TestInvertTurnsStatementsIntoQuestions(t *testing.T) {
	c := NewCasing([]string{"the chlorophyll of plants and the pigments of scientists"})
	for in, want := range map[string]string{
		"Chlorophyll appears green.":              "does chlorophyll appear green",
		"The revolution began in Paris.":          "did the revolution begin in Paris",
		"Scientists can measure light.":           "can scientists measure light",
		"Plants have a mixture of pigments.":      "do plants have a mixture of pigments",
		"Plants have evolved slowly.":             "have plants evolved slowly",
		"In 1789, France was close to ruin.":      "was France close to ruin in 1789",
		"The leaves absorb light.":                "do the leaves absorb light",
		"The excited electron must be replaced.":  "must the excited electron be replaced",
		"Pigments found in leaves are green.":     "are pigments found in leaves green",
		"An instrument called a lens bends.":      "",
		"Green is nice and red is not.":           "",
		"Words without a verb that anybody knows": "",
		"": "",
	} {
		if got, ok := Invert(in, c); got != want || ok != (want != "") {
			t.Errorf("Invert(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
}

// TestTheReadingsOfWordsHaveOneOrder builds the table of words repeatedly: the order, which decides between equal costs, must not
// depend on the process.
func TestTheReadingsOfWordsHaveOneOrder(t *testing.T) {
	for range 20 {
		if again := closedWords(); !reflect.DeepEqual(closed(), again) {
			t.Fatal("the order of the readings differs")
		}
	}
}
