// Package memory implements journals in the memory of one process. The one idea: all sessions share one lock and one
// limit in bytes, and a waiting reader is only an entry in its session's list, which is woken and then polls. A slow
// reader therefore blocks nothing.
package memory

import (
	"container/list"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/stream/internal/bounds"
	"studysharper/app/study"
)

// The bytes that count against Options.MaxBytes in addition to the events' fields. A run's
// share includes the error event that ends it if its writer does not.
const (
	sessionCost = 512
	runCost     = 512
	pastCost    = 64 // for each earlier run that is remembered
	eventCost   = 96
)

// Options bound a Journal. Zero takes the default; a negative value panics.
type Options struct {
	MaxEvents      int           // events kept per session; default 100
	MaxEventBytes  int           // of one event's Fields; default 256 KiB
	MaxBatchBytes  int           // a batch ends with the event that reaches this; default 16 KiB, about what a client's socket accepts
	MaxSessions    int           // sessions, including those that only have readers; default 20,000
	MaxRuns        int           // open runs; default 1,024
	MaxReaders     int           // waiting readers; default 20,000
	MaxBytes       int64         // of all sessions, runs and events; default 32 MiB
	TakeoverWithin time.Duration // how long the run of a dead worker waits for another worker; default 10 s
	StaleAfter     time.Duration // a session idle for longer is freed; default 10 min
	Epoch          uint64        // of the first session; each later session has the next one; default random
}

func (o *Options) fill() {
	bounds.SetDefault(&o.MaxEvents, 100)
	bounds.SetDefault(&o.MaxEventBytes, 256<<10)
	bounds.SetDefault(&o.MaxBatchBytes, 16<<10)
	bounds.SetDefault(&o.MaxSessions, 20_000)
	bounds.SetDefault(&o.MaxRuns, 1024)
	bounds.SetDefault(&o.MaxReaders, 20_000)
	bounds.SetDefault(&o.MaxBytes, 32<<20)
	bounds.SetDefault(&o.TakeoverWithin, 10*time.Second)
	bounds.SetDefault(&o.StaleAfter, 10*time.Minute)
	if o.Epoch == 0 {
		o.Epoch = 1 + rand.Uint64()>>16 // 48 bits keep an event's id short
	}
}

// Stats are the current counts of a Journal.
type Stats struct {
	Sessions      int // including those that only have readers
	Runs          int // open ones
	Orphans       int // of these, those that wait for a takeover
	Readers       int // waiting ones
	QueuedEvents  int
	QueuedBytes   int64  // as counted against MaxBytes
	DroppedEvents uint64 // dropped unread
}

// Journal implements stream.Journal and stream.Awaiter. At a bound it makes room: a session past MaxEvents drops
// its oldest event; past MaxBytes or MaxSessions, the least recently used session that has no open run or unread
// end is removed; past MaxBytes, the oldest events of sessions with an unread end are dropped next, and then
// those of running sessions. The terminal event of a session's newest run is kept until it is read or stale. If
// only such events are left, Begin and Since of new sessions are CodeOverloaded, and a run whose next event finds
// no room is ended. From three quarters of MaxEvents on, the text of a new token is joined to the previous token
// if that is unread. No call blocks.
type Journal struct {
	o     Options
	start time.Time

	mu       sync.Mutex // guards everything below, the sessions and runs included
	sessions map[uuid.UUID]*session
	silent   map[uuid.UUID]*Run // open silent runs, by session
	lives    uint64             // number of sessions that have had a run: o.Epoch+lives is the next epoch
	read     list.List          // sessions without an open run or an unread end, least recently used first
	unread   list.List          // sessions with an unread end and other events
	running  list.List          // sessions with an open run and events
	requests int64              // bytes of all kept requests
	orphans  map[*Run]struct{}
	stopped  bool // orphans end at once
	stats    Stats

	recoverers map[Recoverer]struct{} // orphans are offered to these
}

// New returns an empty journal.
func New(o Options) *Journal {
	o.fill()
	return &Journal{
		o: o, start: time.Now(), sessions: map[uuid.UUID]*session{}, silent: map[uuid.UUID]*Run{}, orphans: map[*Run]struct{}{}, recoverers: map[Recoverer]struct{}{},
	}
}

// Stats returns the current counts.
func (m *Journal) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.stats
	s.Sessions, s.Orphans = len(m.sessions), len(m.orphans)
	return s
}

// Options returns the bounds, with the defaults filled in.
func (m *Journal) Options() Options { return m.o }

// due collects the calls to make after the lock is released.
type due struct {
	woken  []*Waiter
	lost   []*Run
	offers []offer
}

func (d *due) settle() {
	for _, r := range d.lost {
		r.onLost(r.over)
	}
	for _, w := range d.woken {
		w.by.Wake()
	}
	for _, o := range d.offers {
		o.to.Offer(o.orphan.describe)
	}
}

// withLock calls f with the lock held, and then makes the calls that f has collected.
func (m *Journal) withLock(f func(*due)) {
	var d due
	m.mu.Lock()
	f(&d)
	m.mu.Unlock()
	d.settle()
}

// Run removes stale sessions until ctx ends, and then returns nil. If such a session has an
// open run, that is ended with an error event instead, and the session is kept for another
// StaleAfter. Once Run has ended, the run of a dead worker ends at once.
func (m *Journal) Run(ctx context.Context) error {
	tick := time.NewTicker(max(m.o.StaleAfter/8, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			m.withLock(m.sweep)
		case <-ctx.Done():
			m.withLock(m.stopRecovery)
			return nil
		}
	}
}

func (m *Journal) sweep(d *due) {
	now := time.Since(m.start)
	for _, s := range m.sessions {
		if now-s.touched <= m.o.StaleAfter {
			continue
		}
		if s.busy() {
			m.interrupt(s.newest, study.Errorf(study.CodeTimeout, "the run was silent for too long"), d)
		} else {
			m.remove(s, stream.ErrGone, d)
		}
	}
}

// Drop implements stream.Journal. It ignores ctx.
func (m *Journal) Drop(_ context.Context, session string) error {
	key, err := stream.ParseID("session", session)
	if err != nil {
		return err
	}
	err = stream.ErrGone
	m.withLock(func(d *due) {
		if s := m.sessions[key]; s != nil {
			m.remove(s, stream.ErrGone, d)
			err = nil
		}
	})
	return err
}

// makeRoom drops sessions and events until need more bytes fit within MaxBytes. It returns false if that is impossible.
func (m *Journal) makeRoom(need int64, d *due) bool {
	if need > m.o.MaxBytes {
		return false
	}
	for m.stats.QueuedBytes+need > m.o.MaxBytes {
		switch {
		case m.read.Len() > 0:
			m.remove(m.read.Front().Value.(*session), stream.ErrGone, d)
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

// shrink drops the oldest event of s that may be dropped.
func (m *Journal) shrink(s *session) {
	m.drop(s, s.oldestDroppable())
	m.updateLRU(s, false)
}

// remove deletes a session. Its open run is lost, and its readers get the error why.
func (m *Journal) remove(s *session, why *study.Error, d *due) {
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

// updateLRU puts s into the list where makeRoom looks for it; touched moves it to the end.
func (m *Journal) updateLRU(s *session, touched bool) {
	if touched {
		s.touched = time.Since(m.start)
	}
	lru := m.lruFor(s)
	if lru == s.lru && !touched {
		return
	}
	if s.lru != nil {
		s.lru.Remove(s.place)
	}
	if s.lru = lru; lru != nil {
		s.place = lru.PushBack(s)
	}
}

func (m *Journal) lruFor(s *session) *list.List {
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
