package stream

import (
	"container/list"
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"studysharper/app/study"
)

// What is counted against MemoryOptions.MaxBytes beside the events' fields. A run's
// share pays beforehand for the error event that ends it when its writer does not.
const (
	sessionCost = 512
	runCost     = 512
	pastCost    = 64 // of a former run that is remembered
	eventCost   = 96
)

// MemoryOptions bound a Memory. Zero takes the default; below zero panics.
type MemoryOptions struct {
	MaxEvents      int           // events kept a session; default 100
	MaxEventBytes  int           // of one event's Fields; default 256 KiB
	MaxBatchBytes  int           // a batch is closed by the event that reaches it; default 16 KiB, about what a client's socket takes
	MaxSessions    int           // sessions, those only waited for included; default 20,000
	MaxRuns        int           // open runs; default 1,024
	MaxReaders     int           // waiting readers; default 20,000
	MaxBytes       int64         // all sessions, runs and events together; default 32 MiB
	TakeoverWithin time.Duration // the run of a dead worker waits for another as long; default 10 s
	StaleAfter     time.Duration // a session idle for longer is freed; default 10 min
	Epoch          uint64        // of the first session's life, each later life has the next; default random
}

func (o *MemoryOptions) fill() {
	setDefault(&o.MaxEvents, 100)
	setDefault(&o.MaxEventBytes, 256<<10)
	setDefault(&o.MaxBatchBytes, 16<<10)
	setDefault(&o.MaxSessions, 20_000)
	setDefault(&o.MaxRuns, 1024)
	setDefault(&o.MaxReaders, 20_000)
	setDefault(&o.MaxBytes, 32<<20)
	setDefault(&o.TakeoverWithin, 10*time.Second)
	setDefault(&o.StaleAfter, 10*time.Minute)
	if o.Epoch == 0 {
		o.Epoch = 1 + rand.Uint64()>>16 // 48 bits keep an event's id short
	}
}

// Stats counts what a Memory holds.
type Stats struct {
	Sessions      int // those only waited for included
	Runs          int // open ones
	Orphans       int // of these, those whose worker died and that wait for another
	Readers       int // waiting ones
	QueuedEvents  int
	QueuedBytes   int64  // as counted against MaxBytes
	DroppedEvents uint64 // given up before anyone had read them
	IgnoredFrames uint64 // of kinds ServeRelay does not know
}

// Memory is the journal in this process's memory. At a bound it makes room: a
// session past MaxEvents drops its oldest event; past MaxBytes or MaxSessions goes
// the finished and read session touched the longest ago, past MaxBytes then the
// oldest events of unread and of running ones. A newest run's terminal event is kept
// until it was read or is stale: where only such are left, Begin and Since of new
// sessions are CodeOverloaded, and a run whose next event finds no room is ended.
// From three quarters of MaxEvents on, a token nobody has read yet takes the text of
// the next one. No call blocks; one lock guards it all.
type Memory struct {
	o     MemoryOptions
	start time.Time

	ignoredFrames atomic.Uint64

	mu       sync.Mutex
	sessions map[uuid.UUID]*session
	silent   map[uuid.UUID]*run // the open silent runs, by session
	lives    uint64             // sessions that ever had a run: o.Epoch+lives is the next epoch
	read     list.List          // sessions without an open run or an unread end, by last touch
	unread   list.List          // those with an unread end that hold other events too
	running  list.List          // those with an open run that hold events
	requests int64              // bytes of the requests kept
	orphans  map[*run]struct{}
	links    map[*relayPeer]struct{} // the workers that orphans are offered to
	stopped  bool                    // no orphan waits any more
	stats    Stats
}

// NewMemory makes an empty journal.
func NewMemory(o MemoryOptions) *Memory {
	o.fill()
	return &Memory{
		o: o, start: time.Now(), sessions: map[uuid.UUID]*session{}, silent: map[uuid.UUID]*run{}, orphans: map[*run]struct{}{}, links: map[*relayPeer]struct{}{},
	}
}

// Stats counts what is held now.
func (m *Memory) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.stats
	s.Sessions, s.Orphans, s.IgnoredFrames = len(m.sessions), len(m.orphans), m.ignoredFrames.Load()
	return s
}

// Run frees stale sessions until ctx ends, and then gives nil. A run in one ends
// first, with an error event; the session then has StaleAfter once more. Behind
// Run's end nobody is waited for any more who could repeat a dead worker's run.
func (m *Memory) Run(ctx context.Context) error {
	tick := time.NewTicker(max(m.o.StaleAfter/8, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			m.withLock(m.sweep)
		case <-ctx.Done():
			m.withLock(m.stopRepeats)
			return nil
		}
	}
}

func (m *Memory) sweep(d *due) {
	now := time.Since(m.start)
	for _, s := range m.sessions {
		if now-s.touched <= m.o.StaleAfter {
			continue
		}
		if s.busy() {
			m.interrupt(s.newest, study.Errorf(study.CodeTimeout, "the run was silent for too long"), d)
		} else {
			m.remove(s, ErrGone, d)
		}
	}
}

// Drop implements Journal. It ignores ctx.
func (m *Memory) Drop(_ context.Context, session string) error {
	key, err := ParseID("session", session)
	if err != nil {
		return err
	}
	err = ErrGone
	m.withLock(func(d *due) {
		if s := m.sessions[key]; s != nil {
			m.remove(s, ErrGone, d)
			err = nil
		}
	})
	return err
}

// makeRoom drops what it may until need more bytes fit under MaxBytes.
func (m *Memory) makeRoom(need int64, d *due) bool {
	if need > m.o.MaxBytes {
		return false
	}
	for m.stats.QueuedBytes+need > m.o.MaxBytes {
		switch {
		case m.read.Len() > 0:
			m.remove(m.read.Front().Value.(*session), ErrGone, d)
		case m.unread.Len() > 0:
			m.shrink(m.unread.Front().Value.(*session))
		case m.running.Len() > 0:
			m.shrink(m.running.Front().Value.(*session))
		default:
			return false
		}
	}
	return true
}

// shrink drops the oldest event s can do without.
func (m *Memory) shrink(s *session) {
	m.drop(s, s.oldestDroppable())
	m.updateLRU(s, false)
}

// remove forgets a session: its open run is lost and its readers told why.
func (m *Memory) remove(s *session, why *study.Error, d *due) {
	if s.busy() {
		m.closed(s.newest, why)
		m.lose(s.newest, d)
	}
	for len(s.ring) > 0 {
		m.drop(s, len(s.ring)-1)
	}
	m.stats.QueuedBytes -= sessionCost + int64(len(s.past))*pastCost
	for _, w := range s.waiting {
		w.failed = why
	}
	s.wakeAll(d)
	s.newest = nil
	m.updateLRU(s, false)
	delete(m.sessions, s.key)
}

// updateLRU puts s where makeRoom looks for it, at the end when it was touched now.
func (m *Memory) updateLRU(s *session, touched bool) {
	if touched {
		s.touched = time.Since(m.start)
	}
	shelf := m.lruFor(s)
	if shelf == s.shelf && !touched {
		return
	}
	if s.shelf != nil {
		s.shelf.Remove(s.place)
	}
	if s.shelf = shelf; shelf != nil {
		s.place = shelf.PushBack(s)
	}
}

func (m *Memory) lruFor(s *session) *list.List {
	switch {
	case s.newest == nil:
		return nil
	case !s.busy() && !s.unread:
		return &m.read
	case !s.droppable():
		return nil
	case !s.busy():
		return &m.unread
	default:
		return &m.running
	}
}
