package engine

import (
	"context"
	"slices"
	"strings"
	"testing"

	"studysharper/app/offline/facts"
	"studysharper/app/study"
	"studysharper/app/text"
)

const cellNotes = "# Cells\n\nThe nucleus is the part of a cell that holds its genes. The membrane is the skin of a cell that lets water in. " +
	"Cells divide because the body grows every day. In 1839, a botanist named the cell in a book.\n\n" +
	"# Plants\n\nThe chloroplast is a part of a plant cell that makes sugar. When the sun shines, the leaves make sugar. The root takes water in from the soil."

// TestSentencesAtWhichTheEnginePanicsAreLeftOut makes some sentences cause a panic: the answer
// must be that of the text without them.
func TestSentencesAtWhichTheEnginePanicsAreLeftOut(t *testing.T) {
	n := facts.NewOutline(cellNotes).Len()
	for _, c := range []struct {
		name string
		bad  []int // sentences
	}{{"the first", []int{0}}, {"the last", []int{n - 1}}, {"one in the middle", []int{3}}, {"two", []int{1, 4}}, {"all but one", []int{0, 1, 3, 4, 5, 6}}} {
		for _, typ := range study.Types() {
			b := study.Brief{Type: typ, Material: cellNotes, Message: "What is a membrane and what is a chloroplast?"}
			without := facts.NewOutline(cellNotes)
			panicsAt := make([]string, len(c.bad))
			read, err := facts.Read(context.Background(), without)
			if err != nil {
				t.Fatal(err)
			}
			for i, at := range c.bad {
				panicsAt[i] = read.Plain[at]
				without.Part(at, at+1).Omit()
			}
			genuine := attemptFor(context.Background(), b)
			want, err := genuine(without)
			if err != nil {
				t.Fatalf("%s, %s: %v", typ, c.name, err)
			}
			var stopped []text.Panic
			defer text.ObservePanics(nil)
			text.ObservePanics(func(p text.Panic) { stopped = append(stopped, p) })
			got, err := panicking(genuine, panicsAt...).answer(facts.NewOutline(cellNotes))
			if err != nil || got != want {
				t.Errorf("%s, %s: %v\n%s\nwant\n%s", typ, c.name, err, got, want)
			}
			for _, s := range panicsAt {
				if strings.Contains(got, s) {
					t.Errorf("%s, %s: the answer has %q", typ, c.name, s)
				}
			}
			if len(stopped) == 0 || !strings.Contains(stopped[0].Place, "omission_test.go:") {
				t.Errorf("%s, %s: %+v were observed", typ, c.name, stopped)
			}
		}
	}
}

// panicking is an attempt that panics where o has one of the sentences.
func panicking(genuine attempt, sentences ...string) attempt {
	return func(o facts.Outline) (string, error) {
		src, err := facts.Read(context.Background(), o)
		if err != nil {
			return "", err
		}
		for _, s := range sentences {
			if slices.Contains(src.Plain, s) {
				panic("while reading: " + s)
			}
		}
		return genuine(o)
	}
}

func TestSentencesThatPanicOnlyTogetherCostNoMoreThanTheSecondHalf(t *testing.T) {
	o := facts.NewOutline(cellNotes)
	src, _ := facts.Read(context.Background(), o)
	genuine := attemptFor(context.Background(), study.Brief{Type: study.Flashcards, Material: cellNotes})
	together := func(o facts.Outline) (string, error) {
		if s, _ := facts.Read(context.Background(), o); slices.Contains(s.Plain, src.Plain[0]) && slices.Contains(s.Plain, src.Plain[len(src.Plain)-1]) {
			panic("both")
		}
		return genuine(o)
	}
	got, err := attempt(together).answer(o)
	if err != nil || !strings.Contains(got, "holds its genes") || strings.Contains(got, "The root takes") {
		t.Errorf("%v: %s", err, got)
	}
}

func TestAPanicThatNoSentenceCausesIsAnInternalError(t *testing.T) {
	tries := 0
	_, err := attempt(func(facts.Outline) (string, error) { tries++; panic(cellNotes) }).answer(facts.NewOutline(cellNotes))
	if e := study.AsError(err); e.Code != study.CodeInternal || strings.Contains(err.Error(), "nucleus") {
		t.Errorf("%v", err)
	}
	if n := facts.NewOutline(cellNotes).Len(); tries > 4*n+2 { // a tree of 2n-1 parts; those with halves are tried twice, before and after their halves
		t.Errorf("%d tries for %d sentences", tries, n)
	}
}
