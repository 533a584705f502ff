package text

import (
	"os"
	"reflect"
	"slices"
	"testing"
)

// notes reads the study text that the project's tests share.
func notes(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile("../../../shared/data/notes-photosynthesis.txt")
	if err != nil {
		t.Skip("no shared data: ", err)
	}
	return string(raw)
}

func TestSentencesEndWhereAReaderWouldStop(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"plain", "One is here. Two is there! Is three?", []string{"One is here.", "Two is there!", "Is three?"}},
		{"titles and initials", "Dr. Smith met J. S. Bach. John F. Kennedy spoke.", []string{"Dr. Smith met J. S. Bach.", "John F. Kennedy spoke."}},
		{"abbreviations", "Pigments, e.g. chlorophyll, absorb light. See Fig. 2 for more. The U.S. army won.",
			[]string{"Pigments, e.g. chlorophyll, absorb light.", "See Fig. 2 for more.", "The U.S. army won."}},
		{"decimals", "It took 1.5 hours. Then 3,000.25 more.", []string{"It took 1.5 hours.", "Then 3,000.25 more."}},
		{"no as a word and as an abbreviation", "He said no. Then he took No. 5 home.", []string{"He said no.", "Then he took No. 5 home."}},
		{"a quotation's point", `It is "visible light." The rest is not.`, []string{`It is "visible light."`, "The rest is not."}},
		{"brackets", "He left (see page 4. It is long). She stayed.", []string{"He left (see page 4. It is long).", "She stayed."}},
		{"a bracket never closed", "He left (early. She stayed.", []string{"He left (early.", "She stayed."}},
		{"a capital letter that is not an initial", "It comes from photosystem I. The rest is vitamin C. It helps.",
			[]string{"It comes from photosystem I.", "The rest is vitamin C.", "It helps."}},
		{"headings stand alone", "Absorption of Light\nLight energy starts the process of photosynthesis.\n",
			[]string{"Absorption of Light", "Light energy starts the process of photosynthesis."}},
		{"lists", "- first thing\n* second thing\n3. third thing\n  carries on\n", []string{"first thing", "second thing", "third thing carries on"}},
		{"term lines", "Tithe: a tax\nBourgeoisie: the middle class", []string{"Tithe: a tax", "Bourgeoisie: the middle class"}},
		{"wrapped lines", "The treaty was signed\nin the hall of\nmirrors. It was long.", []string{"The treaty was signed in the hall of mirrors.", "It was long."}},
		{"ellipsis", "He waited... and left… Then he came back.", []string{"He waited... and left…", "Then he came back."}},
		{"Chinese", "光合作用是过程。它需要光！好", []string{"光合作用是过程。", "它需要光！", "好"}},
		{"Arabic and Hindi", "ما هذا؟ هذا كتاب. यह किताब है। वह पढ़ता है।", []string{"ما هذا؟", "هذا كتاب.", "यह किताब है।", "वह पढ़ता है।"}},
		{"one line is not a heading", "Paris is the capital of France", []string{"Paris is the capital of France"}},
		{"Windows line ends and NUL", "A line.\r\nAnother\x00 line.", []string{"A line.", "Another line."}},
		{"nothing", " \n\t", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Sentences(c.in); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWordsAreLowerCaseContentWordsUnstemmed(t *testing.T) {
	for in, want := range map[string][]string{
		"The Light-Dependent reactions don't stop":    {"light", "dependent", "reactions", "stop"},
		"about 3.14 and 1,000 nm":                     {"3.14", "1,000", "nm"},
		"光合作用":                                        {"光合", "合作", "作用"},
		"Зелёный цвет":                                {"зелёный", "цвет"},
		"🎉 … —":                                       nil,
		"Guillotin’s machine":                         {"guillotin’s", "machine"},
		"It is what it is, and that is all there was": nil,
	} {
		if got := Words(in); !slices.Equal(got, want) {
			t.Errorf("Words(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStemIsTheSameForAWordsInflections(t *testing.T) {
	for _, group := range [][]string{
		{"wave", "waves"}, {"measure", "measures", "measured", "measuring"}, {"spectrum", "spectra"}, {"study", "studies", "studied"}, {"carry", "carried"},
		{"stop", "stopped", "stopping"}, {"fall", "falls", "fell", "falling"}, {"box", "boxes"}, {"glass", "glasses"}, {"significant", "significantly"},
	} {
		for _, w := range group {
			if Stem(w) != Stem(group[0]) {
				t.Errorf("Stem(%q) = %q, Stem(%q) = %q", w, Stem(w), group[0], Stem(group[0]))
			}
		}
	}
	for _, pair := range [][2]string{{"photosystem", "photosynthesis"}, {"light", "lightning"}, {"analysis", "analyst"}} {
		if Stem(pair[0]) == Stem(pair[1]) {
			t.Errorf("%q and %q have one stem", pair[0], pair[1])
		}
	}
}

func TestOverlapIsTheShareOfContentWordsFound(t *testing.T) {
	source := "Scientists measured the wavelengths of visible light."
	for claim, want := range map[string]float64{
		"Measuring a wavelength":       1,
		"visible light and dark rooms": 0.5,
		"Bananas":                      0,
		"it is what it is":             1,
		"":                             1,
	} {
		if got := Overlap(claim, source); got != want {
			t.Errorf("Overlap(%q) = %v, want %v", claim, got, want)
		}
	}
}

func TestSectionsAreHeadingsWithTheirParagraphs(t *testing.T) {
	got := Sections("# Osmosis\n\nWater moves.\nIt goes far.\n\nCauses\n------\n- one\n- two\n\nWhat Is Heat?\nHeat is energy that flows from hot to cold.\n")
	want := []Section{
		{"Osmosis", []string{"Water moves. It goes far."}},
		{"Causes", []string{"one", "two"}},
		{"What Is Heat?", []string{"Heat is energy that flows from hot to cold."}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestSectionsOfTheNotes(t *testing.T) {
	var got []string
	for _, s := range Sections(notes(t)) {
		got = append(got, s.Heading)
	}
	want := []string{"The Light-Dependent Reactions of Photosynthesis", "What Is Light Energy?", "Absorption of Light",
		"Understanding Pigments", "How Light-Dependent Reactions Work"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestClipRunesCountsCharacters(t *testing.T) {
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{{"", 0, ""}, {"ab", 0, ""}, {"äöü", 2, "äö"}, {"äöü", 3, "äöü"}, {"äöü", 5, "äöü"}, {"ab\xffc", 3, "ab\xff"}} {
		if got := ClipRunes(c.s, c.n); got != c.want {
			t.Errorf("ClipRunes(%q, %d) = %q, want %q", c.s, c.n, got, c.want)
		}
	}
}

func TestClipCutsAtABlankAndNeverInsideACharacter(t *testing.T) {
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{{"short", 5, "short"}, {"two words", 8, "two"}, {"光合", 4, "光"}, {"光", 2, ""}, {"abc", 0, ""}} {
		if got := Clip(c.s, c.n); got != c.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", c.s, c.n, got, c.want)
		}
	}
}
