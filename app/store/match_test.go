package store

import (
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"testing"

	"studysharper/app/passages"
	"studysharper/app/study"
)

// TestFrequentWordsAreFoundTogether searches for words that are all too frequent to be read in full: 50 notes contain
// two of alpha, beta and gamma, and the two oldest contain all three.
func TestFrequentWordsAreFoundTogether(t *testing.T) {
	s := openFresh(t, Options{})
	for i := range 52 {
		words := []string{"alpha beta", "beta gamma", "gamma alpha"}[i%3]
		if i < 2 {
			words = "alpha beta gamma"
		}
		if i%5 == 1 {
			words += " rare"
		}
		if _, err := s.CreateNote(t.Context(), study.Note{UserID: "ada", Title: fmt.Sprint(i), Content: words}); err != nil {
			t.Fatal(err)
		}
	}
	within := matchBounds{entries: 60, first: 8, joint: 4, skipped: 100}
	for _, c := range []struct {
		search string
		every  bool
		bounds matchBounds
		want   []int // the number of words that the oldest and the second note are known to contain
	}{
		{"alpha beta gamma", false, within, []int{3, 3}},
		{"alpha beta gamma unheard", false, within, []int{3, 3}},
		{"alpha beta gamma rare", true, within, []int{3, 4}},
		{"alpha beta rare", false, within, []int{2, 3}},
		{"alpha beta", false, matchBounds{entries: 500, first: 8, joint: 4}, []int{2, 2}}, // read in full
		{"alpha", false, within, []int{1, 1}},
	} {
		m := matcher{sqlStore: s.sqlStore, user: "ada", words: passages.ParseQuery(c.search).Words, every: c.every, matchBounds: c.bounds}
		found, err := m.match(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := len(found.found)
		if n < 2 {
			t.Errorf("%s: %d passages", c.search, n)
			continue
		}
		got := []int{bits.OnesCount32(found.found[n-1].words), bits.OnesCount32(found.found[n-2].words)}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: the oldest notes hold %v of the words, want %v", c.search, got, c.want)
		}
	}
}

func TestTheBestCandidatesAreThoseWithTheRarestWords(t *testing.T) {
	var m matches
	m.holding = []int{3 * MaxRanked, 2}
	for n := int64(3 * MaxRanked); n > 0; n-- {
		c := candidate{num: n, words: 1}
		if n < 3 {
			c.words = 3
		}
		m.found = append(m.found, c)
	}
	best := m.best(m.frequencies(), MaxRanked)
	if len(best) != MaxRanked || best[0].num != 2 || best[1].num != 1 || best[2].num != 3*MaxRanked || best[MaxRanked-1].num != 2*MaxRanked+3 {
		t.Errorf("%d candidates: %v …", len(best), best[:3])
	}
}

func TestNotesThatWereFoundAreReadByTheirNumbers(t *testing.T) {
	s := openFresh(t, Options{})
	table, arg := s.picked([]int64{1, 2})
	var plan []string
	err := s.selectRows(t.Context(), func(r scanner) (bool, error) {
		var ignored int
		var step string
		err := r.Scan(&ignored, &ignored, &ignored, &step)
		plan = append(plan, step)
		return err == nil, err
	}, "EXPLAIN QUERY PLAN "+pickedNotes(table, noteColumns), arg, "ada", "")
	if err != nil || !slices.Contains(plan, "SEARCH notes USING INTEGER PRIMARY KEY (rowid=?)") {
		t.Errorf("the plan is %q, %v", plan, err)
	}
}
