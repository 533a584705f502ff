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
	at    int    // the index of its sentence
	key   string // questions with the same key give each other away
	score float64
}

// A bank contains the questions that a source gives, by type, the best first.
type bank struct {
	src    source
	items  map[string][]item
	used   map[int]bool
	keys   map[string]bool
	asked  map[string]bool
	truths map[bool]int // how many true and false statements were drawn
	tenths facts.Tenths // how many questions were drawn from each tenth of the text
	drawn  int
}

// maxBanked bounds the facts that questions are made of.
const maxBanked = 200

// newBank makes every question that the source supports.
func newBank(ctx context.Context, src source) *bank {
	b := &bank{src: src, items: make(map[string][]item), used: make(map[int]bool), keys: make(map[string]bool), asked: make(map[string]bool), truths: make(map[bool]int)}
	found := src.Facts(ctx)
	for i, f := range src.BestFacts(found, maxBanked) {
		if i%16 == 0 && ctx.Err() != nil {
			return b
		}
		if f.Kind != facts.Listed {
			b.addTermChoice(f)
		}
		b.addShortAnswer(f)
	}
	b.addListChoices(found)
	for i, d := range src.Defs() {
		if i%16 == 0 && ctx.Err() != nil {
			return b
		}
		if src.IsWorthDefining(d) {
			b.addMeaningChoice(d)
			b.addDefinitionTruth(d)
		}
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
	q.Explanation, q.Origin = s.Text, b.src.quoting(at)
	b.items[q.Type] = append(b.items[q.Type], item{q, at, key, worth + 0.25*b.src.Rank(at) + 1.5*s.Focus})
}

// drawQuestion returns the best remaining question of a type. It prefers sentences that no
// question has used, and in a long text the tenths with the fewest questions. Half of the statements are false: when those run out, it returns no more.
func (b *bank) drawQuestion(typ string) (item, bool) {
	best := -1
	for round := 0; round < 3 && best < 0; round++ {
		best = slices.IndexFunc(b.items[typ], func(it item) bool {
			if b.keys[it.key] || b.asked[foldText(it.Question.Question)] || round < 2 && b.used[it.at] ||
				round < 1 && b.src.IsLong() && b.tenths[b.src.Tenth(it.at)] > b.drawn/len(b.tenths) {
				return false
			}
			return typ != study.TrueFalse || it.CorrectAnswer == (b.truths[true] < b.truths[false])
		})
	}
	if best < 0 {
		return item{}, false
	}
	it := b.items[typ][best]
	b.keys[it.key], b.used[it.at], b.asked[foldText(it.Question.Question)] = true, true, true
	b.tenths[b.src.Tenth(it.at)]++
	b.drawn++
	if truth, ok := it.CorrectAnswer.(bool); ok {
		b.truths[truth]++
	}
	return it, true
}

// addTermChoice makes a multiple-choice question from a fact whose answer is a term, a name or a
// year.
func (b *bank) addTermChoice(f facts.Fact) {
	switch f.Kind {
	case facts.Cloze, facts.Reverse, facts.Year:
		if wrong := b.src.Distractors(f); wrong != nil {
			b.addChoice(f.Question, f.Answer, wrong, f.At, f.Term, map[facts.Kind]float64{facts.Cloze: 0.5, facts.Reverse: 0.9, facts.Year: 0.7}[f.Kind])
		}
	case facts.Subject:
		f.Term = strings.TrimPrefix(english.Bare(f.Answer), "The ")
		if wrong := b.src.Distractors(f); wrong != nil {
			b.addChoice(f.Question, english.Capital(f.Term), wrong, f.At, f.Term, 0.7)
		}
	}
}

// addChoice adds a multiple-choice question. The position of the right option depends only on
// the question.
func (b *bank) addChoice(question, right string, wrong []string, at int, term string, worth float64) {
	options := slices.Insert(slices.Clone(wrong), facts.Pick(question, len(wrong)+1), right)
	b.addQuestion(study.Question{Type: study.MultipleChoice, Question: question, Options: options, CorrectAnswer: right}, at, "term:"+term, worth)
}

// addListChoices makes a multiple-choice question from each entry of a list, with other entries of
// the same list as distractors.
func (b *bank) addListChoices(found []facts.Fact) {
	found = slices.DeleteFunc(slices.Clone(found), func(f facts.Fact) bool { return f.Kind != facts.Listed || f.Term == "" })
	for i, f := range found {
		var wrong []string
		for step := 1; step <= 2*len(found) && len(wrong) < facts.Wanted; step++ { // the nearest first
			j := i + step/2*(1-2*(step%2))
			if step%2 == 1 {
				j = i - (step+1)/2
			}
			if j < 0 || j >= len(found) || j == i || b.src.Sentences[found[j].At].Section != b.src.Sentences[f.At].Section {
				continue
			}
			if a := found[j].Answer; foldText(a) != foldText(f.Answer) && !slices.Contains(wrong, a) && found[j].IsPhrased() == f.IsPhrased() {
				wrong = append(wrong, a)
			}
		}
		if len(wrong) == facts.Wanted {
			b.addChoice(askListed(f), f.Answer, wrong, f.At, f.Term, 1)
		}
		if card := b.src.Sentences[f.At].Card; len(wrong) > 0 {
			b.addTruth(english.Finished(card.Front+": "+card.Back), true, f.At, 0.8)
			b.addTruth(english.Finished(card.Front+": "+wrong[0]), false, f.At, 0.8)
		}
	}
}

// askListed turns the front of an entry into a question in any language.
func askListed(f facts.Fact) string {
	if strings.HasSuffix(f.Question, "?") {
		return f.Question
	}
	return f.Question + " → ?"
}

// addMeaningChoice asks for the meaning of a term, with the meanings of other terms as
// distractors.
func (b *bank) addMeaningChoice(d facts.Definition) {
	var others []facts.Definition
	for _, e := range b.src.Defs() {
		if b.src.AreApart(d, e) && b.src.IsWorthDefining(e) {
			others = append(others, e)
		}
	}
	slices.SortStableFunc(others, func(x, y facts.Definition) int {
		return abs(len(d.Meaning)-len(x.Meaning)) - abs(len(d.Meaning)-len(y.Meaning))
	})
	var wrong []string
	for _, e := range others {
		if m := english.Finished(e.Meaning); len(wrong) < facts.Wanted && !slices.Contains(wrong, m) {
			wrong = append(wrong, m)
		}
	}
	if len(wrong) == facts.Wanted {
		b.addChoice(facts.DefineQuestion(d), english.Finished(d.Meaning), wrong, d.At, d.Term, 0.85)
	}
}

func abs(n int) int { return max(n, -n) }

// addShortAnswer makes a short-answer question from a fact.
func (b *bank) addShortAnswer(f facts.Fact) {
	answer := english.Bare(f.Answer)
	accepted := []string{answer}
	worth := f.Kind.Worth()
	switch f.Kind {
	case facts.Reverse:
		accepted, worth = b.src.listSpellings(f.Term), 0.8
	case facts.Subject:
		for _, article := range []string{"The ", "A ", "An "} {
			if core, ok := strings.CutPrefix(answer, article); ok {
				accepted = append(accepted, english.Capital(core))
			}
		}
	case facts.Why, facts.How, facts.Role:
		for _, join := range []string{"Because ", "By ", "To ", "As "} {
			if core, ok := strings.CutPrefix(answer, join); ok {
				accepted = append(accepted, english.Capital(core))
			}
		}
	case facts.Listed:
		f.Question = askListed(f)
	}
	key := "fact:" + strconv.Itoa(f.At)
	if f.Term != "" {
		key = "term:" + f.Term
	}
	q := study.Question{Type: study.ShortAnswer, Question: f.Question, AcceptableAnswers: accepted, SampleAnswer: f.Answer}
	b.addQuestion(q, f.At, key, worth)
}

// listSpellings returns the accepted spellings of a term.
func (src source) listSpellings(term string) []string {
	out := []string{english.Capital(term)}
	for _, d := range src.Defs() {
		if d.Term == term && d.Article != "" {
			return append(out, english.Capital(d.Named()))
		}
	}
	return out
}

// stateDefinition returns the sentence that states the meaning of d's term.
func stateDefinition(d facts.Definition, meaning string) string {
	switch {
	case d.Form == english.Parts && d.Plural:
		return english.Finished(d.Named() + " consist of " + meaning)
	case d.Form == english.Parts:
		return english.Finished(d.Named() + " consists of " + meaning)
	case d.Label:
		return english.Finished("“" + d.Term + "” means " + meaning)
	default:
		return english.Finished(d.Named() + " " + d.Be() + " " + meaning)
	}
}

// addTruth adds a true_false question.
func (b *bank) addTruth(statement string, truth bool, at int, worth float64) {
	b.addQuestion(study.Question{Type: study.TrueFalse, Question: b.src.Language.Truth + statement, CorrectAnswer: truth}, at, "truth:"+strconv.Itoa(at), worth)
}

// addDefinitionTruth adds a definition as a true statement and, with the meaning of
// another term of its kind, as a false one.
func (b *bank) addDefinitionTruth(d facts.Definition) {
	if d.Form == english.Clause {
		return
	}
	b.addTruth(stateDefinition(d, d.Meaning), true, d.At, 0.8)
	var wrong []string
	for _, e := range b.src.Defs() {
		if b.src.AreApart(d, e) && b.src.IsWorthDefining(e) {
			wrong = append(wrong, e.Meaning)
		}
	}
	if len(wrong) > 0 {
		b.addTruth(stateDefinition(d, wrong[facts.Pick(d.Term, len(wrong))]), false, d.At, 0.8)
	}
}

// Length of the sentences that become true-or-false statements, in spaces.
const (
	minStated = 4
	maxStated = 28
)

// addSentenceTruth adds a sentence as a true statement and, with a person, place, year or term
// exchanged for another of its kind, as a false one.
func (b *bank) addSentenceTruth(i int) {
	s := b.src.Sentences[i]
	if n := strings.Count(s.Plain(), " "); !b.src.Sound(i) || n < minStated || n > maxStated || !english.HasClause(s.Plain()) {
		return
	}
	for _, e := range b.src.EntitiesIn(s.Plain()) {
		rest, _ := facts.Blank(s.Plain(), e.Name)
		if !b.src.TurnsFalse(s.Plain(), e) {
			continue
		}
		if rivals := b.src.Rivals(e, rest, i); len(rivals) > 0 {
			b.addTruth(english.Finished(english.AgreeArticle(rest, rivals[0])), false, i, 0.6)
			break
		}
	}
	if b.src.Names(s.Plain()) {
		b.addTruth(english.Finished(s.Plain()), true, i, 0.4)
	}
}
