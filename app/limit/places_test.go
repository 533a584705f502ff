package limit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"studysharper/app/memory/shm"
)

var testBounds = Bounds{Runs: 8, ClientRuns: 2, Streams: 12, ClientStreams: 5}

// holdings makes places; worker returns them as a worker's process has them.
func holdings(t *testing.T) (all *Holdings, worker func(owner int) *Holdings) {
	t.Helper()
	section := shm.Local(testBounds.Size())
	return NewHoldings(section, testBounds, 0), func(owner int) *Holdings { return NewHoldings(section, testBounds, owner) }
}

// fill takes as many places as a client gets.
func fill(p *Places, client string) (n int, places []Place, why error) {
	for ; n < 1000; n++ {
		place, err := p.Take(client)
		if err != nil {
			return n, places, err
		}
		places = append(places, place)
	}
	return n, places, nil
}

func TestAClientHoldsSoManyOverAllWorkersAndNoMore(t *testing.T) {
	_, worker := holdings(t)
	a, b := worker(1), worker(64)
	first, err := a.Runs.Take("ann")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Runs.Take("ann"); err != nil {
		t.Fatal(err)
	}
	for _, w := range []*Holdings{a, b} { // one too many
		if _, err := w.Runs.Take("ann"); !errors.Is(err, ErrClientFull) {
			t.Errorf("the third: %v", err)
		}
	}
	if n, _, err := fill(b.Runs, "bob"); n != testBounds.ClientRuns || !errors.Is(err, ErrClientFull) {
		t.Errorf("another client gets %d: %v", n, err)
	}
	if n, _, err := fill(b.Streams, "ann"); n != testBounds.ClientStreams || !errors.Is(err, ErrClientFull) {
		t.Errorf("streams are others than runs: %d, %v", n, err)
	}
	a.Runs.Release(first)
	if n, _, _ := fill(b.Runs, "ann"); n != 1 {
		t.Errorf("after one was given back: %d more", n)
	}
}

func TestWithoutAPlaceLeftEveryoneIsToldThatItIsFull(t *testing.T) {
	_, worker := holdings(t)
	p := worker(1).Runs
	for i := range testBounds.Runs {
		if _, err := p.Take(fmt.Sprint("client ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Take("one more"); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
}

func TestAWorkersPlacesGoWithItAndNoOther(t *testing.T) {
	all, worker := holdings(t)
	dead, stays := worker(1), worker(2)
	_, _, _ = fill(dead.Streams, "ann")
	_, _, _ = fill(dead.Runs, "ann")
	if _, err := stays.Streams.Take("bob"); err != nil {
		t.Fatal(err)
	}
	all.Forget(1)
	if n, _, _ := fill(stays.Streams, "ann"); n != testBounds.ClientStreams {
		t.Errorf("the dead worker's client gets %d streams", n)
	}
	if n, _, _ := fill(stays.Runs, "ann"); n != testBounds.ClientRuns {
		t.Errorf("and %d runs", n)
	}
	if n, _, _ := fill(stays.Streams, "bob"); n != testBounds.ClientStreams-1 {
		t.Errorf("who was on the other worker gets %d more", n)
	}
}

func TestAStreamThatIsHandedOverCountsOnce(t *testing.T) {
	_, worker := holdings(t)
	old, next := worker(1), worker(2)
	_, places, _ := fill(old.Streams, "ann")
	for _, place := range places { // as the hub does: handed over first, then released here
		key := old.Streams.Key(place)
		old.Streams.Release(place)
		if next.Streams.Add(key) == 0 {
			t.Fatal("the successor has no place for it")
		}
	}
	if _, err := next.Streams.Take("ann"); !errors.Is(err, ErrClientFull) {
		t.Errorf("one more than the client may: %v", err)
	}
	if n, _, _ := fill(next.Streams, "bob"); n != testBounds.ClientStreams {
		t.Errorf("another client gets %d", n)
	}
	if next.Streams.Add(0) != 0 || old.Streams.Key(0) != 0 {
		t.Error("a stream that was not counted is")
	}
	next.Streams.Release(0) // has no effect
}

func TestWithoutPlacesNothingIsCounted(t *testing.T) {
	var none *Places
	place, err := none.Take("ann")
	none.Release(place)
	if place != 0 || err != nil || none.Key(1) != 0 || none.Add(1) != 0 {
		t.Errorf("got %d, %v", place, err)
	}
}

func TestManyAtOnceNeverHoldMoreThanTheyMay(t *testing.T) {
	_, worker := holdings(t)
	a, b := worker(1), worker(2)
	var held, most atomic.Int64
	var all sync.WaitGroup
	for i := range 16 {
		p := []*Places{a.Streams, b.Streams}[i%2]
		all.Go(func() {
			for range 2000 {
				place, err := p.Take("ann")
				if err != nil {
					continue
				}
				n := held.Add(1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
				held.Add(-1)
				p.Release(place)
			}
		})
	}
	all.Wait()
	if most.Load() > int64(testBounds.ClientStreams) || most.Load() == 0 {
		t.Errorf("%d at once", most.Load())
	}
	if n, _, _ := fill(a.Streams, "ann"); n != testBounds.ClientStreams {
		t.Errorf("afterwards the client gets %d", n)
	}
}

// holds takes as many places as it gets, prints the number, and waits to be killed.
func holds() int {
	section, err := attach(testBounds.Size())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	h := NewHoldings(section, testBounds, 1)
	n, _, _ := fill(h.Streams, "ann")
	fmt.Println(n)
	select {}
}

func TestAnotherProcessesPlacesAreSeenAndOutliveNotTheirOwner(t *testing.T) {
	section, shared := share(t, testBounds.Size())
	all := NewHoldings(section, testBounds, 0)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"=holds")
	cmd.ExtraFiles = []*os.File{shared}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var n int
	if _, err := fmt.Fscan(out, &n); err != nil || n != testBounds.ClientStreams {
		t.Fatalf("the process holds %d, %v", n, err)
	}
	p := NewHoldings(section, testBounds, 2).Streams
	if _, err := p.Take("ann"); !errors.Is(err, ErrClientFull) {
		t.Errorf("what the other process holds is not seen: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	all.Forget(1)
	if n, _, _ := fill(p, "ann"); n != testBounds.ClientStreams {
		t.Errorf("after its end: %d", n)
	}
}

func TestNothingOfAClientsNameIsKept(t *testing.T) {
	section := shm.Local(testBounds.Size())
	_, _ = NewHoldings(section, testBounds, 1).Streams.Take("user SECRET")
	if strings.Contains(string(section.Bytes()), "SECRET") {
		t.Error("the name is in shared memory")
	}
}
