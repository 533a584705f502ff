package engine

import (
	"context"
	"slices"
	"strings"

	"studysharper/app/offline/facts"
	"studysharper/app/study"
)

const defaultCards = 10

// makeFlashcards makes Options.Count cards (0: ten), in the order of the text.
func makeFlashcards(ctx context.Context, src source, b study.Brief) study.Aid {
	n := b.Options.Count
	if n <= 0 {
		n = defaultCards
	}
	set := &study.FlashcardSet{TopicsCovered: []string{}}
	for _, f := range choose(src, src.Facts(ctx), min(n, study.MaxItems), b.Options.Difficulty) {
		card := study.Flashcard{Question: f.Question, Answer: f.Answer, Topic: src.Topic(f.At), Difficulty: f.Level()}
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

// choose takes the n best facts, in the order of the text. It goes round several
// times: at first a sentence gives one card and definitions no more than six in
// ten; what is then still missing may come from sentences already used.
func choose(src source, found []facts.Fact, n int, difficulty string) []facts.Fact {
	order := src.Order(found, difficulty)
	c := chooser{found: found, taken: make(map[int]bool), used: make(map[int]bool), asked: make(map[string]bool)}
	for round := range 3 {
		for _, i := range order {
			if len(c.taken) < n {
				c.offer(i, round, n)
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

// A chooser keeps what is taken already.
type chooser struct {
	found   []facts.Fact
	taken   map[int]bool
	used    map[int]bool    // sentences
	asked   map[string]bool // questions and definitions, folded
	defines int
}

// offer takes fact i unless it repeats a taken one or the round is too early for it.
func (c *chooser) offer(i, round, n int) {
	f := c.found[i]
	question, answer := fold(f.Question), fold(f.Question[:1]+" "+f.Answer)
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

// fold makes texts equal that differ in case, spacing and final marks only.
func fold(s string) string {
	return strings.ToLower(strings.Trim(strings.Join(strings.Fields(s), " "), ".?!"))
}
