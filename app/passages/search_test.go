package passages

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestWordsOfScripts(t *testing.T) {
	for text, want := range map[string]string{
		"Don't stop.Now":            "don t stop now",
		"3.14, 1,000 and 2.":        "3.14 1,000 and 2",
		"L’eau":                     "l eau",
		"植物 a 水":                    "植物 物 a 水",
		"ルール":                       "ルー ール ル",
		"organ\u00adelle ＡＢＣ ﬁn m²": "organelle abc fin m2",
		"<!-- page 7 -->\nx":        "x",
		"file_name e\u0301tat":      "file name état",
	} {
		var got []string
		EachWord(text, func(w string, _ Kind) { got = append(got, w) })
		if strings.Join(got, " ") != want {
			t.Errorf("%q has the words %q, want %q", text, got, want)
		}
	}
}

func TestAWordIsFoundInItsOtherForms(t *testing.T) {
	for _, c := range []struct{ text, query string }{
		{"The ribosome joins amino acids in the cell.", "ribosomes"},
		{"The cells are dividing in the tissue.", "divides"},
		{"Die Straße ist mit den Zellen der Pflanze verbunden.", "STRASSE"},
		{"Die Antikörper werden von den Zellen gebildet und sind im Blut.", "Antikörpern"},
		{"Die Antikörper werden von den Zellen gebildet und sind im Blut.", "antikorper"},
		{"Les cellules sont dans le cœur et les mélanges sont divisés.", "coeur"},
		{"Les cellules sont dans le cœur et les mélanges sont divisés par des enzymes.", "mélange"},
		{"Las células se dividen en los tejidos de la planta.", "celula"},
		{"Клетки делятся в тканях растений.", "клетка"},
		{"许多植物通过光合作用制造氧气。", "植物"},
		{"许多植物通过光合作用制造氧气。", "物"},
		{"พืชสังเคราะห์แสง", "เคราะห์"},
	} {
		if found := NewIndex(c.text).Search(ParseQuery(c.query)); len(found) == 0 {
			t.Errorf("%q does not find %q", c.query, c.text)
		}
	}
	if found := NewIndex("The ribosome joins amino acids.").Search(ParseQuery("chloroplast")); len(found) > 0 {
		t.Error("a word that is not there was found")
	}
}

func TestRareWordsDecideTheOrder(t *testing.T) {
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, "## Part %d\n\nThe cell has the organelle number%d. %s\n\n", i, i, sentences(900))
	}
	x := NewIndex(b.String())
	for _, i := range []int{0, 31, 59} {
		found := x.Search(ParseQuery(fmt.Sprintf("What is the organelle number%d of the cell?", i)))
		if len(found) == 0 || !strings.Contains(x.Passages[found[0]].Text, fmt.Sprintf("number%d.", i)) {
			t.Errorf("number%d is not in the first passage found", i)
		}
	}
}

func TestPhrases(t *testing.T) {
	x := NewIndex("# One\n\nThe power of the house. " + sentences(850) + "\n\n# Two\n\nThe house has much power: a powerful house, and the power houses. " + sentences(850))
	for query, want := range map[string][]int{
		`"power house"`:       {1},
		`„Power Houses“`:      {1},
		`"power of the house`: {1, 0}, // not closed: three words
		`"house power"`:       {1, 0}, // not found as a phrase: single words
	} {
		got := x.Search(ParseQuery(query))
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s finds the passages %v, want %v", query, got, want)
		}
	}
}

func TestAQueryIsBounded(t *testing.T) {
	if n := len(ParseQuery(strings.Repeat("a b c d e f ", 100_000)).Words); n != 6 {
		t.Errorf("%d words, want each once", n)
	}
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "word%d ", i)
	}
	if n := len(ParseQuery(b.String()).Words); n != maxQueryWords {
		t.Errorf("%d words of 100", n)
	}
}

func BenchmarkIndexOfOneMegabyte(b *testing.B) {
	text := strings.Repeat(sentences(900)+"\n\n", 1<<20/910)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		NewIndex(text)
	}
}
