package engine

import (
	"context"
	"slices"
	"strings"

	"studysharper/app/offline/facts"
	"studysharper/app/study"
)

const defaultCards = 10

// makeFlashcards makes Options.Count cards (0: ten) in the order of the text.
func makeFlashcards(ctx context.Context, src source, b study.Brief) study.Aid {
	n := b.Options.Count
	if n <= 0 {
		n = defaultCards
	}
	set := &study.FlashcardSet{TopicsCovered: []string{}}
	for _, f := range chooseFacts(src, src.Facts(ctx), min(n, study.MaxItems), b.Options.Difficulty) {
		card := study.Flashcard{Question: f.Question, Answer: f.Answer, Topic: src.TopicAt(f.At), Difficulty: f.Level()}
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

// chooseFacts returns the n best facts in the order of the text. In the first round each
// sentence gives one card and at most six of ten cards are definitions; later rounds relax
// both rules until there are n.
func chooseFacts(src source, found []facts.Fact, n int, difficulty string) []facts.Fact {
	order := src.RankFacts(found, difficulty)
	c := chooser{found: found, taken: make(map[int]bool), used: make(map[int]bool), asked: make(map[string]bool)}
	for round := range 3 {
		for _, i := range order {
			if len(c.taken) < n {
				c.offerFact(i, round, n)
			}
		}
	}
	var out []facts.Fact
	for i, f := range found {
		if c.taken[i] {
			out = append(out, f)
		}
	}
	return out
}

// A chooser tracks the facts that are already chosen.
type chooser struct {
	found   []facts.Fact
	taken   map[int]bool
	used    map[int]bool    // sentences
	asked   map[string]bool // questions and definitions, folded
	defines int
}

// offerFact takes fact i, unless it repeats one that is already chosen or breaks a rule of the
// round.
func (c *chooser) offerFact(i, round, n int) {
	f := c.found[i]
	question, answer := foldText(f.Question), foldText(f.Question[:1]+" "+f.Answer)
	switch {
	case c.taken[i] || c.asked[question] || c.asked[answer]:
	case round < 2 && c.used[f.At]:
	case round < 1 && f.Kind == facts.Define && c.defines >= (n*6+9)/10:
	default:
		c.taken[i], c.used[f.At], c.asked[question], c.asked[answer] = true, true, true, true
		if f.Kind == facts.Define {
			c.defines++
		}
	}
}

// foldText makes texts equal that differ only in case, spacing and final punctuation.
func foldText(s string) string {
	return strings.ToLower(strings.Trim(strings.Join(strings.Fields(s), " "), ".?!"))
}
