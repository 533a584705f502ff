package store

import (
	"cmp"
	"context"
	"math"
	"slices"

	"studysharper/app/passages"
)

// matchBounds limit how much of the index a search reads. Reading an entry takes about 0.3 µs, skipping one 0.1 µs.
type matchBounds struct {
	entries int // entries read, for all words
	first   int // entries read for one word before it is known to be rare
	joint   int // queries for passages that contain several frequent words
	skipped int // at most this many entries of a frequent word are looked up among the passages with rare words
}

var searchBounds = matchBounds{entries: 16_000, first: 1_000, joint: 4, skipped: 15_000}

// postings are passages that contain words, newest first.
type postings struct {
	nums  []int64
	words uint32 // one bit per word of the query
}

// maxJointly is how many frequent words, the rarest of them, are searched for in combination.
const maxJointly = 6

// A matcher finds the passages for the words of a query. How much it reads is bounded, however many notes there are:
// the lists of rare words are read in full, since they determine which passages can be the best; frequent words are
// only looked up in combination with others.
type matcher struct {
	*sqlStore
	user  string
	words []passages.Word
	every bool // always find the passages that contain every word
	matchBounds

	lists    []postings // one per word, then those of combinations
	frequent []int      // words whose list is incomplete, the rarest first
	holding  []float64
}

// match finds the passages that contain the words of a query. With every, the passages that contain all of them are
// always found, however frequent the words are.
func (s *sqlStore) match(ctx context.Context, userID string, q passages.Query, every bool) (matches, error) {
	m := matcher{sqlStore: s, user: userID, words: q.Words, every: every, matchBounds: searchBounds}
	return m.match(ctx)
}

func (m *matcher) match(ctx context.Context) (matches, error) {
	for _, step := range []func(context.Context) error{m.readNewest, m.readRare, m.readJoint} {
		if err := step(ctx); err != nil {
			return matches{}, err
		}
	}
	found := matches{found: mergePostings(m.lists)}
	for _, n := range m.holding {
		found.holding = append(found.holding, int(n))
	}
	return found, nil
}

// numbers returns the newest passages before a number that contain a word of each group.
func (m *matcher) numbers(ctx context.Context, before int64, limit int, groups ...[]passages.Word) ([]int64, error) {
	query, args := m.engine.matching(m.user, groups, before, limit)
	var nums []int64
	err := m.selectRows(ctx, func(r scanner) (bool, error) {
		var n int64
		err := r.Scan(&n)
		nums = append(nums, n)
		return err == nil, err
	}, query, args...)
	return nums, err
}

// group returns the query's words with these indices.
func (m *matcher) group(words ...int) []passages.Word {
	list := make([]passages.Word, len(words))
	for i, w := range words {
		list[i] = m.words[w]
	}
	return list
}

// readNewest reads the newest passages of each word.
func (m *matcher) readNewest(ctx context.Context) error {
	limit := min(m.first, m.entries/max(len(m.words), 1))
	for i := range m.words {
		nums, err := m.numbers(ctx, math.MaxInt64, limit, m.group(i))
		if err != nil {
			return err
		}
		m.entries -= len(nums)
		m.lists = append(m.lists, postings{nums, 1 << i})
		m.holding = append(m.holding, float64(len(nums)))
		if len(nums) == limit {
			m.frequent = append(m.frequent, i)
		}
	}
	return nil
}

// readRare estimates how many passages contain each word whose list is incomplete, and completes the lists of those
// that are rare enough.
func (m *matcher) readRare(ctx context.Context) error {
	if len(m.frequent) == 0 {
		return nil
	}
	const first = "SELECT num FROM notes WHERE user_id = $1 ORDER BY id LIMIT 1"
	oldest, err := one(ctx, m.sqlStore, func(r scanner, n *int64) (mark, error) { return mark{}, r.Scan(n) }, first, m.user)
	if err != nil {
		return err
	}
	newest := int64(0)
	for _, l := range m.lists {
		if len(l.nums) > 0 {
			newest = max(newest, l.nums[0])
		}
	}
	for _, i := range m.frequent {
		nums := m.lists[i].nums
		m.holding[i] *= float64(newest-oldest*maxPassages+1) / float64(newest-nums[len(nums)-1]+1)
	}
	slices.SortStableFunc(m.frequent, func(a, b int) int { return cmp.Compare(m.holding[a], m.holding[b]) })
	for len(m.frequent) > 0 {
		i := m.frequent[0]
		list := &m.lists[i]
		if m.holding[i] > float64(m.entries+len(list.nums)) {
			return nil
		}
		more, err := m.numbers(ctx, list.nums[len(list.nums)-1], m.entries, m.group(i))
		if err != nil {
			return err
		}
		list.nums = append(list.nums, more...)
		if len(more) == m.entries { // there may be more than estimated
			m.entries = 0
			return nil
		}
		m.entries -= len(more)
		m.holding[i] = float64(len(list.nums))
		m.frequent = m.frequent[1:]
	}
	return nil
}

// readJoint finds the passages that contain frequent words in combination with others.
func (m *matcher) readJoint(ctx context.Context) error {
	if len(m.frequent) == 0 || len(m.words) == 1 {
		return nil
	}
	var rare, all []int
	for i := range m.words {
		all = append(all, i)
		if len(m.lists[i].nums) > 0 && !slices.Contains(m.frequent, i) {
			rare = append(rare, i)
		}
	}
	if m.every || len(rare) == 0 {
		if _, err := m.join(ctx, all); err != nil {
			return err
		}
	}
	queries := m.joint
	if len(rare) > 0 {
		for _, i := range m.frequent[:min(len(m.frequent), m.joint/2)] {
			if m.holding[i] > float64(m.skipped) {
				break
			}
			nums, err := m.numbers(ctx, math.MaxInt64, searchBounds.entries, m.group(rare...), m.group(i))
			if err != nil {
				return err
			}
			m.lists = append(m.lists, postings{nums, 1 << i})
			queries--
		}
	}
	found := 0
	for _, words := range jointly(m.frequent[:min(len(m.frequent), maxJointly)]) {
		if queries == 0 || found >= MaxRanked {
			return nil
		}
		if len(words) == len(m.words) {
			continue // already read above
		}
		n, err := m.join(ctx, words)
		if err != nil {
			return err
		}
		found += n
		queries--
	}
	return nil
}

// join finds the newest passages that contain all of the words.
func (m *matcher) join(ctx context.Context, words []int) (n int, err error) {
	var groups [][]passages.Word
	set := uint32(0)
	for _, i := range words {
		groups = append(groups, m.group(i))
		set |= 1 << i
	}
	nums, err := m.numbers(ctx, math.MaxInt64, MaxRanked, groups...)
	m.lists = append(m.lists, postings{nums, set})
	return len(nums), err
}

// jointly lists the combinations of words to search for, given the words in order of rarity: all of them, all but one,
// and then ever fewer of the rarest.
func jointly(words []int) (sets [][]int) {
	if len(words) > 1 {
		sets = append(sets, words)
	}
	for i := len(words) - 1; i >= 0 && len(words) > 2; i-- {
		sets = append(sets, slices.Delete(slices.Clone(words), i, i+1))
	}
	for n := len(words) - 2; n >= 2; n-- {
		sets = append(sets, words[:n])
	}
	return sets
}
