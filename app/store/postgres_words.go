package store

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of a note's words in PostgreSQL, whose text search vector holds 1 MiB and
// places up to 16,383. https://www.postgresql.org/docs/current/textsearch-limitations.html
const (
	maxVectorBytes = 768 << 10 // of words and places; further words of a note are not found
	maxPlace       = 16_383
	maxPlaces      = 16 // of one word; more say nothing new of its weight
	placeBytes     = 2  // and what a word costs beside its letters:
	wordBytes      = 2 + 2 + placeBytes
)

// vector gathers the words of a note.
type vector struct {
	places map[string][]string
	place  int
	bytes  int
}

// noteVector writes the words of a note as a tsvector, those of the title with the
// greatest weight. https://www.postgresql.org/docs/current/datatype-textsearch.html
func noteVector(title, content string) string {
	v := vector{places: map[string][]string{}}
	v.add(title, "A")
	v.add(content, "")
	var b strings.Builder
	for word, places := range v.places {
		b.WriteString("'" + word + "':" + strings.Join(places, ",") + " ")
	}
	return b.String()
}

func (v *vector) add(text, weight string) {
	for word := range wordsOf(text) {
		v.place = min(v.place+1, maxPlace)
		v.put(word, fmt.Sprint(v.place)+weight)
	}
}

// put keeps a word's place, if there is room.
func (v *vector) put(word, place string) {
	places, known := v.places[word]
	cost := placeBytes
	if !known {
		cost = len(word) + wordBytes
	}
	if v.bytes+cost > maxVectorBytes || len(places) == maxPlaces || slices.Contains(places, place) {
		return
	}
	v.bytes += cost
	v.places[word] = append(places, place)
}

// tsQuery writes a tsquery for words. They hold nothing that is syntax.
func tsQuery(words []string, anyWord bool) string {
	terms := make([]string, len(words))
	for i, w := range words {
		terms[i] = "'" + w + "'"
	}
	if anyWord {
		return strings.Join(terms, " | ")
	}
	if last := len(words) - 1; len(words[last]) >= minPrefixBytes {
		terms[last] += ":*"
	}
	return strings.Join(terms, " & ")
}
