package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
)

// disk is what a recorder writes to.
type disk struct {
	mu     sync.Mutex // guards the fields below: a synctest bubble alone does not satisfy the race detector
	broken bool
	sizes  []int // of each write, including failed ones
	kept   []study.Execution
}

func (d *disk) write(_ context.Context, entries []study.Execution) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sizes = append(d.sizes, len(entries))
	if d.broken {
		return errors.New("broken")
	}
	d.kept = append(d.kept, entries...)
	return nil
}

func (d *disk) breaks(broken bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = broken
}

// recording runs a test with a running recorder in a synctest bubble; stop ends the recorder.
func recording(t *testing.T, bound int, test func(t *testing.T, r *recorder, d *disk)) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		o, err := Options{ExecutionBuffer: bound}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		r := newRecorder(o, d.write)
		ctx, cancel := context.WithCancel(t.Context())
		go r.run(ctx)
		synctest.Wait()
		test(t, r, d)
		cancel()
	})
}

func record(r *recorder, n int) {
	for i := range n {
		r.add(study.Execution{RunID: fmt.Sprint(i)})
	}
	synctest.Wait()
}

func wantSizes(t *testing.T, d *disk, want ...int) {
	t.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if fmt.Sprint(d.sizes) != fmt.Sprint(want) {
		t.Errorf("writes of %v entries, want %v", d.sizes, want)
	}
}

func TestAnExecutionWaitsForFlushEvery(t *testing.T) {
	recording(t, 0, func(t *testing.T, r *recorder, d *disk) {
		record(r, 1)
		time.Sleep(249 * time.Millisecond)
		wantSizes(t, d)
		record(r, 62)
		time.Sleep(2 * time.Millisecond)
		wantSizes(t, d, 63)
		time.Sleep(time.Hour)
		wantSizes(t, d, 63)
	})
}

func TestAFullBatchOfExecutionsDoesNotWait(t *testing.T) {
	recording(t, 0, func(t *testing.T, r *recorder, d *disk) {
		record(r, flushAt-1)
		wantSizes(t, d)
		record(r, 1)
		wantSizes(t, d, flushAt)
	})
}

func TestWhatCannotBeWrittenIsTriedAgainWithinTheBound(t *testing.T) {
	const bound = flushAt + 36
	recording(t, bound, func(t *testing.T, r *recorder, d *disk) {
		d.breaks(true)
		record(r, flushAt)
		wantSizes(t, d, flushAt)
		record(r, 37) // one over the bound
		wantSizes(t, d, flushAt)
		time.Sleep(flushRetry)
		wantSizes(t, d, flushAt, bound)
		d.breaks(false)
		time.Sleep(flushRetry)
		wantSizes(t, d, flushAt, bound, bound)
		if len(d.kept) != bound || d.kept[0].RunID != "1" || d.kept[bound-1].RunID != "36" || r.lost() != 1 {
			t.Errorf("kept %d from %s to %s, lost %d", len(d.kept), d.kept[0].RunID, d.kept[len(d.kept)-1].RunID, r.lost())
		}
		record(r, flushAt)
		wantSizes(t, d, flushAt, bound, bound, flushAt)
	})
}

func TestABufferSmallerThanABatchIsWrittenWhenFull(t *testing.T) {
	recording(t, 2, func(t *testing.T, r *recorder, d *disk) {
		record(r, 1)
		wantSizes(t, d)
		record(r, 1)
		wantSizes(t, d, 2)
	})
}

func TestACloseWritesTheLastAndRefusesMore(t *testing.T) {
	d := &disk{}
	r := newRecorder(Options{ExecutionBuffer: 9}, d.write)
	r.add(study.Execution{})
	r.close()
	r.add(study.Execution{})
	r.close()
	if len(d.kept) != 1 || r.lost() != 1 {
		t.Errorf("kept %d, lost %d, want 1 and 1", len(d.kept), r.lost())
	}
}

func TestOldExecutionsGoAfterAMinuteAndThenHourly(t *testing.T) {
	s := openFresh(t, Options{})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var pruned []time.Duration
		begin := time.Now()
		go hourly(ctx, func() { pruned = append(pruned, time.Since(begin)) })
		time.Sleep(2*time.Hour + 2*time.Minute)
		cancel()
		synctest.Wait()
		if want := "[1m0s 1h1m0s 2h1m0s]"; fmt.Sprint(pruned) != want {
			t.Errorf("pruned at %v, want %s", pruned, want)
		}
	})
	young, old := time.Now().Add(-29*24*time.Hour), time.Now().Add(-31*24*time.Hour)
	s.RecordExecution(study.Execution{RunID: "young", CreatedAt: young})
	s.RecordExecution(study.Execution{RunID: "old", CreatedAt: old})
	s.runs.flushLast(t.Context())
	s.pruneOld(t.Context())
	if left, _, err := s.Failures(t.Context(), Page{Limit: 9}); err != nil || len(left) != 1 || left[0].RunID != "young" {
		t.Errorf("left %+v, %v", left, err)
	}
}
