package contextcache

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// run lets a Run make its pending calls, and end.
func run(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f(ctx); err != nil {
		t.Error(err)
	}
}

// audience counts what a Debouncer reports.
type audience struct {
	mu   sync.Mutex
	said map[string]int
	all  int
}

func (a *audience) debouncer(most int, rest time.Duration) *Debouncer[string] {
	a.said = make(map[string]int)
	return NewDebouncer(DebouncerOptions[string]{MaxPending: most, Interval: rest,
		Notify:    func(k string) { a.mu.Lock(); defer a.mu.Unlock(); a.said[k]++ },
		NotifyAll: func() { a.mu.Lock(); defer a.mu.Unlock(); a.all++ }})
}

func (a *audience) heard() (map[string]int, int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.said), a.all
}

func TestWhatIsToldOftenIsSaidSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a audience
		h := a.debouncer(10, 250*time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- h.Run(ctx) }()
		for range 100 { // within a second
			h.Add("ann")
			synctest.Wait()
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if said, all := a.heard(); said["ann"] != 5 || all != 0 {
			t.Errorf("said %v, and all %d times", said, all)
		}
		h.Add("bob") // immediately, after an idle period
		synctest.Wait()
		if said, _ := a.heard(); said["bob"] != 1 {
			t.Errorf("said %v", said)
		}
		h.Add("ann") // within the interval, which then elapses
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if said, _ := a.heard(); said["ann"] != 6 {
			t.Errorf("what waited at the end is lost: %v", said)
		}
	})
}

func TestMoreKeysThanMayWaitAreAllKeys(t *testing.T) {
	for most, keys := range map[string][]string{"": {"a", "b", "c", "a"}, "all": {"a", "b", "c", "d", "e"}} {
		var a audience
		h := a.debouncer(3, 0)
		for _, k := range keys {
			h.Add(k)
		}
		run(t, h.Run)
		said, all := a.heard()
		if (all == 1) != (most == "all") || all == 0 && !slices.Equal(slices.Sorted(maps.Keys(said)), []string{"a", "b", "c"}) || all > 0 && len(said) > 0 {
			t.Errorf("told %v: said %v, and all %d times", keys, said, all)
		}
		h.Flush()
		if again, allAgain := a.heard(); len(again) != len(said) || allAgain != all {
			t.Errorf("told %v: nothing waits, and %v is said", keys, again)
		}
		if h.Add("z"); len(h.pending) != 1 || h.all {
			t.Errorf("afterwards: %v waits, all %v", h.pending, h.all)
		}
	}
}

func TestWhatIsToldWhileItIsBeingSaidIsSaidAgain(t *testing.T) {
	times := 0
	var h *Debouncer[string]
	h = NewDebouncer(DebouncerOptions[string]{MaxPending: 1, Notify: func(k string) {
		if times++; times == 1 {
			h.Add(k)
		}
	}})
	h.Add("ann")
	run(t, h.Run)
	run(t, h.Run)
	if times != 2 {
		t.Errorf("said %d times", times)
	}
}
