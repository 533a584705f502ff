package english

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"studysharper/app/text"
)

// pluralSubject reports whether the subject takes a plural verb.
func pluralSubject(subject []token) bool {
	if irregularPlurals.Has(subject[0].low) {
		return true
	}
	head := ""
	for i, t := range subject {
		if t.low == "and" && i > 0 {
			return true
		}
		if i > 0 && (prepositions.Has(t.low) || t.s == "(" || t.s == ",") {
			break
		}
		if v := verbs[t.low]; v.form == pastForm && head != "" {
			break // pigments found in ...
		}
		if !isAdverb(t.low) {
			head = t.low
		}
	}
	return Plural(head) && subject[0].low != "each" && subject[0].low != "every"
}

// Plural reports whether a term reads like a plural: its last word does, or it
// joins two things.
func Plural(term string) bool {
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

// IsName reports whether a term reads like a name: it begins with a capital and is
// not all capitals.
func IsName(term string) bool {
	r, size := utf8.DecodeRuneInString(term)
	return unicode.IsUpper(r) && term[size:] != strings.ToUpper(term[size:])
}

// IsPerson reports whether a definition is about a person.
func IsPerson(d Definition) bool {
	if r, _ := utf8.DecodeRuneInString(d.Term); !unicode.IsUpper(r) || d.Form != Phrase {
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

// IsVague reports whether a noun phrase names a relation ("the function of leaves") rather
// than a thing.
func IsVague(phrase string) bool {
	head, _, _ := strings.Cut(strings.ToLower(phrase), " of ")
	return vague.Has(head[strings.LastIndexByte(head, ' ')+1:])
}
