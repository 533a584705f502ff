package facts

import (
	"slices"
	"strings"
	"unicode"

	"studysharper/app/offline/english"
	"studysharper/app/text"
)

// maxRelated bounds the length of sentences that relations are read from, in spaces.
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

// minAsked is the number of spaces in the shortest "How" question, without that word, that names an action.
const minAsked = 3

// askAbout turns a statement into a question. It reports false if the statement depends on its
// neighbours or cannot be inverted.
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
	s := src.Sentences[i].Plain()
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
	s := src.Sentences[i].Plain()
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
	word, condition, result := cutCondition(english.Bare(src.Sentences[i].Plain()))
	_, alone := english.Standalone(english.Capital(condition) + " so it is here")
	if word == "" || result == "" || strings.HasPrefix(result, "it ") || startsWithGerund(condition) || strings.Contains(condition, ", ") || !alone {
		return Fact{}, false
	}
	for _, clause := range []string{condition, result} {
		subject, _, ok := english.Split(clause)
		if !english.IsStatement(clause) || ok && !english.StartsWithPronoun(subject) && !src.isClear(src.Casing.Lower(subject)) {
			return Fact{}, false
		}
	}
	if english.IsState(result) {
		return Fact{}, false
	}
	verb := "happens"
	if english.IsPast(result) {
		verb = "happened"
	}
	return Fact{Kind: Happens, Question: "What " + verb + " " + word + condition + "?", Answer: english.Finished(result)}, true
}

// cutCondition splits "When X, Y" and "Y when X" into "when ", X and Y.
func cutCondition(s string) (word, condition, result string) {
	for _, w := range []string{"When ", "If ", "Once ", "After "} {
		if rest, ok := strings.CutPrefix(s, w); ok {
			condition, result, _ = strings.Cut(rest, ", ")
			result, _, _ = strings.Cut(strings.TrimPrefix(result, "then "), ";")
			return strings.ToLower(w), condition, result
		}
	}
	result, condition, ok := strings.Cut(s, " when ")
	if !ok || strings.ContainsAny(result, ",;") || strings.Contains(result, " and ") || english.EndsInParticiple(result) {
		return "", "", ""
	}
	return "when ", condition, result
}

// readYear reads "In 1789, Y." and "Y in 1789." and asks for the year.
func (src *Source) readYear(i int) (Fact, bool) {
	s := english.Bare(src.Sentences[i].Plain())
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
	on, date, what := cutDate(english.Bare(src.Sentences[i].Plain()))
	mark := YearIn(date)
	if mark == "" || strings.Count(date, " ") > 3 || len(strings.Fields(what)) < 3 || !english.IsStatement(what) || !src.isClear(src.Casing.Lower(english.Subject(what))) {
		return Fact{}, false
	}
	if strings.Contains(date, " ") {
		mark = date
	}
	for j, other := range src.Sentences {
		if j != i && strings.Contains(other.Text, mark) {
			return Fact{}, false
		}
	}
	return Fact{Kind: Date, Question: "What happened " + on + " " + date + "?", Answer: english.Finished(what)}, true
}

// cutDate splits "On 14 July 1789, Y" and "14 July 1789: Y" into "on", the date and Y.
func cutDate(s string) (on, date, what string) {
	when, what, ok := strings.Cut(s, ", ")
	first, date, _ := strings.Cut(when, " ")
	if ok && (first == "In" || first == "On" || first == "During") {
		return strings.ToLower(first), date, what
	}
	if date, what, ok = strings.Cut(s, ": "); !ok || date == "" {
		return "", "", ""
	}
	if unicode.IsDigit(rune(date[0])) && strings.Contains(date, " ") {
		return "on", date, what
	}
	return "in", date, what
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
	sub, predicate, ok := english.Split(s.Plain())
	be, rest, _ := strings.Cut(predicate, " ")
	if !ok || !s.Alone() || !slices.Contains([]string{"is", "are", "was", "were"}, be) {
		return Fact{}, false
	}
	sub, _, _ = strings.Cut(src.Casing.Lower(sub), ", ")
	question := "What " + be + " " + sub
	if use, ok := strings.CutPrefix(rest, "used "); ok {
		as, ok := map[string]string{"as": " used as?", "to": " used for?", "for": " used for?"}[text.FirstWord(use)]
		return Fact{Kind: Role, Question: question + as, Answer: english.Finished(english.WithoutContrast(use))}, ok
	}
	says := slices.Contains([]string{"to", "the", "a", "an", "that"}, text.FirstWord(rest))
	return Fact{Kind: Role, Question: question + "?", Answer: english.Finished(rest)}, says && strings.HasPrefix(sub, "the ") && strings.Contains(sub, " of ") && english.IsVague(sub)
}

// readSubject asks for the subject of a plain statement.
func (src *Source) readSubject(i int) (Fact, bool) {
	s := src.Sentences[i]
	sub, predicate, ok := english.Split(s.Plain())
	inverted, turned := english.Invert(s.Plain(), src.Casing)
	front, _, _ := strings.Cut(inverted, " ")
	if !ok || !turned || !s.Alone() || slices.Contains([]string{"do", "are", "were", "have"}, front) {
		return Fact{}, false
	}
	for _, turn := range []string{", but ", ", whereas ", ", while ", ", although ", ", so "} {
		predicate, _, _ = strings.Cut(predicate, turn)
	}
	low := src.Casing.Lower(sub)
	return Fact{Kind: Subject, Question: askWho(low) + predicate + "?", Answer: english.Finished(sub)}, tells(predicate) && src.isAsked(low)
}

// tells reports whether a predicate says enough to identify its subject.
func tells(predicate string) bool {
	return strings.Count(predicate, " ") >= 3 && !english.OpensWithModal(predicate) && !strings.ContainsAny(predicate, ";—") && !pointsBack(predicate) && !english.IsVaguePredicate(predicate)
}

// isAsked reports whether a subject can be an answer: a clear phrase, not a general word.
func (src *Source) isAsked(sub string) bool {
	if strings.Count(sub, " ") > 6 || english.IsQuantified(sub) || strings.ContainsAny(sub, ",(") || english.IsVague(sub) || !src.isClear(sub) || !english.IsNounPhrase(sub) {
		return false
	}
	return strings.Contains(sub, " ") || english.IsName(sub) || !english.NamesPersons(sub) && !english.IsGeneric(sub) && src.isKey(sub)
}

// askWho returns the question word for a subject, with a space.
func askWho(sub string) string {
	switch {
	case english.EndsInPersonName(sub), english.NamesPersons(sub):
		return "Who "
	case english.PlaceKind(sub) != 0:
		return "Which place "
	case slices.ContainsFunc(strings.Fields(sub), english.IsName) && !english.IsOrganisation(sub):
		return "Who or what "
	default:
		return "What "
	}
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
