package engine

import (
	"context"
	"slices"
	"strings"

	"studysharper/app/offline/facts"
	"studysharper/app/study"
)

const defaultCards = 10

// makeFlashcards makes up to Options.Count cards (0: ten), the best first.
func makeFlashcards(ctx context.Context, src source, b study.Brief) study.Aid {
	n := b.Options.Count
	if n <= 0 {
		n = defaultCards
	}
	set := &study.FlashcardSet{TopicsCovered: []string{}}
	chosen := chooseFacts(src, src.Facts(ctx), min(n, study.MaxItems), b.Options.Difficulty)
	if b.Options.Count > 0 {
		chosen = append(chosen, reversed(chosen, min(n, study.MaxItems)-len(chosen))...)
	}
	for _, f := range chosen {
		card := study.Flashcard{Question: f.Question, Answer: f.Answer, Topic: src.TopicAt(f.At), Difficulty: f.Level(), Origin: src.quoting(f.At)}
		if d := b.Options.Difficulty; d == study.Easy || d == study.Medium || d == study.Hard {
			card.Difficulty = d
		}
		set.Flashcards = append(set.Flashcards, card)
		if !slices.Contains(set.TopicsCovered, card.Topic) {
			set.TopicsCovered = append(set.TopicsCovered, card.Topic)
		}
	}
	if set.TotalCount = len(set.Flashcards); set.TotalCount == 0 {
		return nil
	}
	return set
}

// chooseFacts returns up to n facts, the best first. At most six of ten cards are definitions, unless
// that leaves too few. The cards of a long text are spread over its tenths, as far as these have facts.
// Each sentence gives at most one card, even if there are then fewer than n. The entries of lists are
// in the order of the text.
func chooseFacts(src source, found []facts.Fact, n int, difficulty string) []facts.Fact {
	order := src.RankFacts(found, difficulty)
	c := chooser{src: src, found: found, taken: make(map[int]bool), used: make(map[int]bool), asked: make(map[string]bool)}
	var out []facts.Fact
	for round := range 3 {
		for _, i := range order {
			if len(out) < n && c.offerFact(i, round, n) {
				out = append(out, found[i])
			}
		}
	}
	return out
}

// A chooser tracks the facts that are already chosen.
type chooser struct {
	src     source
	tenths  facts.Tenths
	found   []facts.Fact
	taken   map[int]bool
	used    map[int]bool    // sentences
	asked   map[string]bool // questions and definitions, folded
	defines int
}

// offerFact accepts fact i and returns true, unless it repeats one that is already chosen or breaks a
// rule of the round.
func (c *chooser) offerFact(i, round, n int) bool {
	f := c.found[i]
	question, answer := foldText(f.Question), foldText(f.Question[:1]+" "+f.Answer)
	switch {
	case c.taken[i] || c.asked[question] || c.asked[answer]:
	case c.used[f.At]:
	case round < 2 && c.src.IsLong() && c.tenths[c.src.Tenth(f.At)] >= (n+len(c.tenths)-1)/len(c.tenths):
	case round < 1 && f.Kind == facts.Define && c.defines >= (n*6+9)/10:
	default:
		c.taken[i], c.used[f.At], c.asked[question], c.asked[answer] = true, true, true, true
		c.tenths[c.src.Tenth(f.At)]++
		if f.Kind == facts.Define {
			c.defines++
		}
		return true
	}
	return false
}

// foldText makes texts equal that differ only in case, spacing and final punctuation.
func foldText(s string) string {
	return strings.ToLower(strings.Trim(strings.Join(strings.Fields(s), " "), ".?!"))
}

// maxReversed is the maximum number of words on the back of an entry that is also asked in reverse.
const maxReversed = 4

// reversed returns up to n entries of vocabulary lists with their sides swapped: those whose
// backs are short and belong to only one front.
func reversed(chosen []facts.Fact, n int) []facts.Fact {
	fronts := make(map[string]int)
	for _, f := range chosen {
		fronts[foldText(f.Answer)]++
	}
	var out []facts.Fact
	for _, f := range chosen {
		if len(out) < n && f.Kind == facts.Listed && f.Question == f.Term && len(strings.Fields(f.Answer)) <= maxReversed && fronts[foldText(f.Answer)] == 1 {
			f.Question, f.Answer = f.Answer, f.Question
			out = append(out, f)
		}
	}
	return out
}
