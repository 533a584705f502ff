package intent

import (
	"slices"
	"strings"
)

// pattern matches the beginning of a clause: at each position one of the listed words, or, if the list is nil, a gap of
// one to three arbitrary words.
type pattern [][]string

// maxGap is the maximum number of words that a "*" matches.
const maxGap = 3

// phrase parses a pattern of the tables: "a|b" matches either word, "*" a gap.
func phrase(s string) pattern {
	var p pattern
	for place := range strings.FieldsSeq(s) {
		if place == "*" {
			p = append(p, nil)
			continue
		}
		p = append(p, strings.Split(place, "|"))
	}
	return p
}

func patterns(phrases ...string) []pattern {
	list := make([]pattern, len(phrases))
	for i, s := range phrases {
		list[i] = phrase(s)
	}
	return list
}

// match returns how many words the pattern matches at the beginning of words; 0 = no match.
func (p pattern) match(words []string) int {
	switch {
	case len(p) == 0 || len(words) == 0:
		return 0
	case p[0] == nil:
		return p.matchGap(words)
	case !slices.Contains(p[0], words[0]):
		return 0
	case len(p) == 1:
		return 1
	}
	if n := p[1:].match(words[1:]); n > 0 {
		return 1 + n
	}
	return 0
}

func (p pattern) matchGap(words []string) int {
	for skip := 1; skip <= min(maxGap, len(words)); skip++ {
		if n := p[1:].match(words[skip:]); n > 0 {
			return skip + n
		}
	}
	return 0
}
