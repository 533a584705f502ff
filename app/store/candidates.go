package store

import (
	"cmp"
	"math/bits"
	"slices"

	"studysharper/app/passages"
)

// A candidate is a passage that contains words of the query.
type candidate struct {
	num   int64
	words uint32
}

// matches are the passages that a search found: all that contain a rare word, and of the others those that contain most
// of the words. For words that are frequent in the user's notes, and among equal passages, the newest are preferred.
type matches struct {
	found   []candidate // newest first
	holding []int       // for each word, how many passages contain it; estimated for frequent words
}

// mergePostings merges lists into one, newest first.
func mergePostings(lists []postings) (found []candidate) {
	lists = slices.Clone(lists)
	for {
		newest := int64(-1)
		for _, l := range lists {
			if len(l.nums) > 0 {
				newest = max(newest, l.nums[0])
			}
		}
		if newest < 0 {
			return found
		}
		c := candidate{num: newest}
		for i, l := range lists {
			if len(l.nums) > 0 && l.nums[0] == newest {
				lists[i].nums, c.words = l.nums[1:], c.words|l.words
			}
		}
		found = append(found, c)
	}
}

// notesWithAll returns the notes that contain all of n words, possibly in different passages.
func (m matches) notesWithAll(n int) map[int64]bool {
	all := map[int64]bool{}
	words, note := uint32(0), int64(-1)
	for _, c := range m.found {
		if c.num/maxPassages != note {
			words, note = 0, c.num/maxPassages
		}
		if words |= c.words; bits.OnesCount32(words) == n {
			all[note] = true
		}
	}
	return all
}

// frequencies returns how often the words occur among the passages that contain any of them.
func (m matches) frequencies() *passages.Frequencies {
	return &passages.Frequencies{Passages: max(len(m.found), slices.Max(append(m.holding, 0))) + 1, Holding: m.holding}
}

// best returns the n passages that are worth ranking: those whose words have the greatest weight, and of equals the
// newest.
func (m matches) best(f *passages.Frequencies, n int) []candidate {
	weigh := func(c candidate) (sum float64) {
		for words := c.words; words != 0; words &= words - 1 {
			sum += f.Weight(bits.TrailingZeros32(words))
		}
		return sum
	}
	known := map[uint32]float64{}
	byWeight := func(a, b candidate) int {
		return cmp.Or(cmp.Compare(known[b.words], known[a.words]), cmp.Compare(b.num, a.num))
	}
	var kept []candidate
	least := -1.0
	for _, c := range m.found {
		w, ok := known[c.words]
		if !ok {
			w = weigh(c)
			known[c.words] = w
		}
		if w <= least { // n newer passages have at least this weight
			continue
		}
		if kept = append(kept, c); len(kept) == 2*n {
			slices.SortFunc(kept, byWeight)
			kept = kept[:n]
			least = known[kept[n-1].words]
		}
	}
	slices.SortFunc(kept, byWeight)
	return kept[:min(len(kept), n)]
}
