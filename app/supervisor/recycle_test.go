package supervisor

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"studysharper/app/memory"
	"studysharper/app/metrics"
)

// answer makes a process answer requests, and report when it has reached its quota.
func (p *fake) answer(n uint64) {
	page := p.all.board.Worker(p.page)
	if total := page.Add(metrics.Requests, n); total >= uint64(page.Gauge(metrics.Quota)) {
		p.all.notices <- Notice{PID: p.pid, Message: Message{Kind: KindQuotaReached}}
	}
}

func TestAWorkerAtItsQuotaIsReplacedWithoutAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 2, (*fake).ready)
		began := time.Now()
		for pid := 1; pid <= 50; pid++ {
			h.process(pid).answer(1000)
			synctest.Wait()
			if h.process(pid) != nil || h.process(pid+2) == nil {
				t.Fatalf("recycle %d: alive %v", pid, h.live)
			}
		}
		if time.Since(began) > 0 || len(h.live) != 2 {
			t.Errorf("%v, %d workers", time.Since(began), len(h.live))
		}
		s := h.board.Snapshot()
		if s.Total(metrics.RecycledRequests) != 50 || s.Total(metrics.RecycledCrash) != 0 || s.Total(metrics.Requests) != 50_000 {
			t.Errorf("%d recycles, %d crashes, %d requests", s.Total(metrics.RecycledRequests), s.Total(metrics.RecycledCrash), s.Total(metrics.Requests))
		}
		if !strings.Contains(h.log.String(), "Worker recycling (pid: 1) reason=max_requests") {
			t.Error("the log does not say why")
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheOldWorkerServesUntilItsSuccessorIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 1, (*fake).ready)
		h.then(func(*fake) {}) // never gets ready
		h.process(1).answer(1000)
		time.Sleep(DefaultLimits().BootTimeout - time.Second)
		synctest.Wait()
		if h.process(1) == nil || h.process(2) == nil || len(h.process(1).messages) > 0 {
			t.Errorf("alive %v, told %v", h.live, h.process(1).messages)
		}
		h.then((*fake).ready)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if h.process(1) != nil || h.process(2) != nil || h.process(3) == nil {
			t.Errorf("after the boot's time: alive %v", h.live)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestHUPReplacesEveryWorkerOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 3, (*fake).ready)
		h.signals <- syscall.SIGHUP
		synctest.Wait()
		for pid := 1; pid <= 3; pid++ {
			if h.process(pid) != nil || h.process(pid+3) == nil {
				t.Errorf("alive %v", h.live)
			}
		}
		if got := h.board.Snapshot().Total(metrics.RecycledReload); got != 3 {
			t.Errorf("%d reloads counted", got)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestTTINAndTTOUChangeTheNumberOfWorkersWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 2, (*fake).ready)
		for _, tt := range []struct {
			signal os.Signal
			want   int
		}{
			{syscall.SIGTTIN, 3}, {syscall.SIGTTIN, 3}, {syscall.SIGTTOU, 2}, {syscall.SIGTTOU, 1}, {syscall.SIGTTOU, 1}, {syscall.SIGTTIN, 2},
		} {
			h.signals <- tt.signal
			synctest.Wait()
			if n := h.count(); n != tt.want {
				t.Errorf("after %v: %d workers, want %d", tt.signal, n, tt.want)
			}
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestThereAreNeverMoreThanTwoWorkersASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 2, func(p *fake) { p.hangs = true; p.ready() }) // they drain for ever
		for range 20 {
			h.each(func(p *fake) { go p.answer(1000) })
			synctest.Wait()
			if n := h.count(); n > 4 {
				t.Fatalf("%d workers alive", n)
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

// pipe returns a descriptor to hand over, and a function that reports whether any process still has it open.
func pipe(t *testing.T) (fd int, held func() bool) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fds[0]) })
	return fds[1], func() bool {
		var b [1]byte
		n, err := unix.Read(fds[0], b[:])
		return n != 0 || err != nil // 0: the last writer has closed
	}
}

