package metrics

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"studysharper/app/memory/shm"
)

// MaxWorkers bounds the worker processes of a container, including those that are leaving: the board has a page for each.
const MaxWorkers = 64

const (
	pageWords = 352 // 2.75 KiB for each page, half of it histograms
	pageBytes = pageWords * 8

	// BoardSize is the shared memory that a Board needs, in bytes.
	BoardSize = pageBytes * (MaxWorkers + 1)
)

// BoardSection names the section of the shared memory that holds the board.
const BoardSection = "scoreboard"

// Entry is one process's page of the board. Each gauge and counter is one word, which its owner stores atomically and any
// process may load.
type Entry struct {
	words [pageWords]atomic.Uint64
}

// Add raises a counter and returns its new value.
func (p *Entry) Add(c Counter, n uint64) uint64 { return p.words[c].Add(n) }

// Count reads a counter.
func (p *Entry) Count(c Counter) uint64 { return p.words[c].Load() }

// Store sets a counter to a total that is counted elsewhere, such as a cache's hits. The total must never fall.
func (p *Entry) Store(c Counter, n uint64) { p.words[c].Store(n) }

// Set sets a gauge.
func (p *Entry) Set(g Gauge, n int64) { p.words[g].Store(uint64(n)) }

// Shift changes a gauge by n, which may be negative, and returns its new value.
func (p *Entry) Shift(g Gauge, n int64) int64 { return int64(p.words[g].Add(uint64(n))) }

// Gauge reads a gauge.
func (p *Entry) Gauge(g Gauge) int64 { return int64(p.words[g].Load()) }

func (p *Entry) clear() {
	for i := range p.words {
		p.words[i].Store(0)
	}
}

// Board is the scoreboard: memory that the supervisor and all workers share. Its first page is the supervisor's, which
// also holds the counts of departed workers; each of the others belongs to one worker process at a time. Only the
// supervisor calls Claim and Retire.
type Board struct{ memory []byte }

// NewBoard returns the board in a section of BoardSize bytes.
func NewBoard(section *shm.Section) *Board { return &Board{section.Bytes()} }

// Supervisor returns the supervisor's page.
func (b *Board) Supervisor() *Entry { return b.entry(0) }

// Worker returns the page that Claim assigned under index, from 1 to MaxWorkers.
func (b *Board) Worker(index int) *Entry { return b.entry(index) }

func (b *Board) entry(index int) *Entry {
	return (*Entry)(unsafe.Pointer(&b.memory[index*pageBytes])) //nolint:gosec // the shared mapping is the point
}

// Claim assigns a cleared page to a new worker of a slot; ok is false if none is free.
func (b *Board) Claim(slot, generation int) (index int, ok bool) {
	for i := 1; i <= MaxWorkers; i++ {
		p := b.entry(i)
		if State(p.Gauge(StateOf)) != Absent {
			continue
		}
		p.clear()
		p.Set(Slot, int64(slot))
		p.Set(Generation, int64(generation))
		p.Set(Heartbeat, Monotonic())
		p.Set(StateOf, int64(Booting))
		return i, true
	}
	return 0, false
}

// Retire frees a dead worker's page. Its counts move to the supervisor's page, so that the container's counters never
// fall; a Snapshot includes them exactly once.
func (b *Board) Retire(index int) {
	own, p := b.Supervisor(), b.entry(index)
	own.words[version].Add(1)
	for c := firstCounter; c < endWord; c++ {
		own.Add(c, p.Count(c))
	}
	p.clear()
	own.words[version].Add(1)
}

// Monotonic is the machine's monotonic clock in nanoseconds. It is the same in every process, and changes of the wall
// clock do not affect it.
func Monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}
