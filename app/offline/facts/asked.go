package facts

import (
	"context"
	"slices"
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/text"
)

// alike is the share of words that a student's question and a fact's question must have in common, in both directions, to count as
// the same question.
const alike = 0.8

// AskedFact returns the first fact that matches a student's question, which may have other words. It ignores definitions, list
// entries and gaps. It reads only sentences that have the words of the question.
func (src *Source) AskedFact(ctx context.Context, question string) (Fact, bool) {
	bag := text.NewBag(question)
	first, _, _ := strings.Cut(strings.Join(strings.Fields(question), " "), " ")
	opening := strings.ToLower(first) + " "
	if !src.English || !slices.Contains(openings, opening) {
		return Fact{}, false
	}
	for n, i := range src.withWordsOf(question) {
		if n%64 == 0 && ctx.Err() != nil {
			return Fact{}, false
		}
		for _, f := range src.askingFacts(i) {
			if f.Kind != Define && strings.HasPrefix(strings.ToLower(f.Question), opening) && bag.Overlap(f.Question) >= alike && text.Overlap(question, f.Question) >= alike && src.isSound(f) {
				f.At = i
				return f, true
			}
		}
	}
	return Fact{}, false
}

// openings are the first words of facts' questions.
var openings = []string{"what ", "who ", "which ", "why ", "how ", "in "}

// asking are the words of facts' questions that do not come from their sentences.
var asking = text.NewBag("in which year why how what happens happened when if once after place who do does did used term name names means goes")

// askingFacts returns the facts of sentence i whose questions are sentences.
func (src *Source) askingFacts(i int) []Fact {
	if src.Sentences[i].Card != nil || !src.Sound(i) {
		return nil
	}
	var defs []Definition
	for _, d := range src.DefsOf(i) {
		if d.At == i {
			defs = append(defs, d)
		}
	}
	return append(src.definingFacts(defs), src.tellingFacts(i, defs)...)
}

// withWordsOf returns the sentences that can give a fact with the words of a question: together with the sentences before them,
// which may explain a pronoun, they have as many of its words as the fact needs. The base form of a verb may be missing.
func (src *Source) withWordsOf(question string) (list []int) {
	words, elsewhere := text.Words(question), 0
	found, last := make([]int, len(src.Sentences)), make([]int, len(src.Sentences)) // last: the last word counted, from 1
	if slices.ContainsFunc(words, english.CanBeVerb) {
		elsewhere = 1
	}
	for n, w := range words {
		if asking.Overlap(w) == 1 {
			elsewhere++
			continue
		}
		for _, i := range src.Index.Holding(w) {
			for j := i; j < min(i+2, len(found)); j++ {
				if last[j] != n+1 {
					last[j] = n + 1
					found[j]++
				}
			}
		}
	}
	for i, n := range found {
		if n > 0 && float64(n+elsewhere) >= alike*float64(len(words)) {
			list = append(list, i)
		}
	}
	return list
}
