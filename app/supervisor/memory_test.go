package supervisor

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/memory"
)

const (
	testLimit = 100
	testShare = 120
)

// openLimited opens a house with one slot whose workers have a memory limit; anonymous returns each process's memory.
func openLimited(t *testing.T, anonymous func(pid int) int64) *house {
	t.Helper()
	return openWith(t, 1, &fakes{script: (*fake).ready}, func(o *Options) {
		o.Limits.MaxMemory, o.Limits.MemoryShare = testLimit, testShare
		o.Memory = func(pid int) (memory.Process, error) {
			return memory.Process{Resident: 1000, Anonymous: anonymous(pid)}, nil
		}
	})
}

// boots returns the number of workers started so far.
func (h *house) boots() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pids
}

func TestWorkersAboveTheirMemoryFromTheStartAreNoBootLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openLimited(t, func(int) int64 { return 10 * testShare })
		for _, tt := range []struct {
			until time.Duration
			most  int
		}{{5 * time.Second, 6}, {10 * time.Minute, 13}, {24 * time.Hour, 160}} {
			time.Sleep(tt.until)
			synctest.Wait()
			if n := h.boots(); n > tt.most || n < 4 || h.count() != 1 {
				t.Errorf("%v later: %d workers started, want 4 to %d; %d alive", tt.until, n, tt.most, h.count())
			}
		}
		if err := h.stop(); err != nil || !strings.Contains(h.log.String(), "MAX_WORKER_MEMORY_MB") {
			t.Errorf("%v; the log says %.1000s", err, h.log.String())
		}
	})
}

// Each worker is within its limit when it becomes ready, and above it a second later.
func TestWorkersThatGrowAreReplacedAtOnceOnlyWhereTheyEndangerOthers(t *testing.T) {
	for name, tt := range map[string]struct {
		grown       int64
		least, most int
	}{
		"above the limit":          {testShare, 5, 13},
		"above the share, too":     {testShare + 1, 100, 1000},
		"at the limit and no more": {testLimit, 1, 1},
		"one byte above it":        {testLimit + 1, 5, 13},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var newest atomic.Int64
				born := map[int]time.Time{}
				h := openLimited(t, func(pid int) int64 { // called only by the supervisor's loop
					if _, ok := born[pid]; !ok {
						born[pid] = time.Now()
						newest.Store(int64(pid))
					}
					if time.Since(born[pid]) < time.Second {
						return testLimit
					}
					return tt.grown
				})
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if n := h.boots(); n < tt.least || n > tt.most {
					t.Errorf("%d workers started within ten minutes, want %d to %d", n, tt.least, tt.most)
				}
				if err := h.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestMemoryPauseDoublesUpToItsBoundAndStartsOver(t *testing.T) {
	for outgrown, want := range []time.Duration{0, 0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		if got := MemoryPause(outgrown); got != want {
			t.Errorf("after %d: %v, want %v", outgrown, got, want)
		}
	}
	if got := MemoryPause(1 << 30); got != memoryPauseMost {
		t.Errorf("after very many: %v", got)
	}
	l := DefaultLimits()
	s := Slot{Outgrown: 3}
	s.outgrownBy(Worker{Started: noon}, l, at(2*time.Second+l.HealthyAfter))
	if s.Outgrown != 4 {
		t.Errorf("one that kept within it for as long as it had to, and a minute: %d in a row", s.Outgrown)
	}
	s.outgrownBy(Worker{Started: noon}, l, at(4*time.Second+l.HealthyAfter+1))
	if s.Outgrown != 1 {
		t.Errorf("one that kept within it for longer: %d in a row", s.Outgrown)
	}
}
