package passages

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"sort"
	"strings"
)

// Constants of BM25, with their usual values.
const (
	saturation   = 1.2  // k1
	lengthWeight = 0.75 // b
)

// countBytes is the size of an entry of Counts.
const countBytes = 5

// Counts is the number of occurrences of each term in a passage: sorted entries of a term's hash and a number, at most
// 255. Its size is a third of the passage's.
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
	_, _ = h.Write([]byte(term)) // never fails
	return h.Sum32()
}

// of returns how often the terms of a word occur.
func (c Counts) of(hashes []uint32) (n int) {
	for _, h := range hashes {
		i := sort.Search(len(c)/countBytes, func(i int) bool { return binary.BigEndian.Uint32(c[i*countBytes:]) >= h })
		if at := i * countBytes; at < len(c) && binary.BigEndian.Uint32(c[at:]) == h {
			n += int(c[at+4])
		}
	}
	return n
}

// Frequencies is the number of passages, and for each word of a query the number of passages that contain it.
type Frequencies struct {
	Passages int
	Holding  []int
}

// Weight returns the weight of a word of the query in a score: the rarer, the higher.
func (f Frequencies) Weight(word int) float64 {
	holding := min(f.Holding[word], f.Passages)
	return math.Log(1 + (float64(f.Passages-holding)+0.5)/(float64(holding)+0.5))
}

// Ranker ranks passages for a query. It stores only a few bytes per passage.
type Ranker struct {
	hashes [][]uint32 // of the terms of each word
	found  []uint8    // how often each passage contains each word: one row per passage
	words  []int32    // of each passage
	total  int
}

// Ranker returns a Ranker without passages.
func (q Query) Ranker() *Ranker {
	r := &Ranker{hashes: make([][]uint32, len(q.Words))}
	for i, w := range q.Words {
		for _, t := range w.Terms {
			r.hashes[i] = append(r.hashes[i], hashTerm(t))
		}
	}
	return r
}

// Add adds a passage. begins has a bit for each word that is a prefix of one of the passage's terms.
func (r *Ranker) Add(counts Counts, words int, begins uint32) {
	for i, hashes := range r.hashes {
		n := counts.of(hashes)
		if n == 0 && begins>>i&1 == 1 {
			n = 1
		}
		r.found = append(r.found, uint8(min(n, math.MaxUint8))) //nolint:gosec // fits
	}
	r.words = append(r.words, int32(words)) //nolint:gosec // of a passage
	r.total += words
}

// Scores returns the BM25 score of each passage, in the order of Add; 0 for a passage that contains none of the words.
// If f is nil, the frequencies in the added passages are used.
func (r *Ranker) Scores(f *Frequencies) []float64 {
	n := len(r.hashes)
	if f == nil {
		f = &Frequencies{Passages: len(r.words), Holding: make([]int, n)}
		for i, times := range r.found {
			f.Holding[i%n] += int(min(times, 1))
		}
	}
	mean := float64(r.total+1) / float64(max(len(r.words), 1))
	scores := make([]float64, len(r.words))
	for i := range scores {
		long := saturation * (1 - lengthWeight + lengthWeight*float64(r.words[i])/mean)
		for w, times := range r.found[i*n : (i+1)*n] {
			if tf := float64(times); tf > 0 {
				scores[i] += f.Weight(w) * tf * (saturation + 1) / (tf + long)
			}
		}
	}
	return scores
}

// In reports whether a passage with these terms contains the phrase.
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

// HasAll reports whether a passage with these terms contains all phrases.
func HasAll(phrases []Phrase, terms []string) bool {
	return !slices.ContainsFunc(phrases, func(p Phrase) bool { return !p.In(terms) })
}

// Terms returns the terms by which a passage is found, in order: those of the title of its text, of its section's
// heading, and of its own text.
func (s *Stemmer) Terms(title string, p Passage) (terms []string) {
	add := func(term string) { terms = append(terms, term) }
	s.EachTerm(title, add)
	if first, _ := cutLine(p.Text); !strings.Contains(first, p.Section) {
		s.EachTerm(p.Section, add)
	}
	s.EachTerm(p.Text, add)
	return terms
}
