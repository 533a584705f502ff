package engine

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/offline/facts"
	"studysharper/app/study"
)

// An item is a question that can be drawn, without its points.
type item struct {
	study.Question
	at    int    // its sentence
	key   string // questions with the same key give each other away
	score float64
}

// A bank holds the questions that a source gives, by type, the best first.
type bank struct {
	src   source
	items map[string][]item
	used  map[int]bool
	keys  map[string]bool
	asked map[string]bool
	truth bool // what the last true_false question drawn was
}

// maxBanked bounds the facts that questions are made of.
const maxBanked = 200

// newBank makes every question that the source supports.
func newBank(ctx context.Context, src source) *bank {
	b := &bank{src: src, items: make(map[string][]item), used: make(map[int]bool), keys: make(map[string]bool), asked: make(map[string]bool)}
	for i, f := range src.BestFacts(src.Facts(ctx), maxBanked) {
		if i%16 == 0 && ctx.Err() != nil {
			return b
		}
		b.addTermChoice(f)
		b.addShortAnswer(f)
	}
	for i, d := range src.Defs {
		if i%16 == 0 && ctx.Err() != nil {
			return b
		}
		b.addMeaningChoice(d)
		b.addDefinitionTruth(d)
	}
	for i := range src.Sentences {
		b.addSentenceTruth(i)
	}
	for _, list := range b.items {
		slices.SortStableFunc(list, func(x, y item) int { return cmp.Or(cmp.Compare(y.score, x.score), x.at-y.at) })
	}
	return b
}

// addQuestion adds a question, scored by its own worth and by the weight of its sentence.
func (b *bank) addQuestion(q study.Question, at int, key string, worth float64) {
	s := b.src.Sentences[at]
	q.Explanation = s.Text
	b.items[q.Type] = append(b.items[q.Type], item{q, at, key, worth + 0.25*s.Rank + 1.5*s.Focus})
}

// drawQuestion returns the best question of a type that is left. It prefers sentences that no
// question has used, and alternates true and false statements.
func (b *bank) drawQuestion(typ string) (item, bool) {
	best := -1
	for round := 0; round < 4 && best < 0; round++ {
		best = slices.IndexFunc(b.items[typ], func(it item) bool {
			if b.keys[it.key] || b.asked[foldText(it.Question.Question)] || round < 2 && b.used[it.at] {
				return false
			}
			return round%2 == 1 || typ != study.TrueFalse || it.CorrectAnswer != b.truth
		})
	}
	if best < 0 {
		return item{}, false
	}
	it := b.items[typ][best]
	b.keys[it.key], b.used[it.at], b.asked[foldText(it.Question.Question)] = true, true, true
	if truth, ok := it.CorrectAnswer.(bool); ok {
		b.truth = truth
	}
	return it, true
}

// addTermChoice makes a multiple-choice question from a fact whose answer is a term.
func (b *bank) addTermChoice(f facts.Fact) {
	worth := 0.9
	var wrong []string
	switch {
	case f.Kind == facts.Cloze && facts.YearIn(f.Term) != "":
		wrong, worth = b.src.OtherYears(f.Term, b.src.Plain[f.At]), 0.6
	case f.Kind == facts.Cloze && strings.Contains(f.Term, " "):
		wrong, worth = b.src.Distractors(f, 0.34), 0.4
	case f.Kind == facts.Reverse:
		wrong = b.src.Distractors(f, 0.5)
	}
	if len(wrong) == study.ChoiceOptions-1 {
		b.addChoice(f.Question, f.Answer, wrong, f.At, f.Term, worth)
	}
}

// addChoice adds a multiple-choice question. The position of the right option depends only on
// the question.
func (b *bank) addChoice(question, right string, wrong []string, at int, term string, worth float64) {
	options := slices.Insert(slices.Clone(wrong), facts.Pick(question, len(wrong)+1), right)
	b.addQuestion(study.Question{Type: study.MultipleChoice, Question: question, Options: options, CorrectAnswer: right}, at, "term:"+term, worth)
}

// addMeaningChoice asks for the meaning of a term, with the meanings of other terms as
// distractors.
func (b *bank) addMeaningChoice(d facts.Definition) {
	var others []facts.Definition
	for _, e := range b.src.Defs {
		if b.src.AreApart(d, e) {
			others = append(others, e)
		}
	}
	slices.SortStableFunc(others, func(x, y facts.Definition) int { return b.src.measureUnlikeness(d, x) - b.src.measureUnlikeness(d, y) })
	var wrong []string
	for _, e := range others {
		if m := english.Finished(e.Meaning); len(wrong) < study.ChoiceOptions-1 && !slices.Contains(wrong, m) {
			wrong = append(wrong, m)
		}
	}
	if len(wrong) == study.ChoiceOptions-1 {
		b.addChoice(facts.DefineQuestion(d), english.Finished(d.Meaning), wrong, d.At, d.Term, 0.85)
	}
}

func abs(n int) int { return max(n, -n) }

// Penalties, in bytes of difference in length, for a wrong meaning that is easy to see
// through: it is from another section, or it starts with another word. From farOff on it
// is obvious.
const (
	elsewhere = 60
	otherwise = 40
	farOff    = otherwise
)

// measureUnlikeness returns how easily a reader who knows nothing sees that e's meaning is
// wrong for d: "the range of …" cannot be an instrument.
func (src source) measureUnlikeness(d, e facts.Definition) int {
	far := abs(len(d.Meaning) - len(e.Meaning))
	if src.Sentences[d.At].Section != src.Sentences[e.At].Section {
		far += elsewhere
	}
	one, _, _ := strings.Cut(d.Meaning, " ")
	other, _, _ := strings.Cut(e.Meaning, " ")
	if !strings.EqualFold(one, other) {
		far += otherwise
	}
	return far
}

