// Package journal stores the journals in a Redis that all instances share, so that a client can watch a run at a
// different instance from the one that executes it. The main idea: Redis is a relay that may lose everything. Each
// session is one Redis stream, and every change is an idempotent script. A session has one open run at a time, so the
// writer knows the numbers of its events. A run that Redis has lost continues without it: its readers get CodeNotFound,
// and are answered from its record (package record). Readers wait in their own process: one subscription reports which
// sessions have changed, and one read serves all readers of a session.
package journal

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"studysharper/app/cluster/conn"
	"studysharper/app/stream"
	"studysharper/app/study"
)

// Options bound a Journal. Zero takes the default; a negative value panics. All instances must use the same options.
// Redis counts sessions and bytes separately in sixteen buckets, so these two bounds are accurate to about a tenth.
type Options struct {
	MaxEvents       int           // events kept for a session; default 100
	MaxEventBytes   int           // bytes of one event's Fields; default 256 KiB
	MaxBatchBytes   int           // a batch ends with the event that reaches this; default 16 KiB
	MaxSessionBytes int64         // of one session, including its overhead; default 1 MiB
	MaxSessions     int           // in Redis, of all instances; default 20,000
	MaxBytes        int64         // in Redis, of all instances, as counted by the function cost; default 128 MiB
	MaxQueueBytes   int64         // of this process's events that are not in Redis yet; default 8 MiB
	MaxRuns         int           // open runs of this process; default 1,024
	MaxReaders      int           // waiting readers of this process; default 20,000
	RepeatWithin    time.Duration // how long a dead process's run waits for a takeover; default 10 s
	StaleAfter      time.Duration // a session idle for longer is removed; default 10 min
	Lease           time.Duration // a process silent for longer counts as dead; default 5 s

	// Orphaned is called with a run whose process died; Begin with RunInfo.Takeover takes it over. It must not block. nil
	// = this process takes over no runs.
	Orphaned func(stream.Orphan)

	// Cancelled is called with every run that some process has asked all processes to cancel. It must not block. nil =
	// cancellations are ignored.
	Cancelled func(run string)

	Log *slog.Logger

	buckets int // of the counts in Redis; 0 = 16
}

func (o *Options) fill() {
	for option, value := range map[*int]int{
		&o.MaxEvents: 100, &o.MaxEventBytes: 256 << 10, &o.MaxBatchBytes: 16 << 10, &o.MaxSessions: 20_000,
		&o.MaxRuns: 1024, &o.MaxReaders: 20_000, &o.buckets: 16,
	} {
		setDefault(option, value)
	}
	setDefault(&o.MaxSessionBytes, 1<<20)
	setDefault(&o.MaxBytes, 128<<20)
	setDefault(&o.MaxQueueBytes, 8<<20)
	setDefault(&o.RepeatWithin, 10*time.Second)
	setDefault(&o.StaleAfter, 10*time.Minute)
	setDefault(&o.Lease, 5*time.Second)
}

// setDefault sets an option that is zero to its default.
func setDefault[T int | int64 | time.Duration](option *T, value T) {
	if *option < 0 {
		panic("journal: a bound is below zero")
	}
	if *option == 0 {
		*option = value
	}
}

const (
	workers = 3                      // for sends, and as many for reads; each uses one connection at most
	atOnce  = 4                      // concurrent calls of Begin and Drop
	pause   = 100 * time.Millisecond // before a failed call is retried
	grace   = 2 * time.Second        // after Redis is back: time for writers to find out whether it has lost events
	leaveIn = time.Second            // for unsent events when Run ends
	idle    = 5 * time.Second        // how long the state of a session without readers is kept
	poll    = 30 * time.Second       // interval of reads in case a message of Redis was lost
)

var (
	errStopped  = study.Errorf(study.CodeUnavailable, "the journal is closed")
	errFull     = study.Errorf(study.CodeOverloaded, "too many unread answers")
	errOdd      = study.Errorf(study.CodeUnavailable, "unexpected reply from Redis")
	errReaders  = study.Errorf(study.CodeOverloaded, "too many streams are open")
	errRuns     = study.Errorf(study.CodeOverloaded, "too many runs are open")
	errRunBegun = study.Errorf(study.CodeInvalid, "the run has already begun")
)

