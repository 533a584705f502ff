// Package facts takes a text apart into what can be asked about it: facts, each a
// question with the answer that one sentence gives; the terms that are wrong answers
// to it; and the weight of every sentence. The one idea: a fact is read off the
// build of a sentence ("Y because X"), so that question and answer are the text's
// own words, and where the build is not clear there is no fact.
package facts

import (
	"context"
	"strings"
	"unicode"

	"studysharper/app/offline/english"
	"studysharper/app/study"
	"studysharper/app/text"
)

// Kind is the kind of question that a Fact answers.
type Kind int

// The kinds of fact.
const (
	Define  Kind = iota // What is X?
	Reverse             // Which term means …?
	Role                // What is the function of X?
	Why
	How
	Happens // What happens when …?
	Date    // What happened in 1789?
	Subject // What absorbs …?
	Cloze   // Complete: … ____ …
)

// A Fact is a question with the answer that one sentence gives to it. Both are
// whole, capitalised texts; the answer is not given away by the question.
type Fact struct {
	Kind     Kind
	Question string
	Answer   string
	At       int    // its sentence
	Term     string // what a Define, Reverse or Cloze fact turns on, else ""
}

// Level is how hard a fact is to recall: study.Easy, study.Medium or study.Hard.
func (f Fact) Level() string {
	switch f.Kind {
	case Why, How:
		return study.Hard
	case Reverse, Date, Cloze:
		return study.Easy
	case Define:
		if strings.Count(f.Answer, " ") < 9 {
			return study.Easy
		}
	}
	return study.Medium
}

