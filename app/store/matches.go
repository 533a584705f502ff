package store

import (
	"context"

	"studysharper/app/passages"
)

// Matches of a search.
type matches struct {
	words [][]int64 // for each word the newest passages that hold it
	all   []int64   // the newest passages that hold all words
}

// match finds the passages that hold the words of a query.
func (s *sqlStore) match(ctx context.Context, userID string, q passages.Query) (m matches, err error) {
	numbers := func(words ...passages.Word) ([]int64, error) {
		query, args := s.engine.matching(userID, words, MaxRanked)
		var nums []int64
		err := s.selectRows(ctx, func(r scanner) (bool, error) {
			var n int64
			err := r.Scan(&n)
			nums = append(nums, n)
			return err == nil, err
		}, query, args...)
		return nums, err
	}
	for _, w := range q.Words {
		nums, err := numbers(w)
		if err != nil {
			return m, err
		}
		m.words = append(m.words, nums)
	}
	if len(q.Words) > 1 {
		m.all, err = numbers(q.Words...)
	}
	return m, err
}

// notesWithAll returns the notes that hold each word, be it in different passages.
func (m matches) notesWithAll() map[int64]bool {
	holding := map[int64]int{} // the words before
	for i, nums := range m.words {
		for _, n := range nums {
			if note := n / maxPassages; holding[note] == i {
				holding[note]++
			}
		}
	}
	all := map[int64]bool{}
	for note, n := range holding {
		if n == len(m.words) {
			all[note] = true
		}
	}
	for _, n := range m.all {
		all[n/maxPassages] = true
	}
	return all
}

// frequencies are those of the words. A word that too many passages hold counts as held by all of them.
func (m matches) frequencies() *passages.Frequencies {
	f := &passages.Frequencies{Holding: make([]int, len(m.words))}
	seen := map[int64]bool{}
	for i, nums := range m.words {
		f.Holding[i] = len(nums)
		for _, n := range nums {
			seen[n] = true
		}
	}
	f.Passages = len(seen) + 1
	return f
}

// best returns the passages that are worth ranking: those with the rarest words, and of those the newest.
func (m matches) best(f *passages.Frequencies) []int64 {
	weights := map[int64]float64{}
	for i, nums := range m.words {
		for _, n := range nums {
			weights[n] += f.Weight(i)
		}
	}
	for _, n := range m.all {
		weights[n] = 1e9 // some words may be so frequent that their own list ended before
	}
	list := make([]hit, 0, len(weights))
	for n, w := range weights {
		list = append(list, hit{n, w})
	}
	sortHits(list)
	nums := make([]int64, min(len(list), MaxRanked))
	for i := range nums {
		nums[i] = list[i].num
	}
	return nums
}
