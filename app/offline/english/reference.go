package english

import (
	"slices"
	"strings"
	"unicode"

	"studysharper/app/offline/clean"
	"studysharper/app/offline/lexicon"
	"studysharper/app/text"
)

// maxNumbers bounds the numbers in a sentence that can be asked about; rows of tables have more.
const maxNumbers = 4

// IsSelfContained reports whether a statement can be asked about without its neighbours: every
// pronoun has its noun before it, nothing refers to another sentence, to the reader or to the
// author, and it is not an instruction.
func IsSelfContained(s string) bool {
	toks := tokens(s)
	if len(toks) < 4 || !isCleanStatement(s, toks) {
		return false
	}
	numbers, labels := 0, 0
	for i, t := range toks {
		if t.tag == number && strings.ContainsAny(t.s, "0123456789") {
			numbers++
		}
		if isFigureLabel(t.s) {
			labels++
		}
		if pointsAway(toks, i) {
			return false
		}
	}
	return numbers <= maxNumbers && labels < 2
}

// isCleanStatement reports whether a sentence is a statement without markup, with its brackets and
// quotes closed, that begins with its subject or an opening phrase.
func isCleanStatement(s string, toks []token) bool {
	if strings.ContainsAny(s, `{}[]<>|\^=_~?`) || formulas(s) > maxFormulas || s[0] == '(' || strings.Contains(s, "(see ") || !hasFiniteVerb(toks) {
		return false
	}
	if strings.Count(s, `"`)%2 != 0 || strings.Count(s, "“") != strings.Count(s, "”") || strings.Count(s, "(") != strings.Count(s, ")") {
		return false
	}
	first, last := toks[0], toks[len(toks)-1]
	if last.tag == stop {
		last = toks[len(toks)-2]
	}
	lost := last.low == "in" || last.is(determiner, toTag)                                                                         // a reference was lost
	return !lost && !first.is(baseVerb, finite, toTag) && first.low != "there" && (first.tag != determiner || !toks[1].isFinite()) // Most are thin
}

// pointsAway reports whether token i refers to another sentence, the reader or the author.
func pointsAway(toks []token, i int) bool {
	t := toks[i]
	switch {
	case t.low == "those":
		return !hasAntecedent(toks, i)
	case deictic.Has(t.low):
		return !isConjunction(toks, i)
	case pointers.Has(t.low) && i > 0 && toks[i-1].low == "the", isSpoken(t.low), isThatNoun(toks, i):
		return true
	case t.tag == pronoun || possessives.Has(t.low):
		return !hasAntecedent(toks, i)
	default:
		return false
	}
}

// isThatNoun reports whether token i is a word before a noun that refers back: "in that decision", "both sisters" without "and".
func isThatNoun(toks []token, i int) bool {
	if i+1 == len(toks) || toks[i+1].tag != noun && toks[i+1].tag != adjective {
		return false
	}
	if toks[i].low == "that" {
		return i > 0 && (toks[i-1].tag == preposition || !Plural(toks[i+1].low) && toks[i+1].tag == noun && i+2 < len(toks) && (toks[i+2].tag == mark || toks[i+2].tag == stop))
	}
	return toks[i].low == "both" && !slices.ContainsFunc(toks[i:min(len(toks), i+8)], func(t token) bool { return t.low == "and" })
}

// isFigureLabel reports whether a word is a label of a point in a figure: "E0".
func isFigureLabel(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= '0' && s[1] <= '9'
}

// isSpoken reports whether a word belongs to speech: "we're", "that's", "gonna".
func isSpoken(low string) bool {
	head, tail, cut := strings.Cut(strings.ReplaceAll(low, "’", "'"), "'")
	if cut && tail == "s" {
		return stopWords.Has(head)
	}
	return cut && (tail == "re" || tail == "ve" || tail == "ll" || tail == "m" || tail == "d") || low == "gonna" || low == "okay" || low == "ok" || low == "yeah"
}

// maxFormulas bounds the formulas in a sentence that can be asked about.
const maxFormulas = 2

func formulas(s string) (n int) {
	for _, r := range s {
		if clean.IsFormula(r) {
			n++
		}
	}
	return n
}

// isConjunction reports whether "such" or "so" belongs to "such as" or "so that".
func isConjunction(toks []token, i int) bool {
	if i+1 == len(toks) {
		return false
	}
	next := toks[i+1].low
	return toks[i].low == "such" && next == "as" || toks[i].low == "so" && next == "that"
}

// hasAntecedent reports whether the pronoun at i can refer to a noun before it in its sentence.
func hasAntecedent(toks []token, i int) bool {
	if toks[i].low == "it" && isExpletive(toks[i+1:]) {
		return true
	}
	switch toks[i].low {
	case "it", "its", "itself":
		return hasNoun(toks[:i], func(t token) bool { return !Plural(t.low) })
	case "they", "them", "their", "themselves":
		return hasNoun(toks[:i], func(t token) bool { return Plural(t.low) || lexicon.IsPerson(t.low) })
	case "he", "him", "his", "himself", "she", "her", "hers", "herself":
		return hasNoun(toks[:i], isPersonLike)
	case "we", "us", "our", "i", "me", "my", "you", "your", "mine", "yours", "ours", "ourselves", "myself", "yourself", "this", "these":
		return false
	case "those":
		return i+1 < len(toks) && (toks[i+1].tag == preposition || toks[i+1].tag == subordinator) // higher than those in …
	case "one":
		return i+1 < len(toks) && toks[i+1].isFinite() // in general
	default:
		return true
	}
}

