package facts

import (
	"slices"
	"strings"
	"unicode"

	"studysharper/app/offline/english"
)

// maxRelated bounds the sentences that relations are read from, in spaces.
const maxRelated = 45

// readRelation returns the fact that the form of sentence i states.
func (src *Source) readRelation(i int) (Fact, bool) {
	s := src.Sentences[i]
	if strings.HasSuffix(s.Text, "?") || strings.Count(s.Text, " ") > maxRelated {
		return Fact{}, false
	}
	for _, read := range []func(*Source, int) (Fact, bool){
		(*Source).readBecause, (*Source).readByDoing, (*Source).readYear, (*Source).readWhen, (*Source).readDate, (*Source).readRole,
	} {
		if f, ok := read(src, i); ok {
			return f, true
		}
	}
	return Fact{}, false
}

// minAsked is the number of spaces in the shortest "How" question, without that word, that says what is done.
const minAsked = 3

// askAbout turns a statement into a question; it reports false if the statement depends on its
// neighbours or cannot be turned round.
func (src *Source) askAbout(word, statement string) (string, bool) {
	statement = english.Bare(strings.TrimRight(statement, ", "))
	plain, alone := english.Standalone(english.Capital(statement))
	if !alone && (strings.Count(statement, " ") > 3 || english.StartsWithPronoun(statement)) { // a short clause is judged by its opening
		return "", false
	}
	if word == "How" && english.IsState(plain) || english.EndsInCoordinator(statement) || strings.Contains(statement, ", and ") || strings.HasSuffix(statement, " in part") || strings.HasSuffix(statement, "ly") || strings.Contains(statement, " but ") {
		return "", false // the reason is one of several, or belongs to the last word
	}
	if subject, _, ok := english.Split(plain); ok && !src.isClear(src.Casing.Lower(subject)) {
		return "", false
	}
	inverted, ok := english.Invert(plain, src.Casing)
	if word == "How" && strings.Count(inverted, " ") < minAsked {
		return "", false
	}
	return word + " " + inverted + "?", ok
}

// readBecause reads "Because X, Y." and "Y because X."
func (src *Source) readBecause(i int) (Fact, bool) {
	s := src.Sentences[i].Plain
	if rest, ok := strings.CutPrefix(s, "Because "); ok && !strings.HasPrefix(rest, "of ") {
		cause, effect, _ := strings.Cut(rest, ", ")
		q, ok := src.askAbout("Why", effect)
		return Fact{Kind: Why, Question: q, Answer: english.Finished("Because " + cause)}, ok
	}
	for _, join := range []string{" because "} {
		effect, cause, found := strings.Cut(s, join)
		if !found || strings.HasSuffix(effect, " is") || strings.HasSuffix(effect, " was") || strings.HasSuffix(effect, " are") || strings.HasSuffix(effect, " were") {
			continue
		}
		q, ok := src.askAbout("Why", effect)
		return Fact{Kind: Why, Question: q, Answer: english.Finished(english.Capital(strings.TrimSpace(join)) + " " + cause)}, ok && strings.Contains(cause, " ") && !english.HasSubordinate(effect)
	}
	return Fact{}, false
}

// readByDoing reads "By doing X, Y." and "Y by doing X."
func (src *Source) readByDoing(i int) (Fact, bool) {
	s := src.Sentences[i].Plain
	if rest, ok := strings.CutPrefix(s, "By "); ok && startsWithGerund(rest) {
		means, end, _ := strings.Cut(rest, ", ")
		q, ok := src.askAbout("How", end)
		return Fact{Kind: How, Question: q, Answer: english.Finished("By " + means)}, ok
	}
	end, means, ok := strings.Cut(s, " by ")
	if !ok || !startsWithGerund(means) {
		return Fact{}, false
	}
	for _, aside := range []string{", the ", ", a ", ", an ", ", which "} {
		means, _, _ = strings.Cut(means, aside)
	}
	q, ok := src.askAbout("How", end)
	return Fact{Kind: How, Question: q, Answer: english.Finished("By " + means)}, ok && !strings.Contains(end, ",") && !english.HasSubordinate(end)
}

func startsWithGerund(s string) bool {
	first, _, _ := strings.Cut(s, " ")
	return strings.HasSuffix(first, "ing") && len(first) > 5
}

// readWhen reads "When X, Y." and "Y when X."
func (src *Source) readWhen(i int) (Fact, bool) {
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
		if !ok || !src.Sentences[i].Alone || strings.ContainsAny(before, ",;") || strings.Contains(before, " and ") || english.EndsInParticiple(before) {
			return Fact{}, false
		}
		word, condition, result = "when ", after, before
	}
	result, _, _ = strings.Cut(strings.TrimPrefix(result, "then "), ";")
	_, alone := english.Standalone(english.Capital(condition) + " so it is here")
	if result == "" || strings.HasPrefix(result, "it ") || startsWithGerund(condition) || !alone || !english.IsStatement(result) || !english.IsStatement(condition) {
		return Fact{}, false
	}
	for _, clause := range []string{condition, result} {
		if subject, _, ok := english.Split(clause); ok && !english.StartsWithPronoun(subject) && !src.isClear(src.Casing.Lower(subject)) {
			return Fact{}, false
		}
	}
	if strings.Contains(condition, ", ") || english.IsState(result) {
		return Fact{}, false
	}
	verb := "happens"
	if english.IsPast(result) {
		verb = "happened"
	}
	return Fact{Kind: Happens, Question: "What " + verb + " " + word + condition + "?", Answer: english.Finished(result)}, true
}

