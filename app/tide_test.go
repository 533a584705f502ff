package main

import (
	"slices"
	"testing"
)

func TestMemoryIsGivenBackWhenAFloodIsOverAndOnlyThen(t *testing.T) {
	for _, c := range []struct {
		name   string
		levels []int64
		want   []int // the looks at which it is
	}{
		{"quiet", []int64{0, 0, 0, 0, 0, 0}, nil},
		{"a rise", append([]int64{0, 5000, 10000, 10010, 10000}, slices.Repeat([]int64{10000}, 30)...), []int{5, 17}},
		{"a small rise", []int64{0, 255, 255, 255, 255, 255, 255}, nil},
		{"just a flood", []int64{0, 256, 256, 256, 256, 256, 256}, []int{4}},
		{"a fall", []int64{0, 9000, 9000, 9000, 9000, 0, 0, 0, 0, 0}, []int{4, 8}},
		{"up and down", []int64{0, 900, 0, 900, 0, 900, 0, 900, 0}, nil},
	} {
		var ti tide
		var got []int
		for i, level := range c.levels {
			if ti.over(level) {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: given back at %v, want %v", c.name, got, c.want)
		}
	}
}
