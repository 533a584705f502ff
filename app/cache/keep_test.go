package cache

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// Values from another tier already have an age: they expire when they would have there, and OldestAge is right in
// whatever order they arrive.
func TestMemoryKeepsValuesOfAnyAgeInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := NewMemory(MemoryOptions{MaxItems: 100, MaxBytes: 1 << 20, TTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range rand.Perm(60) {
			m.SetAged(fmt.Sprint(at), nil, time.Duration(at)*time.Second)
			if i%7 == 0 {
				m.Clear(ctx, fmt.Sprint(at))
				m.SetAged(fmt.Sprint(at), nil, time.Duration(at)*time.Second)
			}
		}
		for i := range 60 {
			m.SetAged(fmt.Sprint(i), nil, time.Duration(i)*time.Second) // those that Clear removed together with others
		}
		m.SetAged("too old", nil, time.Minute)
		for left := 60; left > 0; left-- {
			s := m.Stats()
			if s.Items != left || s.OldestAge != 59*time.Second {
				t.Fatalf("with %d left: %d items, the oldest %v old", left, s.Items, s.OldestAge)
			}
			if _, age, ok := m.Get(ctx, "0"); !ok || age != time.Duration(60-left)*time.Second {
				t.Fatalf("the youngest is %v old, %v", age, ok)
			}
			time.Sleep(time.Second)
		}
		if s := m.Stats(); s.Items != 0 || s.Bytes != 0 {
			t.Errorf("%+v", s)
		}
	})
}