// Stats are figures of a Journal in this process.
type Stats struct {
	Runs          int    // open ones
	Readers       int    // waiting ones
	QueuedEvents  int    // not acknowledged by Redis
	QueuedBytes   int64  // their bytes
	DroppedEvents uint64 // dropped while Redis was unreachable
	Detached      uint64 // runs that continued without a Redis that had lost them
	Scripts       uint64 // calls of Redis
}

// Journal implements stream.Journal and stream.Awaiter on Redis. Begin and Drop call Redis themselves; all other calls
// are made by Run.
type Journal struct {
	conn    *conn.Conn
	o       Options
	id      string // identifies this process
	bases   []string
	scripts scripts
	direct  chan struct{}
	offers  chan orphanKey

	// writers are the processes that had open runs at the last sweep. A process takes a lease before its first run, so
	// a writer without a lease has died. absent are the writers without a lease at the last check. Only Run uses both
	// fields.
	writers, absent []string

	mu      sync.Mutex
	runs    map[runKey]*run
	open    int    // number of runs in runs, plus those about to begin
	number  uint64 // of the latest run
	watches map[uuid.UUID]*watch
	sends   [workers]workQueue[*run] // the runs of a session share a queue, so that their events stay in order
	looks   workQueue[*watch]
	leased  bool      // this process holds a lease
	hears   bool      // the subscription has been established at least once
	since   time.Time // since when Redis has answered without interruption
	offered map[orphanKey]time.Time
	stopped bool
	stats   Stats
}

var (
	_ stream.Journal = (*Journal)(nil)
	_ stream.Awaiter = (*Journal)(nil)
)

// New returns a journal on a connection. Call it before conn.Run; its own Run must end before conn.Run does.
func New(conn *conn.Conn, o Options) *Journal {
	o.fill()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	j := &Journal{
		conn: conn, o: o, id: fmt.Sprintf("%016x", rand.Uint64()), scripts: load(o),
		direct: make(chan struct{}, atOnce), offers: make(chan orphanKey, 256),
		runs: map[runKey]*run{}, watches: map[uuid.UUID]*watch{}, offered: map[orphanKey]time.Time{},
		looks: newWorkQueue[*watch](),
	}
	for i := range j.sends {
		j.sends[i] = newWorkQueue[*run]()
	}
	for i := range o.buckets {
		j.bases = append(j.bases, fmt.Sprintf("studysharper:{j2-%02d}:", i))
	}
	conn.Returned(j.returned)
	return j
}

// Stats returns the current figures.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.Runs = j.open
	return s
}

// Run sends and reads events and supervises the other processes until ctx ends, and then returns nil. Before it
// returns, it closes open runs with an error event and sends the remaining events, for at most a second.
func (j *Journal) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() { drainQueue(work, j, &j.sends[i], j.flush) })
		all.Go(func() { drainQueue(work, j, &j.looks, j.refresh) })
	}
	all.Go(func() { _ = j.conn.Listen(work, map[string]func(string){channel: j.onMessage}, j.resumed) })
	all.Go(func() { j.offerOrphans(work) })
	all.Go(func() { j.superviseLeases(work) })
	<-ctx.Done()
	j.leave(work)
	stop()
	all.Wait()
	return nil
}

// leave ends open runs and waiters, waits until the events are sent, and gives up the lease.
func (j *Journal) leave(ctx context.Context) {
	var d due
	j.mu.Lock()
	j.stopped = true
	for _, r := range j.runs {
		j.finish(r, errStopped, &d)
	}
	for _, s := range j.watches {
		for len(s.waiters) > 0 {
			j.settle(s.waiters[0], study.Batch{}, errStopped, &d)
		}
	}
	j.mu.Unlock()
	d.settle()
	for end := time.Now().Add(leaveIn); j.unsent() && j.conn.Writable() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	j.giveUpLease(ctx)
}

func (j *Journal) unsent() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stats.QueuedEvents > 0
}

// due collects calls to make once the lock is released.
type due []func()

func (d due) settle() {
	for _, f := range d {
		f()
	}
}

// Cancel asks all processes to cancel a run. A process that is unreachable learns of it from the run's record.
func (j *Journal) Cancel(ctx context.Context, run string) error {
	return j.conn.Publish(ctx, channel, "c - "+run)
}

// Drop implements stream.Journal.
func (j *Journal) Drop(ctx context.Context, session string) error {
	key, err := stream.ParseID("session", session)
	if err != nil {
		return err
	}
	n, err := j.direct1(ctx, j.scripts.drop, key, key.String())
	switch {
	case err != nil:
		return err
	case n != int64(1):
		return stream.ErrGone
	}
	return nil
}
