package english

import (
	"studysharper/app/offline/language"
	"testing"
	"unicode/utf8"

	"studysharper/app/text"
)

// FuzzSentences passes a text, and the same string as a single sentence, to every function of
// the package.
func FuzzSentences(f *testing.F) {
	for _, s := range []string{"called", "Known as", "is defined as", "which is the", "A ( b", "the", " ", "", "“Dr. X", ": a", "a: b", "Each cell is called it", "\xff\xfe", "In 1789, he", "İx", "K and K are",
		"Known as the powerhouse of the cell, the mitochondrion makes ATP.", "An egg, called a zygote, divides; it is referred to as a cell.", "光合作用是植物的过程。", "$\x81S-\xef%ǀS-襤\xa4\x9f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text.ObservePanics(func(p text.Panic) { t.Fatalf("%s in %s: %q", p.Type, p.Place, s) })
		defer text.ObservePanics(nil)
		for _, x := range text.Sentences(s) {
			readSentence(t, x)
		}
		for _, d := range definitionsOf(s) {
			if d.Term == "" || d.Meaning == "" || !utf8.ValidString(d.Term+d.Meaning) {
				t.Fatalf("a definition is %+v", d)
			}
			IsPerson(d)
		}
		for _, p := range keyphrasesOf(s, 5) {
			if p == "" || !utf8.ValidString(p) {
				t.Fatalf("a phrase is %q", p)
			}
		}
		readSentence(t, s)
		DefinitionsIn([]string{s, "This is called " + s, s}, NewCasing([]string{s}))
		KeyphrasesIn([]string{s, s}, 5, language.English, NewCasing([]string{s}))
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
	for _, made := range []string{c.Lower(s), Capital(s), Finished(s), Bare(s)} {
		if utf8.ValidString(s) && !utf8.ValidString(made) {
			t.Fatalf("%q becomes %q", s, made)
		}
	}
	Plural(s)
	IsVague(s)
	IsName(s)
	IsCredit(s)
	StartsWithPronoun(s)
}
