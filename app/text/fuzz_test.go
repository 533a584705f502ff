package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// failOnPanics fails the test at a panic that Guard would hide.
func failOnPanics(t *testing.T, s string) {
	t.Helper()
	ObservePanics(func(p Panic) { t.Fatalf("%s in %s: %q", p.Type, p.Place, s) })
}

// FuzzSentences reads a text by every function that takes a whole one.
func FuzzSentences(f *testing.F) {
	for _, s := range []string{"One. Two!", "Dr. X (e.g. 1.5). \"Hi.\" There", "光合。作用", "# H\n- a\n1. b\n", "T: m\n===\nA:\n", "\xff\xfe. \x00", "ا؟ ب", "A. B. C. the", "$\x81S-\xef%ǀS-襤\xa4\x9f", ":\n0",
		"Known as the powerhouse of the cell, the mitochondrion makes ATP.", "word ` ` ** ** __\r\nword\u2028x\fy", "An egg, called a zygote, divides; it is referred to as a cell."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		failOnPanics(t, s)
		defer ObservePanics(nil)
		got := Sentences(s)
		for _, x := range got {
			if !utf8.ValidString(x) || strings.TrimSpace(x) == "" || strings.ContainsAny(x, "\n\x00") {
				t.Fatalf("a sentence is %q", x)
			}
			readSentence(t, x)
		}
		for _, sec := range Sections(s) {
			for _, p := range sec.Paragraphs {
				if strings.Contains(p, "  ") || strings.TrimSpace(p) != p || p == "" {
					t.Fatalf("a paragraph is %q", p)
				}
				SentencesOf(p)
			}
		}
		for _, d := range Definitions(s) {
			if d.Term == "" || d.Meaning == "" || !utf8.ValidString(d.Term+d.Meaning) {
				t.Fatalf("a definition is %+v", d)
			}
			IsPerson(d)
		}
		for _, p := range Keyphrases(s, 5) {
			if p == "" || !utf8.ValidString(p) {
				t.Fatalf("a phrase is %q", p)
			}
		}
		if r := Rank(got); len(r) != len(got) {
			t.Fatalf("%d ranks of %d sentences", len(r), len(got))
		}
		if o := Overlap(s, s); o != 1 {
			t.Fatalf("overlap with itself is %v", o)
		}
		for _, w := range Words(s) {
			Stem(w)
		}
	})
}

// FuzzSentence reads one string, which need be no sentence, by every function that
// takes one.
func FuzzSentence(f *testing.F) {
	for _, s := range []string{"called", "Known as", "is defined as", "which is the", "A ( b", "the", " ", "", "“Dr. X", ": a", "a: b", "Each cell is called it", "\xff\xfe", "In 1789, he", "İx", "- ", "#", "1. ", "K and K are"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		failOnPanics(t, s)
		defer ObservePanics(nil)
		readSentence(t, s)
		SentencesOf(s)
		DefinitionsIn([]string{s, "This is called " + s, s})
		KeyphrasesIn([]string{s, s}, 5)
		Rank([]string{s, s})
		Stem(s)
		NewBag(s).Overlap(s)
	})
}

func readSentence(t *testing.T, s string) {
	t.Helper()
	c := NewCasing([]string{s})
	Standalone(s)
	IsStatement(s)
	IsPast(s)
	Invert(s, c)
	if subject, predicate, ok := Split(s); ok && (subject == "" || predicate == "") {
		t.Fatalf("%q is split into %q and %q", s, subject, predicate)
	}
	c.Lower(s)
	Capital(s)
	Finished(s)
	Bare(s)
	Plural(s)
	IsVague(s)
	IsName(s)
	IsCredit(s)
	StartsWithPronoun(s)
	ReadsEnglish([]string{s})
	for n := range 5 {
		if cut := Clip(s, n); len(cut) > n {
			t.Fatalf("Clip(%q, %d) is %q", s, n, cut)
		}
	}
}
