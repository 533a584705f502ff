package text

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// observed collects the panics that Guard recovers from during the test.
func observed(t *testing.T) *[]Panic {
	t.Helper()
	var list []Panic
	ObservePanics(func(p Panic) { list = append(list, p) })
	t.Cleanup(func() { ObservePanics(nil) })
	return &list
}

func TestGuardTellsTypeAndPlaceOfAPanicAndNothingOfTheText(t *testing.T) {
	const secret = "the student's text"
	for _, c := range []struct {
		kind string
		read func()
	}{
		{"runtime.boundsError", func() { _ = []int{}[strings.Index(secret, "?")] }},
		{"string", func() { panic(secret) }},
		{"*errors.errorString", func() { panic(errors.New(secret)) }},
		{"*runtime.TypeAssertionError", func() { _ = any(secret).(int) }},
	} {
		list := observed(t)
		if Guard(c.read) {
			t.Errorf("%s: it is said to have returned", c.kind)
		}
		if len(*list) != 1 || (*list)[0].Type != c.kind ||
			!strings.Contains((*list)[0].Place, "text.TestGuardTells") || !strings.Contains((*list)[0].Place, "guard_test.go:") || strings.Contains((*list)[0].Type+(*list)[0].Place, secret) {
			t.Errorf("%s: %+v", c.kind, *list)
		}
	}
	ObservePanics(nil)
	if Guard(func() { panic(secret) }) || !Guard(func() {}) {
		t.Error("without an observer it guards wrongly")
	}
}

func TestGuardEachLeavesOutOnlyWhatPanics(t *testing.T) {
	list := observed(t)
	var read []int
	guardEach(6, func(i int) {
		if i == 0 || i == 3 || i == 5 {
			panic("bad")
		}
		read = append(read, i)
	})
	if !slices.Equal(read, []int{1, 2, 4}) || len(*list) != 3 {
		t.Errorf("read %v, %d panics", read, len(*list))
	}
}

func TestAWordThatPanicsIsLeftOut(t *testing.T) {
	list := observed(t)
	var words []string
	EachWord("Blue whales 光合作 eat krill", func(w string) {
		if w == "whales" || w == "krill" || w == "光合" {
			panic(w)
		}
		words = append(words, w)
	})
	if !slices.Equal(words, []string{"blue", "合作", "eat"}) || len(*list) != 3 {
		t.Errorf("read %q, panics %+v", words, *list)
	}
}