// Facts gives every fact of the source in the order of its sentences, those of one
// sentence by kind; nil when ctx ends first.
func (src *Source) Facts(ctx context.Context) []Fact {
	var out []Fact
	at := make(map[int][]Fact)
	for _, d := range src.Defs {
		at[d.At] = append(at[d.At], defineFact(d))
	}
	for _, d := range src.Defs {
		if f, ok := reverseFact(d); ok {
			at[d.At] = append(at[d.At], f)
		}
	}
	for i := range src.Sentences {
		if i%64 == 0 && ctx.Err() != nil {
			return nil
		}
		found := at[i]
		if f, ok := src.relation(i); ok {
			found = append(found, f)
		} else if f, ok := src.subjectOf(i); ok && len(at[i]) == 0 {
			found = append(found, f)
		}
		if f, ok := src.blanked(i); ok && !asksFor(at[i], f.Term) {
			found = append(found, f)
		}
		for _, f := range found {
			if f.At = i; sound(f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// Bounds of a card's two sides, in bytes.
const (
	maxQuestion = 320
	maxAnswer   = 420
)

// sound reports whether a fact is fit to be asked: no side empty or endless, and
// the answer not given away.
func sound(f Fact) bool {
	if len(f.Question) < 8 || len(f.Question) > maxQuestion || f.Answer == "" || len(f.Answer) > maxAnswer {
		return false
	}
	return f.Kind == Cloze || text.Overlap(f.Answer, f.Question) < 0.75
}

// asksFor reports whether one of facts turns on term already.
func asksFor(facts []Fact, term string) bool {
	for _, f := range facts {
		if strings.EqualFold(f.Term, term) {
			return true
		}
	}
	return false
}

// maxRelated bounds the sentences that relations are read from, in blanks.
const maxRelated = 45

// relation gives the fact that the sentence at i states by its build.
func (src *Source) relation(i int) (Fact, bool) {
	s := src.Sentences[i]
	if strings.HasSuffix(s.Text, "?") || strings.Count(s.Text, " ") > maxRelated {
		return Fact{}, false
	}
	for _, read := range []func(*Source, int) (Fact, bool){
		(*Source).because, (*Source).explaining, (*Source).therefore, (*Source).byDoing, (*Source).whenThen, (*Source).dated, (*Source).roleOf,
	} {
		if f, ok := read(src, i); ok {
			return f, true
		}
	}
	return Fact{}, false
}

// ask makes a question of a statement; it reports false where the statement leans
// on its neighbours or cannot be turned round.
func (src *Source) ask(word, statement string) (string, bool) {
	statement = english.Bare(strings.TrimRight(statement, ", "))
	plain, alone := english.Standalone(english.Capital(statement))
	if !alone && (strings.Count(statement, " ") > 3 || english.StartsWithPronoun(statement)) { // a short clause is judged by its opening
		return "", false
	}
	inverted, ok := english.Invert(plain, src.Casing)
	return word + " " + inverted + "?", ok
}

// because reads "Because X, Y." and "Y because X."
func (src *Source) because(i int) (Fact, bool) {
	s := src.Sentences[i].Plain
	if rest, ok := strings.CutPrefix(s, "Because "); ok && !strings.HasPrefix(rest, "of ") {
		cause, effect, _ := strings.Cut(rest, ", ")
		q, ok := src.ask("Why", effect)
		return Fact{Kind: Why, Question: q, Answer: english.Finished("Because " + cause)}, ok
	}
	for _, join := range []string{" because ", " due to "} {
		effect, cause, found := strings.Cut(s, join)
		if !found || strings.HasSuffix(effect, " is") || strings.HasSuffix(effect, " was") || strings.HasSuffix(effect, " are") || strings.HasSuffix(effect, " were") {
			continue
		}
		q, ok := src.ask("Why", effect)
		return Fact{Kind: Why, Question: q, Answer: english.Finished(english.Capital(strings.TrimSpace(join)) + " " + cause)}, ok && strings.Contains(cause, " ")
	}
	return Fact{}, false
}

// explaining reads "X, explaining why Y."
func (src *Source) explaining(i int) (Fact, bool) {
	cause, effect, ok := strings.Cut(src.Sentences[i].Plain, ", explaining why ")
	if !ok {
		cause, effect, ok = strings.Cut(src.Sentences[i].Plain, ", which explains why ")
	}
	if !ok || !src.Sentences[i].Alone {
		return Fact{}, false
	}
	q, ok := src.ask("Why", effect)
	return Fact{Kind: Why, Question: q, Answer: english.Finished(cause)}, ok
}

// therefore reads "X. Therefore, Y."
func (src *Source) therefore(i int) (Fact, bool) {
	s := src.Sentences[i]
	if i == 0 || s.First || !src.Sentences[i-1].Alone || src.Sentences[i-1].Section != s.Section {
		return Fact{}, false
	}
	for _, word := range []string{"Therefore, ", "As a result, ", "Consequently, ", "For this reason, ", "Hence, "} {
		if effect, ok := strings.CutPrefix(s.Text, word); ok {
			q, ok := src.ask("Why", effect)
			return Fact{Kind: Why, Question: q, Answer: english.Finished(src.Sentences[i-1].Plain)}, ok
		}
	}
	return Fact{}, false
}

// byDoing reads "By doing X, Y." and "Y by doing X."
func (src *Source) byDoing(i int) (Fact, bool) {
	s := src.Sentences[i].Plain
	if rest, ok := strings.CutPrefix(s, "By "); ok && gerund(rest) {
		means, end, _ := strings.Cut(rest, ", ")
		q, ok := src.ask("How", end)
		return Fact{Kind: How, Question: q, Answer: english.Finished("By " + means)}, ok
	}
	end, means, ok := strings.Cut(s, " by ")
	if !ok || !gerund(means) {
		return Fact{}, false
	}
	for _, aside := range []string{", the ", ", a ", ", an ", ", which "} {
		means, _, _ = strings.Cut(means, aside)
	}
	q, ok := src.ask("How", end)
	return Fact{Kind: How, Question: q, Answer: english.Finished("By " + means)}, ok
}

func gerund(s string) bool {
	first, _, _ := strings.Cut(s, " ")
	return strings.HasSuffix(first, "ing") && len(first) > 5
}

// whenThen reads "When X, Y." and "Y when X."
func (src *Source) whenThen(i int) (Fact, bool) {
	s := english.Bare(src.Sentences[i].Plain)
	word, condition, result := "", "", ""
	for _, w := range []string{"When ", "If ", "Once ", "After "} {
		if rest, ok := strings.CutPrefix(s, w); ok {
			word = strings.ToLower(w)
			condition, result, _ = strings.Cut(rest, ", ")
		}
	}
	if word == "" {
		before, after, ok := strings.Cut(s, " when ")
		if !ok || !src.Sentences[i].Alone || strings.ContainsAny(before, ",;") {
			return Fact{}, false
		}
		word, condition, result = "when ", after, before
	}
	result, _, _ = strings.Cut(strings.TrimPrefix(result, "then "), ";")
	_, alone := english.Standalone(english.Capital(condition) + " so it is here")
	if result == "" || gerund(condition) || !alone || !english.IsStatement(result) || !english.IsStatement(condition) {
		return Fact{}, false
	}
	verb := "happens"
	if english.IsPast(result) {
		verb = "happened"
	}
	return Fact{Kind: Happens, Question: "What " + verb + " " + word + condition + "?", Answer: english.Finished(result)}, true
}

// dated reads "In 1789, Y." and "14 July 1789: Y", of dates that the text gives once.
func (src *Source) dated(i int) (Fact, bool) {
	s := english.Bare(src.Sentences[i].Plain)
	when, what, ok := strings.Cut(s, ", ")
	first, rest, _ := strings.Cut(when, " ")
	if first != "In" && first != "On" && first != "During" || !ok {
		if when, what, ok = strings.Cut(s, ": "); !ok || when == "" {
			return Fact{}, false
		}
		if first, rest = "In", when; unicode.IsDigit(rune(when[0])) && strings.Contains(when, " ") {
			first = "On"
		}
	}
	year := YearIn(rest)
	if year == "" || strings.Count(rest, " ") > 3 || len(strings.Fields(what)) < 3 || english.StartsWithPronoun(what) {
		return Fact{}, false
	}
	mark := year
	if strings.Contains(rest, " ") {
		mark = rest
	}
	for j, other := range src.Sentences {
		if j != i && strings.Contains(other.Text, mark) {
			return Fact{}, false
		}
	}
	return Fact{Kind: Date, Question: "What happened " + strings.ToLower(first) + " " + rest + "?", Answer: english.Finished(what)}, true
}

// YearIn is the four-digit year in s, "" when there is none.
func YearIn(s string) string {
	for w := range strings.FieldsSeq(s) {
		w = strings.Trim(w, ",.;:()")
		if len(w) == 4 && strings.Trim(w, "0123456789") == "" && (w[0] == '1' || w[0] == '2') {
			return w
		}
	}
	return ""
}
