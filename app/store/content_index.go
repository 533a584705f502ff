package store

import (
	"encoding/json"
	"strings"

	"studysharper/app/library"
	"studysharper/app/passages"
	"studysharper/app/study"
)

const (
	maxContentWords  = 8        // of a search in the library
	maxIndexedBytes  = 32 << 10 // of an aid's words
	maxIndexedSource = 64 << 10 // of a text whose words are indexed
)

// contentIndex is what is kept beside an aid so that it, and its cards, are found.
type contentIndex struct {
	words string
	cards []card
}

// card is a flashcard as its deck's row has it.
type card struct {
	item string
	data string // JSON
}

// indexContent reads an aid, counts its items and gives those without an id one. Data that is not an aid of
// the type is left as it is, without items.
func indexContent(v *study.Content) contentIndex {
	texts := []string{v.Title, v.Subject}
	v.Items = 0
	a, numbered, err := library.Read(v.Type, v.Data)
	if err != nil {
		return contentIndex{words: indexWords(texts)}
	}
	items := library.Items(a)
	v.Items = len(items)
	if data, err := json.Marshal(a); numbered && err == nil && len(data) <= MaxDataBytes {
		v.Data = data
	}
	in := contentIndex{words: indexWords(append(texts, library.Texts(a)...))}
	if v.Type != study.Flashcards {
		return in
	}
	for _, it := range items {
		if data, err := json.Marshal(it.Value); err == nil {
			in.cards = append(in.cards, card{it.ID, string(data)})
		}
	}
	return in
}

// indexWords writes the words of texts as Contents looks for them: each behind a space.
func indexWords(texts []string) string {
	var b strings.Builder
	for _, text := range texts {
		passages.EachWord(mend(text, maxIndexedSource), func(w string, _ passages.Kind) {
			w = passages.Fold(w)
			if b.Len()+len(w) < maxIndexedBytes {
				b.WriteByte(' ')
				b.WriteString(w)
			}
		})
	}
	return b.String()
}

// contentWords are the words that a search in the library looks for, as patterns of LIKE.
func contentWords(search string) (patterns []string) {
	passages.EachWord(mend(search, maxIndexedSource), func(w string, _ passages.Kind) {
		w = passages.Fold(w)
		if len(patterns) < maxContentWords && !strings.ContainsAny(w, `%_\`) {
			patterns = append(patterns, "% "+w+"%")
		}
	})
	return patterns
}
