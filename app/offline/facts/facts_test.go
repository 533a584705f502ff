package facts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"studysharper/app/study"
)

func read(t testing.TB, s string) *Source {
	t.Helper()
	src, err := Read(context.Background(), NewOutline(s))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestFactsAreReadOffTheBuildOfSentences(t *testing.T) {
	for _, c := range []struct {
		in   string
		kind Kind
		q, a string
	}{
		{"The streets were wet because it had rained all night.", Why, "Why were the streets wet?", "Because it had rained all night."},
		{"Because the fuel had run out, the engine stopped.", Why, "Why did the engine stop?", "Because the fuel had run out."},
		{"Farmers can improve the soil by planting clover.", How, "How can farmers improve the soil?", "By planting clover."},
		{"By heating the mixture, chemists can separate the liquids.", How, "How can chemists separate the liquids?", "By heating the mixture."},
		{"When the king fled, the guards arrested him.", Happens, "What happened when the king fled?", "The guards arrested him."},
		{"If the pressure rises, the valve opens.", Happens, "What happens if the pressure rises?", "The valve opens."},
		{"In 1492, a fleet of three ships reached the islands.", Year, "In which year did a fleet of three ships reach the islands?", "1492"},
		{"- 14 July 1789: a crowd stormed the Bastille.", Date, "What happened on 14 July 1789?", "A crowd stormed the Bastille."},
		{"The main function of the heart is to pump the blood through the body.", Role, "What is the main function of the heart?", "To pump the blood through the body."},
		{"The leaves of the plant are used to treat the fever.", Role, "What are the leaves of the plant used for?", "To treat the fever."},
		{"The sun emits an enormous amount of radiation.", Subject, "What emits an enormous amount of radiation?", "The sun."},
		{"The Third Estate paid almost all of the taxes.", Subject, "Who or what paid almost all of the taxes?", "The Third Estate."},
		{"A coup is a sudden seizure of power.", Define, "What is a coup?", "A sudden seizure of power."},
		{"A coup is a sudden seizure of power.", Reverse, "Which term means: a sudden seizure of power?", "Coup"},
		{"Cuvier was a French naturalist of great fame.", Define, "Who was Cuvier?", "A French naturalist of great fame."},
	} {
		got := read(t, c.in+" The farmers, the chemists and a dozen others were in the house, and all of it was new.").Facts(context.Background())
		if !slices.ContainsFunc(got, func(f Fact) bool { return f.Kind == c.kind && f.Question == c.q && f.Answer == c.a }) {
			t.Errorf("%s\nwant %s %s\ngot %+v", c.in, c.q, c.a, got)
		}
	}
}

func TestFactsAreNotReadWhereTheBuildIsNotClear(t *testing.T) {
	for _, in := range []string{
		"This is because it had rained all night.",
		"It stopped because the fuel had run out.",
		"When studying the cells, scientists found three of them.",
		"Why did the engine stop?",
		"They emit an enormous amount of radiation.",
	} {
		for _, f := range read(t, in).Facts(context.Background()) {
			if f.Kind != Cloze {
				t.Errorf("%s: %+v", in, f)
			}
		}
	}
}

func TestDateIsAskedOnlyWhereItIsOne(t *testing.T) {
	src := read(t, "In 1789, the deputies met in the hall. In 1789, the king fled from the city.")
	for _, f := range src.Facts(context.Background()) {
		if f.Kind == Date {
			t.Errorf("two answers: %+v", f)
		}
	}
}

func TestFindFindsWholeWordsInAnyCase(t *testing.T) {
	for _, c := range []struct {
		s, term string
		want    int
	}{
		{"A Light-house and light", "light", 18}, {"Visible Light", "visible light", 0}, {"sunlight", "light", -1},
		{"光合作用", "合作", 3}, {"Зелёный цвет", "цвет", 15}, {"a", "", -1}, {"", "a", -1}, {"ab", "abc", -1},
	} {
		if got := Find(c.s, c.term, 0); got != c.want {
			t.Errorf("Find(%q, %q) = %d, want %d", c.s, c.term, got, c.want)
		}
	}
}

func TestIndexKnowsMentionsInAnyInflection(t *testing.T) {
	x := read(t, "Waves carry energy. A wave of light is long. Nothing else moves here.").Index
	for term, want := range map[string][]int{"wave": {0, 1}, "waves of light": {1}, "sound": nil, "": nil} {
		if got := x.Mentions(term); !slices.Equal(got, want) {
			t.Errorf("%q is in %v, want %v", term, got, want)
		}
	}
}

func TestReadKeepsAnEvenSampleOfLongText(t *testing.T) {
	var b strings.Builder
	for i := range maxSentences + 1000 {
		fmt.Fprintf(&b, "Sentence number %d stands here. ", i)
	}
	src := read(t, b.String())
	first, last := src.Plain[0], src.Plain[len(src.Plain)-1]
	if len(src.Sentences) != maxSentences || first != "Sentence number 0 stands here." || !strings.Contains(last, "29") {
		t.Errorf("%d sentences, from %q to %q", len(src.Sentences), first, last)
	}
	if s := src.Sections[0]; s.From != 0 || s.To != maxSentences {
		t.Errorf("section %+v", s)
	}
}

func TestAimMarksWhatWasAskedAbout(t *testing.T) {
	src := read(t, "The heart pumps the blood. The lungs take in the air.")
	src.Aim(study.Brief{Options: study.Options{Topic: "Lungs"}})
	if src.Sentences[0].Focus != 0 || src.Sentences[1].Focus != 1 {
		t.Errorf("%+v", src.Sentences)
	}
}

func TestRivalsAreNoneWhereTheTextHasTooFewTerms(t *testing.T) {
	src := read(t, "A coup is a sudden seizure of power.")
	for _, f := range src.Facts(context.Background()) {
		if got := src.Distractors(f); len(got) > 2 {
			t.Errorf("%+v: %q", f, got)
		}
	}
}
