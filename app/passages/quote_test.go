package passages

import (
	"strings"
	"testing"
)

func TestQuotesAreFoundWhereTheyStand(t *testing.T) {
	before := strings.Repeat("Größe – 植物. ", 200)
	const passage = "The **mitochondrion** said: “It’s the\n  power-house” of the cell… and no other organ\u00adelle. 植物通过光合作用制造氧气。"
	f := NewFinder(before + passage)
	for quote, want := range map[string]string{
		"the mitochondrion said":                "The **mitochondrion** said",
		`"It's the power—house" of the cell...`: "It’s the\n  power-house” of the cell",
		"… and no other organelle.":             "and no other organ\u00adelle",
		"光合作用制造":                                "光合作用制造",
	} {
		start, end, ok := f.Find(quote)
		if !ok {
			t.Errorf("%q was not found", quote)
			continue
		}
		if got := string([]rune(before + passage)[start:end]); strings.Trim(got, "*") != want {
			t.Errorf("%q was found at %q, want %q", quote, got, want)
		}
	}
	for _, quote := range []string{"", "...", "the chloroplast", "mitochondri", "he mitochondrion", "power-house of the cell", "ouse” of"} {
		if start, end, ok := f.Find(quote); ok {
			t.Errorf("%q was found at %d to %d", quote, start, end)
		}
	}
	if start, _, ok := NewFinder("the rapist, therapist of the rapists: rapist").Find("rapist"); !ok || start != 4 {
		t.Errorf("a whole word was found at %d, %v", start, ok)
	}
}

func FuzzFind(f *testing.F) {
	f.Add("The cell’s power house.", 4, 9)
	f.Add("İ…", 0, 1)
	f.Fuzz(func(t *testing.T, s string, from, to int) {
		start, end, ok := NewFinder(s).Find(s)
		n := len([]rune(s))
		if ok && (start < 0 || start >= end || end > n) {
			t.Fatalf("found at %d to %d of %d", start, end, n)
		}
		if from < 0 || to > len(s) || from >= to {
			return
		}
		if start, end, ok = NewFinder(s).Find(s[from:to]); ok && (start < 0 || start >= end || end > n) {
			t.Fatalf("a part was found at %d to %d of %d", start, end, n)
		}
	})
}
