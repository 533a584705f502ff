package store

import (
	"context"

	"studysharper/app/passages"
)

// matches are the passages found for the words of a search.
type matches struct {
	words [][]int64 // for each word, the newest passages that contain it
	all   []int64   // the newest passages that contain all words
}

// match finds the passages that contain the words of a query.
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

// notesWithAll returns the notes that contain all words, possibly in different passages.
func (m matches) notesWithAll() map[int64]bool {
	holding := map[int64]int{} // note → how many of the words so far it contains
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

// frequencies returns how many passages contain each word. A word whose list was cut off at MaxRanked counts as if nearly
// all passages contained it.
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

// best returns the passages worth ranking: those with the rarest words first, and the newest of these.
func (m matches) best(f *passages.Frequencies) []int64 {
	weights := map[int64]float64{}
	for i, nums := range m.words {
		for _, n := range nums {
			weights[n] += f.Weight(i)
		}
	}
	for _, n := range m.all {
		weights[n] = 1e9 // above all others: the list of a very frequent word may have ended before this passage
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
