package passages

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"sort"
	"strings"
)

// The constants of BM25, with their usual values.
const (
	saturation   = 1.2  // k1
	lengthWeight = 0.75 // b
)

// countBytes is the size of an entry of Counts.
const countBytes = 5

// Counts is how often a passage has each of its terms: sorted entries of a term's hash and a
// number, at most 255. It is a third as long as the passage.
type Counts []byte

// CountTerms counts terms.
func CountTerms(terms []string) Counts {
	n := make(map[uint32]int, len(terms))
	for _, t := range terms {
		n[hashTerm(t)]++
	}
	hashes := make([]uint32, 0, len(n))
	for h := range n {
		hashes = append(hashes, h)
	}
	slices.Sort(hashes)
	counts := make(Counts, 0, countBytes*len(hashes))
	for _, h := range hashes {
		counts = append(binary.BigEndian.AppendUint32(counts, h), byte(min(n[h], math.MaxUint8))) //nolint:gosec // fits
	}
	return counts
}

func hashTerm(term string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(term)) // does not fail
	return h.Sum32()
}

// of returns how often the terms of a word are there.
func (c Counts) of(hashes []uint32) (n int) {
	for _, h := range hashes {
		i := sort.Search(len(c)/countBytes, func(i int) bool { return binary.BigEndian.Uint32(c[i*countBytes:]) >= h })
		if at := i * countBytes; at < len(c) && binary.BigEndian.Uint32(c[at:]) == h {
			n += int(c[at+4])
		}
	}
	return n
}

// A Doc is what is known of a passage to rank it.
type Doc struct {
	Counts Counts
	Words  int    // how many it has
	Begins uint32 // a bit for each word of the query that has Begins and that a term begins with
}

// Frequencies is how many passages there are, and how many hold each word of a query.
type Frequencies struct {
	Passages int
	Holding  []int
}

// Weight is what a word of the query weighs in a score: the rarer, the more.
func (f Frequencies) Weight(word int) float64 {
	holding := min(f.Holding[word], f.Passages)
	return math.Log(1 + (float64(f.Passages-holding)+0.5)/(float64(holding)+0.5))
}

// Rank returns the BM25 score of each passage; 0 for one that holds none of the words. Without
// frequencies those among the passages are used.
func (q Query) Rank(docs []Doc, f *Frequencies) []float64 {
	found := make([][]int, len(q.Words)) // how often each passage holds each word
	for w, word := range q.Words {
		hashes := make([]uint32, len(word.Terms))
		for i, t := range word.Terms {
			hashes[i] = hashTerm(t)
		}
		found[w] = make([]int, len(docs))
		for i, d := range docs {
			if found[w][i] = d.Counts.of(hashes); found[w][i] == 0 && d.Begins>>w&1 == 1 {
				found[w][i] = 1
			}
		}
	}
	if f == nil {
		f = &Frequencies{Passages: len(docs), Holding: make([]int, len(q.Words))}
		for w := range found {
			for _, n := range found[w] {
				f.Holding[w] += min(n, 1)
			}
		}
	}
	total := 1
	for _, d := range docs {
		total += d.Words
	}
	mean := float64(total) / float64(max(len(docs), 1))
	scores := make([]float64, len(docs))
	for w := range found {
		weight := f.Weight(w)
		for i, n := range found[w] {
			tf := float64(n)
			scores[i] += weight * tf * (saturation + 1) / (tf + saturation*(1-lengthWeight+lengthWeight*float64(docs[i].Words)/mean))
		}
	}
	return scores
}

// In reports whether a passage with these terms holds the phrase.
func (p Phrase) In(terms []string) bool {
	for i := range len(terms) - len(p) + 1 {
		n := 0
		for n < len(p) && slices.Contains(p[n], terms[i+n]) {
			n++
		}
		if n == len(p) {
			return true
		}
	}
	return false
}

// Terms returns the terms that a passage is found by, in order: those of the title of its text,
// of its section's heading and its own.
func (s *Stemmer) Terms(title string, p Passage) (terms []string) {
	add := func(term string) { terms = append(terms, term) }
	s.EachTerm(title, add)
	if first, _ := cutLine(p.Text); !strings.Contains(first, p.Section) {
		s.EachTerm(p.Section, add)
	}
	s.EachTerm(p.Text, add)
	return terms
}
