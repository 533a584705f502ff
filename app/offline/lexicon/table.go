package lexicon

import (
	"strings"
	"sync/atomic"
)

// A table consists of sorted lines, each with a key, a separator and a value.
type table struct {
	text   string
	starts [letters*letters + 1]atomic.Int32 // see startOf
}

// letters is the number of groups by which keys are divided: a to z, characters that sort before a and those after z.
const letters = 28

// letterAt returns the group of the character at index i of a key.
func letterAt(key string, i int) int {
	if i >= len(key) || key[i] < 'a' {
		return 0
	}
	return min(int(key[i]-'a')+1, letters-1)
}

// startOf returns the offset of the first key with a pair of first letters. It searches for each pair once.
func (t *table) startOf(pair int) int {
	if at := t.starts[pair].Load(); at > 0 {
		return int(at - 1)
	}
	at := 0
	if first, second := pair/letters, pair%letters; first == letters {
		at = len(t.text)
	} else if first > 0 {
		prefix := string(rune('a' + first - 1))
		if second > 0 {
			prefix += string(rune('a' + second - 1))
		}
		at = t.searchIn(0, len(t.text), prefix, 0)
	}
	t.starts[pair].Store(int32(at + 1)) //nolint:gosec // within the table
	return at
}

// search returns the offset of the first line that is not less than key and a separator.
func (t *table) search(key string, separator byte) int {
	first, second := letterAt(key, 0), letterAt(key, 1)
	if first == 0 || first == letters-1 { // many letters
		return t.searchIn(0, len(t.text), key, separator)
	}
	pair := first*letters + second
	return t.searchIn(t.startOf(pair), t.startOf(pair+1), key, separator)
}

// searchIn is search within the lines between low and high.
func (t *table) searchIn(low, high int, key string, separator byte) int {
	for low < high {
		mid := (low + high) / 2
		start := strings.LastIndexByte(t.text[low:mid], '\n') + 1 + low
		if line := t.text[start:]; isLess(line, key, separator) {
			low = strings.IndexByte(line, '\n') + 1 + start
		} else {
			high = start
		}
	}
	return low
}

// isLess reports whether a line sorts before key and a separator; 0 = no separator.
func isLess(line, key string, separator byte) bool {
	n := min(len(line), len(key))
	if line[:n] != key[:n] || separator == 0 {
		return line[:n] < key
	}
	return n == len(line) || line[n] < separator
}

// cutKey returns the rest of a line that begins with key and a separator.
func cutKey(line, key string, separator byte) (rest string, ok bool) {
	if len(line) <= len(key) || line[len(key)] != separator || line[:len(key)] != key {
		return "", false
	}
	return line[len(key)+1:], true
}

// has reports whether a table without values has this key.
func (t *table) has(key string) bool {
	_, ok := cutKey(t.text[t.search(key, '\n'):], key, '\n')
	return ok
}

// linesOf yields the value in each line of a key.
func (t *table) linesOf(key string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for at := t.search(key, ' '); ; {
			line, _, _ := strings.Cut(t.text[at:], "\n")
			rest, ok := cutKey(line, key, ' ')
			if !ok || !yield(rest) {
				return
			}
			at += len(line) + 1
		}
	}
}
