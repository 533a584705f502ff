package text

import (
	_ "embed" // words.txt
	"strings"
)

//go:embed words.txt
var words string

var lists = ParseWordLists(words)

var (
	stopWords           = lists["stop"]
	auxiliaries         = lists["auxiliary"]
	abbreviations       = lists["abbreviation"]
	numberAbbreviations = lists["abbreviation-number"]
	pastForms           = lists["past"]
	irregularStems      = lists["stem"]
)

// A WordList holds words; a word's base is "" unless the list gives one. It must not
// be changed.
type WordList map[string]string

// Has reports whether the list holds a lower-case word.
func (l WordList) Has(word string) bool {
	_, ok := l[word]
	return ok
}

// StopWords are the words of structure, without content.
func StopWords() WordList { return stopWords }

// Auxiliaries are the finite forms of be, have, do and the modals.
func Auxiliaries() WordList { return auxiliaries }

// ParseWordLists reads lines of the form "name: word form=base …", which add up where
// they have one name; other lines are comments.
func ParseWordLists(lines string) map[string]WordList {
	out := make(map[string]WordList)
	for line := range strings.Lines(lines) {
		key, words, ok := strings.Cut(line, ": ")
		if !ok || key[0] == '#' {
			continue
		}
		if out[key] == nil {
			out[key] = make(WordList)
		}
		for w := range strings.FieldsSeq(words) {
			form, base, _ := strings.Cut(w, "=")
			out[key][form] = base
		}
	}
	return out
}
