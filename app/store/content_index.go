package store

import (
	"encoding/json"
	"strings"

	"studysharper/app/library"
	"studysharper/app/passages"
	"studysharper/app/study"
)

const (
	maxContentWords  = 8        // of one library search
	maxIndexedBytes  = 32 << 10 // of one aid's index text
	maxIndexedSource = 64 << 10 // of one text that is indexed
)

// contentIndex is stored beside an aid, for searches in the library and for the review of its cards.
type contentIndex struct {
	words string
	cards []card
}

// card is a flashcard as stored in its deck's row.
type card struct {
	item string
	data string // JSON
}

// indexContent parses an aid, counts its items and gives an id to each item that has none. Data that is not a valid aid
// of its type is left unchanged and has no items.
func indexContent(v *study.Content) contentIndex {
	texts := []string{v.Title, v.Subject}
	v.Items = 0
	a, numbered, err := library.Read(v.Type, v.Data)
	if err != nil {
		return contentIndex{words: indexWords(texts)}
	}
	items := library.Items(a)
	v.Items = len(items)
	if numbered {
		if data, err := json.Marshal(a); err == nil && len(data) <= MaxDataBytes {
			v.Data = data
		}
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

// indexWords writes words in the form that Contents searches, each after a space.
func indexWords(texts []string) string {
	var b strings.Builder
	for _, text := range texts {
		passages.EachWord(sanitize(text, maxIndexedSource), func(w string, _ passages.Kind) {
			w = passages.Fold(w)
			if b.Len()+len(w) < maxIndexedBytes {
				b.WriteByte(' ')
				b.WriteString(w)
			}
		})
	}
	return b.String()
}

// contentWords returns the words of a library search as LIKE patterns.
func contentWords(search string) (patterns []string) {
	passages.EachWord(sanitize(search, maxIndexedSource), func(w string, _ passages.Kind) {
		w = passages.Fold(w)
		if len(patterns) < maxContentWords && !strings.ContainsAny(w, `%_\`) {
			patterns = append(patterns, "% "+w+"%")
		}
	})
	return patterns
}
