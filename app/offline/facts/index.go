package facts

import (
	"hash/fnv"
	"slices"

	"studysharper/app/text"
)

// An Index records the words of each sentence, to find sentences that mention a term or share
// words with a text. It caches its answers, so only one goroutine may use it.
type Index struct {
	ids       map[string]int // of stems, in the order of the text
	words     map[string]int // the id of each word's stem, or noStem
	ordered   [][]int        // the stems of each sentence, once each, in its order
	sentences [][]int        // the same, in order of their id
	holders   [][]int        // the sentences with each stem
	spoken    map[string][]int
	stemmed   map[string]stemmed // of the texts that Stems was called with
}

// noStem replaces the id of a word without content.
const noStem = -1

// A stemmed text has the text's known stems in order, and the number of its distinct stems.
type stemmed struct {
	ids   []int
	total int
}

func newIndex(sentences []string) Index {
	x := Index{ids: make(map[string]int), words: make(map[string]int), spoken: make(map[string][]int), stemmed: make(map[string]stemmed)}
	var all, last, sizes []int // the stems of all sentences; for each stem, its last sentence, from 1, and its number of sentences
	x.ordered = make([][]int, len(sentences))
	for i, s := range sentences {
		from := len(all)
		text.EachWord(s, func(w string) {
			id := x.register(w)
			if id == len(last) {
				last, sizes = append(last, 0), append(sizes, 0)
			}
			if id != noStem && last[id] != i+1 {
				last[id] = i + 1
				sizes[id]++
				all = append(all, id)
			}
		})
		x.ordered[i] = all[from:len(all):len(all)]
	}
	x.sort(len(all))
	x.list(len(all), sizes)
	return x
}

// register returns the id of a word's stem, or noStem.
func (x *Index) register(word string) int {
	id, ok := x.words[word]
	if ok {
		return id
	}
	id = noStem
	if text.IsContent(word) {
		stem := text.Stem(word)
		if id, ok = x.ids[stem]; !ok {
			id = len(x.ids)
			x.ids[stem] = id
		}
	}
	x.words[word] = id
	return id
}

// sort orders the stems of each sentence by their id. There are n in all.
func (x *Index) sort(n int) {
	all := make([]int, 0, n)
	x.sentences = make([][]int, len(x.ordered))
	for i, ids := range x.ordered {
		from := len(all)
		all = append(all, ids...)
		x.sentences[i] = all[from:len(all):len(all)]
		slices.Sort(x.sentences[i])
	}
}

// list lists the sentences that contain each stem. There are n in all, and sizes has their number for each stem.
func (x *Index) list(n int, sizes []int) {
	all := make([]int, n)
	x.holders = make([][]int, len(sizes))
	for id, size := range sizes {
		x.holders[id], all = all[:0:size], all[size:]
	}
	for i, ids := range x.ordered {
		for _, id := range ids {
			x.holders[id] = append(x.holders[id], i)
		}
	}
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
	var unknown []string
	text.EachWord(s, func(w string) {
		id, ok := x.words[w]
		if !ok && text.IsContent(w) {
			stem := text.Stem(w)
			if id, ok = x.ids[stem]; !ok && !slices.Contains(unknown, stem) {
				unknown = append(unknown, stem)
			}
		}
		if ok && id != noStem {
			ids = append(ids, id)
		}
	})
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return ids, len(ids) + len(unknown)
}

// Share returns the share of the total stems, of which ids are known, that sentence i contains.
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

// firstFew returns the first n of a list.
func firstFew[T any](list []T, n int) []T { return list[:min(n, len(list))] }

// Pick returns a number below n that depends only on s.
func Pick(s string, n int) int {
	h := fnv.New32a()
	h.Write([]byte(s))
	return int(h.Sum32() % uint32(n))
}
