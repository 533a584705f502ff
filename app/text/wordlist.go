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

// A WordList holds words; a word's base is "" unless the list gives one. Its text is read when the list is first used,
// because most processes start without using any.
type WordList struct{ words func() map[string]string }

// Has reports whether the list holds a lower-case word.
func (l WordList) Has(word string) bool {
	_, ok := l.words()[word]
	return ok
}

// Base is the base of a word that the list holds.
func (l WordList) Base(word string) (base string, ok bool) {
	base, ok = l.words()[word]
	return base, ok
}

// All are the words of the list.
func (l WordList) All() iter.Seq[string] { return maps.Keys(l.words()) }

// StopWords are the words of structure, without content.
func StopWords() WordList { return stopWords }

// Auxiliaries are the finite forms of be, have, do and the modals.
func Auxiliaries() WordList { return auxiliaries }

// WordLists gives the lists, by name, of lines of the form "name: word form=base …", which add up where
// they have one name; other lines are comments. The list of an unknown name is empty.
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
