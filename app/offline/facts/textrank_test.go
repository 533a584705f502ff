package facts

import (
	"slices"
	"strings"
	"testing"
	"time"

	"studysharper/app/offline/english"
	"studysharper/app/offline/language"
	"studysharper/app/testkit"
	"studysharper/app/text"
)

func TestRankWeighsTheSentenceOnTheCommonSubjectMost(t *testing.T) {
	s := []string{"Cats sleep in warm houses.", "Warm houses please cats and dogs.", "Dogs guard houses.", "Quartz oscillates rapidly."}
	got := rank(newIndex(s))
	if slices.Index(got, slices.Max(got)) != 1 || slices.Index(got, slices.Min(got)) != 3 {
		t.Errorf("ranks %v", got)
	}
	if len(rank(newIndex(nil))) != 0 {
		t.Error("ranks without sentences")
	}
	many := slices.Repeat([]string{"Cats sleep in houses."}, maxSentences+1)
	if r := rank(newIndex(many)); len(r) != maxSentences+1 || r[maxSentences-1] <= 0 || r[maxSentences] != 0 {
		t.Error("the bound on sentences does not hold")
	}
}

// TestTimeGrowsWithTheTextNotWithItsSquare compares CPU times within one run: sixteen times
// the text needs sixteen times the CPU time if the work is linear, and 256
// times if it is quadratic.
func TestTimeGrowsWithTheTextNotWithItsSquare(t *testing.T) {
	line := "The quick pigments, called chlorophylls (a and b), absorb 3.5 units of light; which is the absorption spectrum. "
	for name, unit := range map[string]string{
		"prose": line, "no punctuation": "word ", "one word": "x", "points": ". ", "capital initials": "A. ",
		"open brackets": "(. ", "line breaks": "Heading\n\n", "Han": "光", "quotes": `."`,
	} {
		small, large := readingTime(strings.Repeat(unit, 1<<14/len(unit))), readingTime(strings.Repeat(unit, 1<<18/len(unit)))
		if large > 100*small && large > 100*time.Millisecond {
			t.Errorf("%s: %v for 16 kB, %v for 256 kB", name, small, large)
		}
	}
}

func readingTime(s string) time.Duration {
	return testkit.ProcessorTime(3, func() {
		ss := text.Sentences(s)
		english.KeyphrasesIn(ss, 20, language.English, english.NewCasing(ss))
		english.DefinitionsIn(ss, english.NewCasing(ss))
		rank(newIndex(ss))
		text.NewBag(s).Overlap("a light claim")
	})
}
