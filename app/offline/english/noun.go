package english

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"studysharper/app/offline/lexicon"
	"studysharper/app/text"
)

// pluralSubject reports whether the subject needs a plural verb.
func pluralSubject(subject []token) bool {
	if irregularPlurals.Has(subject[0].low) {
		return true
	}
	head := ""
	for i, t := range subject {
		if t.low == "and" && i > 0 {
			return true
		}
		if t.tag == subordinator || i > 0 && (prepositions.Has(t.low) || t.says("(", ",")) || head != "" && t.is(participle, gerund) {
			break // pigments found in ...
		}
		if !isAdverb(t.low) {
			head = t.low
		}
	}
	return Plural(head) && !subject[0].says("each", "every")
}

// Plural reports whether a term looks like a plural: its last word does, or it
// joins two things.
func Plural(term string) bool {
	if last := term[strings.LastIndexByte(term, ' ')+1:]; len(last) > 1 && last == strings.ToUpper(last) {
		return false // CNS
	}
	term = strings.ToLower(term)
	head, _, _ := strings.Cut(term, " of ")
	word := head[strings.LastIndexByte(head, ' ')+1:]
	if strings.Contains(term, " and ") || irregularPlurals.Has(word) {
		return true
	}
	for _, suffix := range []string{"ss", "us", "is", "ics"} {
		if strings.HasSuffix(word, suffix) {
			return false
		}
	}
	return strings.HasSuffix(word, "s") && len(word) > 2
}

// IsName reports whether a term looks like a name: it begins with a capital and is
// not all capitals.
func IsName(term string) bool {
	r, size := utf8.DecodeRuneInString(term)
	return unicode.IsUpper(r) && term[size:] != strings.ToUpper(term[size:])
}

// IsPerson reports whether a definition is about a person.
func IsPerson(d Definition) bool {
	if !IsName(d.Term) || !isProper(d.Term) || d.Form != Phrase || d.Article == "a" || d.Article == "an" {
		return false
	}
	words := strings.Fields(strings.ToLower(d.Meaning))
	for _, w := range words[:min(6, len(words))] {
		switch {
		case persons.Has(strings.Trim(w, ",")):
			return true
		case prepositions.Has(w) || relatives.Has(w):
			return false
		}
	}
	return false
}

// StartsWithPronoun reports whether s starts with a word that refers back.
func StartsWithPronoun(s string) bool { return anaphora.Has(strings.ToLower(text.FirstWord(s))) }

// isPersonNoun reports whether a word denotes a person or persons.
func isPersonNoun(low string) bool {
	return low == "people" || low == "men" || low == "women" || lexicon.IsPerson(low) || strings.HasSuffix(low, "s") && lexicon.IsPerson(low[:len(low)-1])
}

// NamesPersons reports whether a noun phrase without a name denotes persons: "most people", "the early sociologists".
func NamesPersons(phrase string) bool {
	head := headOf(tokens(phrase))
	return !strings.ContainsAny(phrase, "'’") && isPersonNoun(head) && (persons.Has(head) || !lexicon.IsPerson(head) || !lexicon.Lookup(head).Known) // sun is a given name
}

// HasGender reports whether a sentence has a pronoun that fits only some persons.
func HasGender(s string) bool {
	return slices.ContainsFunc(tokens(s), func(t token) bool {
		return t.low == "he" || t.low == "him" || t.low == "his" || t.low == "himself" || t.low == "she" || t.low == "her" || t.low == "herself"
	})
}

// IsVague reports whether a noun phrase names a relation ("the function of leaves") rather
// than a thing.
func IsVague(phrase string) bool {
	head, _, _ := strings.Cut(strings.ToLower(phrase), " of ")
	return vague.Has(head[strings.LastIndexByte(head, ' ')+1:])
}

// CanBeVerb reports whether the first word of a phrase can be the base of a verb.
func CanBeVerb(phrase string) bool {
	return lexicon.Lookup(strings.ToLower(text.FirstWord(phrase))).Form&lexicon.Base != 0
}

// IsGeneric reports whether the noun of a phrase is so general that the phrase is not a term.
func IsGeneric(phrase string) bool {
	low := strings.ToLower(phrase[strings.LastIndexByte(phrase, ' ')+1:])
	first, _, _ := strings.Cut(strings.ToLower(phrase), " ")
	return isPlainAdjective(low) || !IsName(phrase) && (ordinals.Has(first) || lexicon.Lookup(low).Noun >= commonWeight || generic.Has(low) || generic.Has(strings.TrimSuffix(low, "s")))
}

// commonWeight is the weight of the most common nouns of the lexicon.
const commonWeight = 6