// addShortAnswer makes a short-answer question from a fact.
func (b *bank) addShortAnswer(f facts.Fact) {
	if f.Kind == facts.Define || f.Kind == facts.Subject {
		return
	}
	answer := english.Bare(f.Answer)
	accepted := []string{answer}
	if f.Kind == facts.Reverse {
		accepted = b.src.listSpellings(f.Term)
	}
	for _, join := range []string{"Because ", "By ", "To ", "As "} {
		if core, ok := strings.CutPrefix(answer, join); ok && f.Kind != facts.Reverse {
			accepted = append(accepted, english.Capital(core))
		}
	}
	key := "fact:" + strconv.Itoa(f.At)
	if f.Term != "" {
		key = "term:" + f.Term
	}
	q := study.Question{Type: study.ShortAnswer, Question: f.Question, AcceptableAnswers: accepted, SampleAnswer: f.Answer}
	b.addQuestion(q, f.At, key, f.Kind.Worth())
}

// listSpellings returns the accepted spellings of a term.
func (src source) listSpellings(term string) []string {
	out := []string{english.Capital(term)}
	for _, d := range src.Defs {
		if d.Term == term && d.Article != "" {
			return append(out, english.Capital(d.Named()))
		}
	}
	return out
}

// stateDefinition returns the sentence that gives d the meaning.
func stateDefinition(d facts.Definition, meaning string) string {
	if d.Form == english.Parts {
		if d.Plural {
			return english.Finished(d.Named() + " consist of " + meaning)
		}
		return english.Finished(d.Named() + " consists of " + meaning)
	}
	if d.Label {
		return english.Finished("“" + d.Term + "” means " + meaning)
	}
	return english.Finished(d.Named() + " " + d.Be() + " " + meaning)
}

// addTruth adds a true_false question.
func (b *bank) addTruth(statement string, truth bool, at int, worth float64) {
	b.addQuestion(study.Question{Type: study.TrueFalse, Question: "True or false: " + statement, CorrectAnswer: truth}, at, "truth:"+strconv.Itoa(at), worth)
}

// addDefinitionTruth adds a definition as a true statement, and as a false one with the
// meaning of another term.
func (b *bank) addDefinitionTruth(d facts.Definition) {
	if d.Form == english.Clause {
		return
	}
	b.addTruth(stateDefinition(d, d.Meaning), true, d.At, 0.8)
	best, size := "", 0
	for _, e := range b.src.Defs {
		far := b.src.measureUnlikeness(d, e)
		if e.Plural == d.Plural && b.src.AreApart(d, e) && (best == "" || far < size) {
			best, size = e.Meaning, far
		}
	}
	switch {
	case best == "":
	case size < farOff:
		b.addTruth(stateDefinition(d, best), false, d.At, 0.8)
	default: // hardly anyone would believe it: better than nothing
		b.addTruth(stateDefinition(d, best), false, d.At, 0.45)
	}
}

// Length of the sentences that become true-or-false statements, in spaces.
const (
	minStated = 5
	maxStated = 28
)

// addSentenceTruth adds a sentence as a true statement, and its opposite as a false one.
func (b *bank) addSentenceTruth(i int) {
	s := b.src.Sentences[i]
	n := strings.Count(s.Plain, " ")
	if !s.Alone || n < minStated || n > maxStated || !english.IsStatement(s.Plain) {
		return
	}
	b.addTruth(english.Finished(s.Plain), true, i, 0.5)
	if opposite := invertStatement(s.Plain); opposite != "" {
		b.addTruth(english.Finished(opposite), false, i, 0.6)
		return
	}
	if year := facts.YearIn(s.Plain); year != "" {
		if others := b.src.OtherYears(year, s.Plain); len(others) > 0 {
			b.addTruth(english.Finished(strings.Replace(s.Plain, year, others[0], 1)), false, i, 0.6)
		}
	}
}

// opposites are words that cannot both be true of one thing.
var opposites = [][2]string{
	{"longer", "shorter"}, {"higher", "lower"}, {"larger", "smaller"}, {"greater", "smaller"}, {"faster", "slower"},
	{"the most", "the least"}, {"the highest", "the lowest"}, {"the largest", "the smallest"}, {"more energy", "less energy"},
	{"increase", "decrease"}, {"increases", "decreases"}, {"increased", "decreased"}, {"rises", "falls"}, {"rose", "fell"},
	{"before", "after"}, {"always", "never"}, {"inside", "outside"}, {"positive", "negative"}, {"north", "south"},
	{"east", "west"}, {"hot", "cold"}, {"gains", "loses"}, {"won", "lost"}, {"strong", "weak"}, {"rich", "poor"}, {"maximum", "minimum"},
	{"can", "cannot"}, {"must", "need not"},
}

// invertStatement returns a sentence with one word replaced by its opposite, or "" if no word
// can be replaced so that the result is certainly false.
func invertStatement(s string) string {
	for _, pair := range opposites {
		at := [2]int{facts.Find(s, pair[0], 0), facts.Find(s, pair[1], 0)}
		for i, from := range pair {
			if at[i] >= 0 && at[1-i] < 0 && facts.Find(s, from, at[i]+1) < 0 && s[at[i]] == from[0] {
				return s[:at[i]] + pair[1-i] + s[at[i]+len(from):]
			}
		}
	}
	return ""
}
