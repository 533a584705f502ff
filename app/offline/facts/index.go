package facts

import (
	"hash/fnv"
	"slices"

	"studysharper/app/text"
)

// An Index records which sentences mention a term, and how many of other words they
// contain. It caches its answers, so only one goroutine may use it.
type Index struct {
	ids       map[string]int
	sentences [][]int // the stems of each, in order of their id
	holders   [][]int // the sentences with each stem
	spoken    map[string][]int
	stemmed   map[string]stemmed // of what was asked about
}

// A stemmed text: its known stems in order, and how many distinct ones it has.
type stemmed struct {
	ids   []int
	total int
}

func newIndex(sentences []string) Index {
	x := Index{ids: make(map[string]int), spoken: make(map[string][]int), stemmed: make(map[string]stemmed)}
	for i, s := range sentences {
		for _, w := range text.Words(s) {
			if stem := text.Stem(w); !slices.Contains(x.lastHolders(stem), i) {
				x.holders[x.ids[stem]] = append(x.holders[x.ids[stem]], i)
			}
		}
		ids, _ := x.stems(s)
		x.sentences = append(x.sentences, ids)
	}
	return x
}

// lastHolders returns the last sentence with a stem, if any, and registers a new stem.
func (x *Index) lastHolders(stem string) []int {
	id, ok := x.ids[stem]
	if !ok {
		id = len(x.holders)
		x.ids[stem] = id
		x.holders = append(x.holders, nil)
	}
	h := x.holders[id]
	return h[max(0, len(h)-1):] // sentences come in order: the last is enough to know
}

// Stems returns the known stems of s, sorted, and its number of distinct stems. The caller
// must not change them.
func (x *Index) Stems(s string) (ids []int, total int) {
	if known, ok := x.stemmed[s]; ok {
		return known.ids, known.total
	}
	ids, total = x.stems(s)
	x.stemmed[s] = stemmed{ids, total}
	return ids, total
}

func (x *Index) stems(s string) (ids []int, total int) {
	unknown := make(map[string]bool)
	for _, w := range text.Words(s) {
		stem := text.Stem(w)
		if id, ok := x.ids[stem]; ok {
			ids = append(ids, id)
		} else {
			unknown[stem] = true
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return ids, len(ids) + len(unknown)
}

// Share returns how much of total stems, of which ids are known, sentence i contains.
func (x *Index) Share(ids []int, total, i int) float64 {
	found := 0
	for _, id := range ids {
		if _, ok := slices.BinarySearch(x.sentences[i], id); ok {
			found++
		}
	}
	return float64(found) / float64(max(1, total))
}

// Of returns the stems of sentence i, sorted. The caller must not change them.
func (x *Index) Of(i int) []int { return x.sentences[i] }

// Holding returns the sentences that contain a word in any inflection, in order. The caller
// must not change them.
func (x *Index) Holding(word string) []int {
	if id, ok := x.ids[text.Stem(word)]; ok {
		return x.holders[id]
	}
	return nil
}

// Mentions returns the sentences that contain every word of term.
func (x *Index) Mentions(term string) []int {
	if found, ok := x.spoken[term]; ok {
		return found
	}
	ids, total := x.Stems(term)
	var found []int
	if len(ids) == total && total > 0 {
		for _, i := range x.holders[ids[0]] {
			if x.Share(ids, total, i) == 1 {
				found = append(found, i)
			}
		}
	}
	x.spoken[term] = found
	return found
}

// Pick returns a number below n that depends only on s.
func Pick(s string, n int) int {
	h := fnv.New32a()
	h.Write([]byte(s))
	return int(h.Sum32() % uint32(n))
}