// isExpletive reports whether the tokens after "it" show that it refers to nothing: "it rains", "it
// seems that", "it is important to".
func isExpletive(after []token) bool {
	for i, t := range after[:min(len(after), 5)] {
		switch {
		case t.lemma == "rain" || t.lemma == "snow" || t.lemma == "seem" || t.lemma == "appear":
			return true
		case i > 1 && (t.tag == toTag || t.low == "that") && (after[i-1].tag == adjective || after[i-1].tag == participle):
			return true
		}
	}
	return false
}

func hasNoun(toks []token, fits func(token) bool) bool {
	for _, t := range toks {
		if t.tag == noun && fits(t) {
			return true
		}
	}
	return false
}

// isPersonLike reports whether a noun can be a person: a noun for persons, a given name, or a name that is not a known word, a place
// or an organisation.
func isPersonLike(t token) bool {
	return isPersonNoun(t.low) || isName(t) && !lexicon.Lookup(t.low).Known && lexicon.PlaceKind(t.low) == 0 && !organisations.Has(t.low)
}

func isName(t token) bool { return unicode.IsUpper([]rune(t.s)[0]) }

// PointsOutside reports whether a sentence refers to a figure, a table or another chapter.
func PointsOutside(s string) bool {
	for _, t := range tokens(s) {
		if outside.Has(t.low) {
			return true
		}
	}
	return false
}

// EndsComplete reports whether an answer is complete: it does not end in a word that needs another one
// after it, and does not begin in the middle.
func EndsComplete(s string) bool {
	toks := tokens(strings.TrimRight(s, ".!?… "))
	if len(toks) == 0 {
		return false
	}
	last := toks[len(toks)-1]
	if last.isFinite() && len(toks) > 1 && relatives.Has(toks[len(toks)-2].low) {
		return false // a program that became
	}
	switch last.tag {
	case determiner, preposition, subordinator, coordinator, auxiliary, toTag, mark:
		return last.tag == preposition && len(toks) > 1 && (toks[len(toks)-2].tag == finite || toks[len(toks)-2].tag == baseVerb || toks[len(toks)-2].tag == participle) ||
			last.tag == mark && strings.ContainsAny(last.s, `)"”’'%»]`)
	}
	return true
}

// IsNounPhrase reports whether s can be the name of a thing: nouns with adjectives before them,
// perhaps "of" others, and no verb.
func IsNounPhrase(s string) bool {
	toks := tokens(s)
	if len(toks) > 0 && toks[0].tag != determiner && toks[0].tag != noun {
		toks = tokens("the " + s)[1:]
	}
	if len(toks) == 0 || !toks[len(toks)-1].is(noun, gerund) || len(toks) > 1 && isPlainAdjective(toks[len(toks)-1].s) {
		return false
	}
	for i, t := range toks {
		if !fitsNounPhrase(toks, i, t) {
			return false
		}
	}
	return true
}

// fitsNounPhrase reports whether token i can be part of a noun phrase.
func fitsNounPhrase(toks []token, i int, t token) bool {
	switch t.tag {
	case noun, adjective, number, gerund:
		return true
	case participle:
		return i == 0 || toks[i-1].tag != noun || i+1 < len(toks)
	case preposition:
		return i > 0 && (t.low == "of" || t.low == "to" || t.low == "in" || t.low == "for" || t.low == "by")
	case coordinator:
		return i > 0
	case determiner:
		return true
	case mark:
		return strings.ContainsAny(t.s, "()’'-/&")
	default:
		return false
	}
}

// OpensNounPhrase reports whether s begins like a noun phrase: not with a verb, a preposition or a
// participle without its noun.
func OpensNounPhrase(s string) bool {
	if first := text.FirstWord(s); closed()[strings.ToLower(first)] != nil {
		s = strings.ToLower(first) + s[len(first):]
	}
	toks := tokens("It is " + s)
	if len(toks) < 3 {
		return false
	}
	switch toks[2].tag {
	case determiner, noun, adjective, number, gerund, adverb, pronoun, mark:
		return true
	case participle:
		return len(toks) > 3 && toks[3].tag == noun
	default:
		return false
	}
}

// OpensImperative reports whether s begins with the base of a verb that is not used as a noun.
func OpensImperative(s string) bool {
	toks := tokens(s)
	if len(toks) < 2 {
		return false
	}
	e := lexicon.Lookup(toks[0].low)
	return e.Form&lexicon.Base != 0 && e.Verb >= e.Noun && toks[1].low != "of" && toks[1].tag != finite
}

// BareNoun returns the noun of a phrase like "the process", which is unclear without its context;
// "" for other phrases.
func BareNoun(phrase string) string {
	toks := tokens(phrase)
	if len(toks) == 2 && (toks[0].low == "the" || possessives.Has(toks[0].low)) && toks[1].s == toks[1].low && !unique.Has(toks[1].low) {
		return toks[1].low
	}
	return ""
}

// IsPointing reports whether a phrase refers to an earlier statement: "the relevant committees", "another reason".
func IsPointing(phrase string) bool {
	words := strings.Fields(strings.ToLower(phrase))
	if len(words) > 1 && (words[1] == "more" || words[0] == "another" || words[0] == "other" || words[0] == "similar" || words[0] == "additional") {
		return true // compared with an earlier statement
	}
	return len(words) > 1 && words[0] == "the" && (pointing.Has(words[1]) || pointers.Has(words[1]))
}

// HasLooseVerb reports whether a phrase has a finite verb outside a relative or other subordinate
// clause.
func HasLooseVerb(phrase string) bool {
	toks := tokens("It is " + phrase)
	return len(toks) < 3 || hasSecondVerb(toks[2:])
}