func TestAConnectionGoesToTheSuccessorOfItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 2, (*fake).ready)
		slot1 := h.slotOf(1)
		fd, held := pipe(t)
		h.notices <- Notice{PID: 4711, Message: Message{Kind: KindConn, Slot: 1, Stream: json.RawMessage(`{"at":"p"}`), Conn: fd}}
		synctest.Wait()
		if len(slot1.messages) != 1 || string(slot1.messages[0].Stream) != `{"at":"p"}` || held() {
			t.Errorf("got %+v; still held here: %v", slot1.messages, held())
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestThePolicyIsNotAskedForEachConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		h := openWith(t, 1, &fakes{script: (*fake).ready}, func(o *Options) {
			o.Memory = func(int) (memory.Process, error) { looks++; return memory.Process{}, nil }
		})
		synctest.Wait()
		before := looks
		for range 1000 {
			h.notices <- Notice{PID: 1, Message: Message{Kind: KindConn}}
		}
		synctest.Wait()
		if got := len(h.process(1).messages); got != 1000 || looks != before {
			t.Errorf("%d connections are passed on, and %d times a worker's memory is read", got, looks-before)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAConnectionWaitsForAWorkerAndIsClosedAtTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 1, func(*fake) {})
		first, heldFirst := pipe(t)
		h.notices <- Notice{PID: 1, Message: Message{Kind: KindConn, Conn: first}}
		synctest.Wait()
		if !heldFirst() {
			t.Error("a connection was dropped while a worker boots")
		}
		h.process(1).ready()
		synctest.Wait()
		if got := h.process(1).messages; len(got) != 1 || heldFirst() {
			t.Errorf("got %v", got)
		}
		h.each(func(p *fake) { p.deaf = errors.New("full") })
		second, heldSecond := pipe(t)
		h.notices <- Notice{PID: 1, Message: Message{Kind: KindConn, Conn: second}}
		synctest.Wait()
		if err := h.stop(); err != nil || heldSecond() {
			t.Errorf("after the stop: %v, held %v", err, heldSecond())
		}
	})
}

func TestTheSupervisorHoldsNoMoreConnectionsThanItHasDescriptorsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openWith(t, 1, &fakes{script: func(*fake) {}}, func(o *Options) { o.MaxHeld = 2 })
		var held [3]func() bool
		for i := range held {
			fd, still := pipe(t)
			held[i] = still
			h.notices <- Notice{PID: 1, Message: Message{Kind: KindConn, Conn: fd}}
		}
		synctest.Wait()
		if !held[0]() || !held[1]() || held[2]() {
			t.Errorf("held: %v, %v, %v", held[0](), held[1](), held[2]())
		}
		if n := h.board.Snapshot().Total(metrics.HandOversLost); n != 1 {
			t.Errorf("%d are counted as lost", n)
		}
		h.process(1).ready()
		synctest.Wait()
		if got := len(h.process(1).messages); got != 2 {
			t.Errorf("%d are passed on", got)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheEndOfAWorkerIsToldBeforeItsPageIsAnothers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gone []int
		h := openWith(t, 1, &fakes{script: (*fake).ready}, func(o *Options) {
			board := o.Board
			o.Gone = func(page int) {
				if metrics.State(board.Worker(page).Gauge(metrics.StateOf)) == metrics.Absent {
					t.Error("the page is free already")
				}
				gone = append(gone, page)
			}
		})
		first := h.process(1).page
		h.process(1).exit(syscall.WaitStatus(syscall.SIGKILL))
		synctest.Wait()
		if len(gone) != 1 || gone[0] != first {
			t.Errorf("after a crash: %v, want page %d", gone, first)
		}
		h.signals <- syscall.SIGHUP
		synctest.Wait()
		if len(gone) != 2 {
			t.Errorf("after a recycle, too: %v", gone)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

func (h *house) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.live)
}

// slotOf returns the live process of a slot.
func (h *house) slotOf(slot int) *fake {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.live {
		if h.board.Worker(p.page).Gauge(metrics.Slot) == int64(slot) {
			return p
		}
	}
	return nil
}

// The supervisor is delayed where it starts a process, the only place where a test can delay it.
func TestNoWorkerIsKilledForABreakOfTheSupervisors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, 2, (*fake).ready)
		const pause = time.Hour
		h.then(func(p *fake) {
			time.Sleep(pause)
			p.ready()
		})
		h.process(2).exit(syscall.WaitStatus(syscall.SIGKILL))
		time.Sleep(pause / 2)
		h.silence.Store(int64(pause))
		time.Sleep(pause/2 + 2*lookEvery)
		synctest.Wait()
		if h.process(1) == nil || h.process(3) == nil {
			t.Error("a worker that did nothing wrong is gone")
		}
		h.then((*fake).ready)
		time.Sleep(DefaultLimits().Silence)
		synctest.Wait()
		if h.process(1) != nil {
			t.Error("a worker that stays silent after it stays alive")
		}
		if err := h.stop(); err != nil || !strings.Contains(h.log.String(), "supervisor was stalled") {
			t.Errorf("%v; the log says %s", err, h.log.String())
		}
	})
}
