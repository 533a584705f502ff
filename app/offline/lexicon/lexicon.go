// Package lexicon looks up English words: parts of speech, the bases of verbs, nouns for
// persons, names of places. The tables are made from WordNet 3.0 (see LICENSE.wordnet). Its main
// idea: a table is a sorted text that is searched in place in the binary, so it needs no
// start-up time and no heap.
package lexicon

//go:generate go run generate.go /usr/share/wordnet

import (
	_ "embed" // the tables
	"strings"
)

var (
	//go:embed words.txt
	wordLines string
	//go:embed persons.txt
	personLines string
	//go:embed places.txt
	placeLines string

	words, persons, places = &table{text: wordLines}, &table{text: personLines}, &table{text: placeLines}
)

// A Form of a verb. Forms can be combined.
type Form int

// The forms of a verb.
const (
	Base Form = 1 << iota
	Third
	Past
	Participle
	Gerund
)

// Absent is the weight of a part of speech that a word cannot be.
const Absent = -1

// An Entry describes a lower-case word. A weight is 0 for rare to 9 for very common, or
// Absent.
type Entry struct {
	Noun, Verb, Adjective, Adverb int
	Form                          Form   // of the verb
	Lemma                         string // base of the verb
	Known                         bool   // the word or its base is in the table
}

// commonNoun is the weight of nouns that are not in the table, which are only nouns.
const commonNoun = 3

// Lookup returns the entry of a lower-case word. A word that is not in the table is a noun,
// unless its ending shows that it is an adjective, an adverb or a form of a verb.
func Lookup(word string) Entry {
	e := Entry{Noun: Absent, Verb: Absent, Adjective: Absent, Adverb: Absent}
	e.addLine(word)
	if e.Form&(Past|Participle) == 0 {
		e.addInflection(word)
	}
	if !e.Known {
		e.guess(word)
	}
	return e
}

// unchanged are verbs whose past forms are the base.
const unchanged = " set cut put let hit hurt cost cast shut split spread quit bet read beat burst rid shed thrust upset "

// addLine adds the table's lines for a word.
func (e *Entry) addLine(word string) {
	for line := range words.linesOf(word) {
		e.Known = true
		if use, base, irregular := strings.Cut(line, " "); irregular {
			e.addVerb(base, irregularForm(use))
			continue
		}
		for i := 0; i+1 < len(line); i += 2 {
			weight := int(line[i+1] - '0')
			switch line[i] {
			case 'n':
				e.Noun = weight
			case 'v':
				e.Verb, e.Form, e.Lemma = weight, e.Form|Base, word
				if strings.Contains(unchanged, " "+word+" ") {
					e.Form |= Past | Participle
				}
			case 'a':
				e.Adjective = weight
			case 'r':
				e.Adverb = weight
			}
		}
	}
}

// irregularForm returns the form that a letter of the table means.
func irregularForm(letter string) Form {
	switch letter {
	case "P":
		return Past
	case "E":
		return Participle
	default:
		return Past | Participle
	}
}

// addVerb adds a form of the verb base. It returns false if base is not a verb.
func (e *Entry) addVerb(base string, form Form) bool {
	for line := range words.linesOf(base) {
		if at := strings.IndexByte(line, 'v'); at >= 0 && !strings.Contains(line, " ") {
			e.Verb, e.Lemma, e.Form, e.Known = int(line[at+1]-'0'), base, e.Form|form, true
			if form == Third && line[0] == 'n' {
				e.Noun = max(e.Noun, int(line[1]-'0')) // also the plural of a noun
			}
			return true
		}
	}
	return false
}

// addInflection adds the verb that a regular inflection belongs to.
func (e *Entry) addInflection(word string) {
	if len(word) < 4 {
		return
	}
	for _, end := range []struct {
		suffix string
		form   Form
	}{{"s", Third}, {"ed", Past | Participle}, {"ing", Gerund}} {
		stem, ok := strings.CutSuffix(word, end.suffix)
		if !ok || len(stem) < 2 {
			continue
		}
		for _, base := range basesOf(stem, end.form) {
			if e.addVerb(base, end.form) {
				return
			}
		}
	}
}

// basesOf returns the possible bases of a verb's stem: walk, make, study, plan.
func basesOf(stem string, form Form) []string {
	n := len(stem)
	if form == Third {
		if strings.HasSuffix(stem, "ie") {
			return []string{stem[:n-2] + "y", stem}
		}
		return []string{stem, strings.TrimSuffix(stem, "e")}
	}
	bases := []string{stem, stem + "e"}
	if strings.HasSuffix(stem, "i") {
		bases = []string{stem[:n-1] + "y", stem + "e"}
	}
	if n > 2 && stem[n-1] == stem[n-2] {
		bases = append(bases, stem[:n-1])
	}
	if n > 2 && strings.ContainsRune("aeiou", rune(stem[n-2])) && !strings.ContainsRune("aeiouwxy", rune(stem[n-3])) && !strings.ContainsRune("aeiouwxy", rune(stem[n-1])) {
		bases[0], bases[1] = bases[1], bases[0] // making: make before mak
	}
	return bases
}

// adjectiveEndings must be the same as in generate.go.
var adjectiveEndings = []string{"ous", "al", "ic", "ive", "able", "ible", "less", "ful", "ary", "ish", "ed", "ing", "like"}

// guess fills in an entry by the word's ending.
func (e *Entry) guess(word string) {
	e.Noun = commonNoun
	if len(word) > 4 && strings.HasSuffix(word, "ly") {
		e.Noun, e.Adverb = Absent, commonNoun
		return
	}
	for _, end := range adjectiveEndings {
		if len(word) > len(end)+2 && strings.HasSuffix(word, end) {
			e.Noun, e.Adjective = commonNoun-1, commonNoun+1
		}
	}
}

// IsPerson reports whether a lower-case word means a person: a common noun (senator) or a given
// name.
func IsPerson(word string) bool { return persons.has(word) }

// PlaceKind returns a letter for the kind of a place, by its name in lower case: 'c' for a city, 'n'
// a nation, 's' a state or province, 'k' a continent, 'o' another place; 0 if it is not a place.
func PlaceKind(name string) byte {
	at := places.search(name, '\t')
	if rest, ok := cutKey(places.text[at:], name, '\t'); ok {
		return rest[0]
	}
	return 0
}
