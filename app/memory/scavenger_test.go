package memory

import (
	"slices"
	"testing"
)

func TestMemoryIsGivenBackWhenAFloodIsOverAndOnlyThen(t *testing.T) {
	for _, c := range []struct {
		name   string
		levels []int64
		want   []int // the calls of Update that return memory
	}{
		{"a quiet start", slices.Repeat([]int64{0}, 90), []int{2, 24, 49}},
		{"a rise", append([]int64{0, 5000, 10000, 10010, 10000}, slices.Repeat([]int64{10000}, 90)...), []int{5, 27, 52}},
		{"a small rise after the start", []int64{0, 0, 0, 255, 255, 255, 255}, []int{2}},
		{"just a flood", []int64{0, 256, 256, 256, 256, 256, 256}, []int{4}},
		{"a fall", []int64{0, 9000, 9000, 9000, 9000, 0, 0, 0, 0, 0}, []int{4, 8}},
		{"up and down", []int64{0, 900, 0, 900, 0, 900, 0, 900, 0}, nil},
	} {
		var ti HeapTrimmer
		var got []int
		for i, level := range c.levels {
			if ti.over(Load{Streams: level}) {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: given back at %v, want %v", c.name, got, c.want)
		}
	}
}

func TestMemoryIsGivenBackWhenAFloodOfRequestsIsOver(t *testing.T) {
	for _, c := range []struct {
		name     string
		answered []int64
		want     []int
	}{
		{"none", []int64{0, 0, 0, 0, 0, 0}, []int{2}},
		{"too few for a flood", []int64{0, 0, 0, 255, 255, 255, 255, 255}, []int{2}},
		{"just a flood", []int64{0, 256, 256, 256, 256, 256}, []int{4}},
		{"one that came and went between two looks", append([]int64{0, 4000}, slices.Repeat([]int64{4000}, 90)...), []int{4, 26, 51}},
		{"one that continues", []int64{0, 1000, 2000, 3000, 4000, 5000, 6000}, nil},
		{"a trickle behind it", []int64{0, 1000, 1010, 1020, 1030, 1040}, []int{4}},
		{"just more than a trickle behind it", []int64{0, 1000, 1011, 1022, 1033, 1044}, nil},
		{"two", []int64{0, 1000, 1000, 1000, 1000, 2000, 2000, 2000, 2000}, []int{4, 8}},
	} {
		var ti HeapTrimmer
		var got []int
		for i, n := range c.answered {
			if ti.over(Load{Answered: n}) {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: given back at %v, want %v", c.name, got, c.want)
		}
	}
}

func TestHeartbeatsAreNoFlood(t *testing.T) {
	var ti HeapTrimmer
	var got []int
	for i := range 1000 {
		if ti.over(Load{Answered: int64(2 * i), Beats: 2}) {
			got = append(got, i)
		}
	}
	if want := []int{2, 24, 49}; !slices.Equal(got, want) {
		t.Errorf("given back at %v, want %v", got, want)
	}
}
