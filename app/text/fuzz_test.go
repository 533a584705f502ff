package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// failOnPanics fails the test if Guard recovers from a panic.
func failOnPanics(t *testing.T, s string) {
	t.Helper()
	ObservePanics(func(p Panic) { t.Fatalf("%s in %s: %q", p.Type, p.Place, s) })
}

// FuzzSentences passes a text to every function of the package.
func FuzzSentences(f *testing.F) {
	for _, s := range []string{"One. Two!", "Dr. X (e.g. 1.5). \"Hi.\" There", "光合。作用", "# H\n- a\n1. b\n", "T: m\n===\nA:\n", "\xff\xfe. \x00", "ا؟ ب", "A. B. C. the", "$\x81S-\xef%ǀS-襤\xa4\x9f", ":\n0",
		"Known as the powerhouse of the cell, the mitochondrion makes ATP.", "word ` ` ** ** __\r\nword\u2028x\fy", "“Dr. X", "- ", "#", "1. "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		failOnPanics(t, s)
		defer ObservePanics(nil)
		for _, x := range Sentences(s) {
			if !utf8.ValidString(x) || strings.TrimSpace(x) == "" || strings.ContainsAny(x, "\n\x00") {
				t.Fatalf("a sentence is %q", x)
			}
		}
		for _, sec := range Sections(s) {
			for _, p := range sec.Paragraphs {
				if strings.Contains(p, "  ") || strings.TrimSpace(p) != p || p == "" {
					t.Fatalf("a paragraph is %q", p)
				}
			}
		}
		SentencesOf(s)
		if o := Overlap(s, s); o != 1 {
			t.Fatalf("overlap with itself is %v", o)
		}
		for _, w := range Words(s) {
			Stem(w)
		}
		Stem(s)
		for n := range 5 {
			if cut := Clip(s, n); len(cut) > n {
				t.Fatalf("Clip(%q, %d) is %q", s, n, cut)
			}
		}
	})
}
