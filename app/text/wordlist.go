package text

import (
	_ "embed" // words.txt
	"iter"
	"maps"
	"strings"
	"sync"
)

//go:embed words.txt
var words string

var lists = WordLists(words)

var (
	stopWords           = lists("stop")
	auxiliaries         = lists("auxiliary")
	abbreviations       = lists("abbreviation")
	numberAbbreviations = lists("abbreviation-number")
	pastForms           = lists("past")
	irregularStems      = lists("stem")
)

// WordList is a set of words; a word's base is "" unless the list gives one. Its text is parsed when the list is first
// used, because most processes use hardly any list.
type WordList struct{ words func() map[string]string }

// Has reports whether the list contains a lower-case word.
func (l WordList) Has(word string) bool {
	_, ok := l.words()[word]
	return ok
}

// Base returns the base of a word; ok is false if the list does not contain the word.
func (l WordList) Base(word string) (base string, ok bool) {
	base, ok = l.words()[word]
	return base, ok
}

// All returns the words of the list.
func (l WordList) All() iter.Seq[string] { return maps.Keys(l.words()) }

// StopWords returns the function words, which have no content.
func StopWords() WordList { return stopWords }

// Auxiliaries returns the finite forms of be, have, do and the modals.
func Auxiliaries() WordList { return auxiliaries }

// WordLists returns a function that returns a list by its name. The lines have the form "name: word form=base …"; lines
// with the same name are combined, and other lines are comments. The list of an unknown name is empty.
func WordLists(lines string) func(name string) WordList {
	all := sync.OnceValue(func() map[string]map[string]string { return parseWordLists(lines) })
	return func(name string) WordList {
		return WordList{sync.OnceValue(func() map[string]string { return all()[name] })}
	}
}

func parseWordLists(lines string) map[string]map[string]string {
	out := make(map[string]map[string]string)
	for line := range strings.Lines(lines) {
		key, words, ok := strings.Cut(line, ": ")
		if !ok || key[0] == '#' {
			continue
		}
		if out[key] == nil {
			out[key] = make(map[string]string)
		}
		for w := range strings.FieldsSeq(words) {
			form, base, _ := strings.Cut(w, "=")
			out[key][form] = base
		}
	}
	return out
}