// readYear reads "In 1789, Y." and "Y in 1789." and asks for the year.
func (src *Source) readYear(i int) (Fact, bool) {
	s := english.Bare(src.Sentences[i].Plain)
	year := YearIn(s)
	if year == "" || strings.Count(s, year) > 1 || strings.Contains(s, "(") {
		return Fact{}, false
	}
	what, ok := strings.CutSuffix(s, " in "+year)
	ok = ok && !english.HasSubordinate(what)
	if when, rest, intro := strings.Cut(s, ", "); !ok && intro {
		what, ok = rest, when == "In "+year || strings.HasPrefix(when, "In ") && strings.HasSuffix(when, " "+year) && strings.Count(when, " ") == 2
	}
	if !ok || YearIn(what) != "" {
		return Fact{}, false
	}
	q, ok := src.askAbout("In which year", what)
	return Fact{Kind: Year, Question: q, Answer: year, Term: year}, ok
}

// readDate reads "In 1789, Y." and "14 July 1789: Y" for dates that the text mentions once.
func (src *Source) readDate(i int) (Fact, bool) {
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
	if !english.IsStatement(what) || !src.isClear(src.Casing.Lower(english.Subject(what))) {
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

// YearIn returns the first four-digit year in s, or "".
func YearIn(s string) string {
	for w := range strings.FieldsSeq(s) {
		w = strings.Trim(w, ",.;:()")
		if len(w) == 4 && strings.Trim(w, "0123456789") == "" && (w[0] == '1' || w[0] == '2') {
			return w
		}
	}
	return ""
}

// readRole reads "The function of X is Y." and "X are used as Y."
func (src *Source) readRole(i int) (Fact, bool) {
	s := src.Sentences[i]
	sub, predicate, ok := english.Split(s.Plain)
	if !ok || !s.Alone {
		return Fact{}, false
	}
	be, rest, _ := strings.Cut(predicate, " ")
	if be != "is" && be != "are" && be != "was" && be != "were" {
		return Fact{}, false
	}
	if at := strings.Index(sub, ", "); at > 0 {
		sub = sub[:at]
	}
	sub = src.Casing.Lower(sub)
	if use, ok := strings.CutPrefix(rest, "used "); ok {
		var as string
		switch word, _, _ := strings.Cut(use, " "); word {
		case "as":
			as = "as"
		case "to", "for":
			as = "for"
		default:
			return Fact{}, false
		}
		return Fact{Kind: Role, Question: "What " + be + " " + sub + " used " + as + "?", Answer: english.Finished(english.WithoutContrast(use))}, true
	}
	if !strings.HasPrefix(sub, "the ") || !strings.Contains(sub, " of ") || !english.IsVague(sub) || !strings.HasPrefix(rest, "to ") && !strings.HasPrefix(rest, "the ") && !strings.HasPrefix(rest, "a ") && !strings.HasPrefix(rest, "an ") && !strings.HasPrefix(rest, "that ") {
		return Fact{}, false
	}
	return Fact{Kind: Role, Question: "What " + be + " " + sub + "?", Answer: english.Finished(rest)}, true
}

// readSubject asks for the subject of a plain statement.
func (src *Source) readSubject(i int) (Fact, bool) {
	s := src.Sentences[i]
	sub, predicate, ok := english.Split(s.Plain)
	inverted, turned := english.Invert(s.Plain, src.Casing)
	front, _, _ := strings.Cut(inverted, " ")
	if !ok || !turned || !s.Alone || slices.Contains([]string{"do", "are", "were", "have"}, front) {
		return Fact{}, false
	}
	for _, turn := range []string{", but ", ", whereas ", ", while ", ", although ", ", so ", "—"} {
		predicate, _, _ = strings.Cut(predicate, turn)
	}
	if strings.Count(predicate, " ") < 3 || strings.Count(sub, " ") > 6 || strings.ContainsAny(sub, ",(") || strings.Contains(predicate, ";") || english.IsVague(sub) || pointsBack(predicate) || english.IsVaguePredicate(predicate) || !src.isClear(src.Casing.Lower(sub)) || !english.IsNounPhrase(sub) {
		return Fact{}, false
	}
	if !strings.Contains(sub, " ") && !english.IsName(src.Casing.Lower(sub)) && (english.NamesPersons(sub) || english.IsGeneric(src.Casing.Lower(sub)) || !src.isKey(sub)) {
		return Fact{}, false
	}
	word := "What "
	switch low := src.Casing.Lower(sub); {
	case english.EndsInPersonName(low):
		word = "Who "
	case english.PlaceKind(low) != 0:
		word = "Which place "
	case english.NamesPersons(low):
		word = "Who "
	case slices.ContainsFunc(strings.Fields(low), english.IsName) && !english.IsOrganisation(low):
		word = "Who or what "
	}
	return Fact{Kind: Subject, Question: word + predicate + "?", Answer: english.Finished(sub)}, true
}

// pointsBack reports whether a predicate contains a pronoun.
func pointsBack(predicate string) bool {
	for w := range strings.FieldsSeq(strings.ToLower(predicate)) {
		switch strings.Trim(w, ",.") {
		case "it", "its", "they", "them", "their", "he", "him", "she", "his", "her", "this", "these", "each", "both", "also":
			return true
		}
	}
	return false
}