// IsPersonName reports whether a noun phrase is the name of a person: it begins with a given name or
// a title ("President Johnson"), all other words are names, and it is not a place or an organisation.
func IsPersonName(phrase string) bool {
	words := strings.Fields(phrase)
	if len(words) == 0 || PlaceKind(phrase) != 0 || organisations.Has(strings.ToLower(words[len(words)-1])) {
		return false
	}
	for i, w := range words {
		low := strings.ToLower(w)
		if !IsName(w) || i == 0 && (!lexicon.IsPerson(low) || vague.Has(low) || lexicon.Lookup(low).Adjective >= 0 && len(words) > 1) {
			return false
		}
	}
	return len(words) > 1 || !isTitle(strings.ToLower(words[0]))
}

// IsOrganisation reports whether a name ends in the noun of an organisation, a law or an event.
func IsOrganisation(name string) bool {
	return organisations.Has(strings.ToLower(name[strings.LastIndexByte(name, ' ')+1:]))
}

// EndsInPersonName reports whether a noun phrase ends in a person's name, perhaps after a description: "the chemist Marie Curie".
func EndsInPersonName(phrase string) bool {
	for {
		if IsPersonName(phrase) {
			return true
		}
		_, rest, ok := strings.Cut(phrase, " ")
		if !ok || !strings.Contains(rest, " ") {
			return false
		}
		phrase = rest
	}
}

// isTitle reports whether a word is a common noun for a person, as in titles.
func isTitle(low string) bool { return persons.Has(low) || lexicon.Lookup(low).Known }

// PlaceKind returns the kind of the place that a noun phrase names, or 0.
func PlaceKind(phrase string) byte {
	if !IsName(phrase) {
		return 0
	}
	return lexicon.PlaceKind(strings.ToLower(phrase))
}

// IsThin reports whether a meaning says too little to distinguish a term from others: a few words
// without a restriction.
func IsThin(meaning string) bool {
	words := strings.Fields(meaning)
	if len(words) > 3 && articles.Has(words[0]) && vague.Has(words[1]) && words[2] == "of" {
		words = words[3:] // a type of …
	}
	return len(words) <= 5 && !IsRestricted(strings.Join(words, " "))
}

// IsOrdinal reports whether a meaning only gives a position or a comparison, relative to something that
// the text has named before: "the second part", "the main reason", "a related molecule".
func IsOrdinal(meaning string) bool {
	words := strings.Fields(strings.ToLower(meaning))
	if len(words) == 0 {
		return false
	}
	_, second, _ := strings.Cut(words[0], "-")
	return words[0] == "part" || comparatives.Has(second) || slices.ContainsFunc(words[:min(3, len(words))], ordinals.Has)
}

// IsRestricted reports whether a phrase has a part that restricts its noun: "… of …", "… that …".
func IsRestricted(phrase string) bool {
	return slices.ContainsFunc(strings.Fields(phrase), func(w string) bool { return relatives.Has(w) || prepositions.Has(w) || w == "used" })
}

// IsVaguePredicate reports whether a predicate does not distinguish its subject from others:
// "is useful", "exists", "includes …".
func IsVaguePredicate(predicate string) bool {
	toks := tokens("It " + predicate)
	for i, t := range toks[1:] {
		switch {
		case t.tag == adverb:
		case isBe(t.low) || t.low == "been":
			next := i + 2
			for next < len(toks) && toks[next].tag == adverb {
				next++
			}
			return next == len(toks) || toks[next].tag != participle
		case t.tag == auxiliary && !isHave(t.low):
		default:
			return vagueVerbs.Has(t.lemma)
		}
	}
	return true
}

// IsDate reports whether s is a year, or a month or day with its year.
func IsDate(s string) bool {
	words := strings.Fields(strings.ToLower(s))
	for _, w := range words {
		if w = strings.Trim(w, ",."); strings.Trim(w, "0123456789") != "" && !months.Has(w) {
			return false
		}
	}
	return len(words) > 0 && len(strings.Trim(words[len(words)-1], ".,")) == 4
}

// OnDate returns a date with its preposition.
func OnDate(date string) string {
	if text.IsDigit(rune(date[0])) && strings.Contains(date, " ") {
		return "on " + date
	}
	return "in " + date
}

// HasSubordinate reports whether a statement has a subordinate clause.
func HasSubordinate(s string) bool {
	return slices.ContainsFunc(tokens(s), func(t token) bool { return t.tag == subordinator })
}

// HasNumber reports whether s has a number in words.
func HasNumber(s string) bool {
	return slices.ContainsFunc(tokens(s), func(t token) bool { return t.tag == number && t.low != "one" })
}

// WithArticle returns a term for a question "What …?", with the verb and the article that its
// meaning implies ("is an asset", "are ketones"); "" if the article is not clear.
func WithArticle(term, meaning string) string {
	switch first := strings.ToLower(text.FirstWord(meaning)); {
	case Plural(term):
		return "are " + term
	case first == "a" || first == "an":
		if strings.ContainsAny(term[:1], "aeiou") {
			return "is an " + term
		}
		return "is a " + term
	case isAbstract(term):
		return "is " + term
	default:
		return ""
	}
}

// HasName reports whether a sentence has a name after its first word.
func HasName(s string) bool {
	return slices.ContainsFunc(strings.Fields(s)[min(1, len(strings.Fields(s))):], IsName)
}
