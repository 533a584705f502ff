package metrics

import (
	"context"
	"sync"
	"testing"
	"time"

	"studysharper/app/memory/shm"
)

func openBoard(*testing.T) *Board { return NewBoard(shm.Local(BoardSize)) }

func TestTwoBoardsOnOneSectionAreTheSame(t *testing.T) {
	section := shm.Local(BoardSize)
	b, other := NewBoard(section), NewBoard(section)
	index, ok := b.Claim(1, 7)
	if !ok {
		t.Fatal("no page")
	}
	b.Worker(index).Add(Requests, 3)
	b.Worker(index).Set(Streams, 5)
	s := other.Snapshot()
	if len(s.Workers) != 1 || s.Total(Requests) != 3 || s.Sum(Streams) != 5 || s.Workers[0].Gauge(Generation) != 7 || s.Workers[0].State() != Booting {
		t.Errorf("the other board sees %+v", s)
	}
}

func TestBoardLendsEveryPageButNotOneMore(t *testing.T) {
	b := openBoard(t)
	for i := range MaxWorkers {
		if _, ok := b.Claim(i, 1); !ok {
			t.Fatalf("page %d of %d is not lent", i+1, MaxWorkers)
		}
	}
	if index, ok := b.Claim(0, 1); ok {
		t.Errorf("page %d is lent twice", index)
	}
	b.Retire(3)
	if index, ok := b.Claim(0, 2); !ok || index != 3 {
		t.Errorf("the page given back: got %d, %v", index, ok)
	}
}

func TestRetireKeepsCountersAndForgetsGauges(t *testing.T) {
	b := openBoard(t)
	index, _ := b.Claim(0, 1)
	b.Worker(index).Add(Requests, 10)
	b.Worker(index).Set(Streams, 4)
	b.Retire(index)
	s := b.Snapshot()
	if s.Total(Requests) != 10 || s.Sum(Streams) != 0 || len(s.Workers) != 0 {
		t.Errorf("got %d requests, %d streams, %d workers", s.Total(Requests), s.Sum(Streams), len(s.Workers))
	}
}

func TestCountersNeverFallWhileWorkersComeAndGo(t *testing.T) {
	b := openBoard(t)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for generation := 1; ; generation++ {
			select {
			case <-stop:
				return
			default:
			}
			index, _ := b.Claim(0, generation)
			b.Worker(index).Add(Requests, 5)
			b.Retire(index)
		}
	})
	var last uint64
	for range 20_000 {
		now := b.Snapshot().Total(Requests)
		if now < last {
			t.Errorf("the counter fell from %d to %d", last, now)
		}
		last = now
	}
	close(stop)
	wg.Wait()
	if last == 0 {
		t.Error("nothing was counted")
	}
}

func TestOldestIsTheSmallestTimeThatIsSet(t *testing.T) {
	b := openBoard(t)
	if got := b.Snapshot().Oldest(CacheOldest); got != 0 {
		t.Errorf("without workers: got %d", got)
	}
	for i, at := range []int64{0, 30, 20} {
		index, _ := b.Claim(i, 1)
		b.Worker(index).Set(CacheOldest, at)
	}
	if got := b.Snapshot().Oldest(CacheOldest); got != 20 {
		t.Errorf("got %d, want 20", got)
	}
}

func TestPublishTellsOfTheProcess(t *testing.T) {
	b := openBoard(t)
	index, _ := b.Claim(0, 1)
	ctx, cancel := context.WithCancel(context.Background())
	called := 0
	err := Publish(ctx, b.Worker(index), func() bool { return true }, func(*Entry) { called++; cancel() })
	r := b.Snapshot().Workers[0]
	if err != nil || called != 1 {
		t.Errorf("got %v after %d calls", err, called)
	}
	for name, got := range map[string]int64{"goroutines": r.Gauge(Goroutines), "heap": r.Gauge(HeapBytes), "resident": r.Gauge(RSSBytes)} {
		if got <= 0 {
			t.Errorf("%s: got %d", name, got)
		}
	}
	if silence := time.Duration(Monotonic() - r.Gauge(Heartbeat)); silence < 0 || silence > time.Minute {
		t.Errorf("the heartbeat is %v old", silence)
	}
}

func TestAProcessPublishesItsOwnCountsBesideThoseOfDepartedOnes(t *testing.T) {
	b := openBoard(t)
	index, _ := b.Claim(0, 1)
	b.Worker(index).Add(AllocatedBytes, 1<<40)
	b.Retire(index) // the supervisor's page has them now
	own := newFigures()
	own.publish(b.Supervisor())
	first := b.Snapshot()
	if n := first.Total(AllocatedBytes); n <= 1<<40 || n > 1<<41 {
		t.Errorf("%d bytes allocated", n)
	}
	for _, g := range []Gauge{HeapBytes, NextGC, Threads, Goroutines, RSSBytes} {
		if first.Own.Gauge(g) <= 0 {
			t.Errorf("gauge %d is %d", g, first.Own.Gauge(g))
		}
	}
	own.publish(b.Supervisor())
	if n := b.Snapshot().Total(AllocatedBytes) - first.Total(AllocatedBytes); n > 1<<30 {
		t.Errorf("a second publication adds %d bytes", n)
	}
	if first.Total(ProcessorTime) == 0 {
		t.Error("no processor time")
	}
}

func TestALookAtTheBoardMakesNoGarbageAndSeesWorkersComeAndGo(t *testing.T) {
	b := openBoard(t)
	var recent Recent
	look := func() int64 { return recent.Update(b).Sum(RunsActive) }
	var pages []int
	for n := range 3 {
		page, _ := b.Claim(n, 1)
		b.Worker(page).Set(RunsActive, 10)
		pages = append(pages, page)
		if got := look(); got != int64(10*len(pages)) {
			t.Errorf("%d workers: got %d runs", len(pages), got)
		}
	}
	b.Retire(pages[0])
	if got := look(); got != 20 {
		t.Errorf("after one has left: got %d runs, want 20", got)
	}
	if n := testing.AllocsPerRun(100, func() { look() }); n != 0 {
		t.Errorf("a look allocates %v times", n)
	}
}
