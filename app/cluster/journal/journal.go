// Package journal keeps the journals in a Redis that all instances share, so that a run of one
// instance can be watched at another. The one idea: Redis is a relay that may lose everything.
// Each session is one stream, and every change of it is one script that may be repeated without
// harm. A session has one open run at a time, so the writer knows the numbers of its events.
// A run that Redis has lost continues without it: its readers get CodeNotFound, and are answered
// by its record (package record). Readers wait in their
// process: one subscription tells it which sessions have changed, and one read answers all
// readers of a session.
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

// Options bound a Journal. Zero takes the default; a negative value panics. All instances must
// have the same options. Sessions and bytes are counted in sixteen parts of Redis, so these two
// bounds hold within about a tenth.
type Options struct {
	MaxEvents       int           // events kept a session; default 100
	MaxEventBytes   int           // of one event's Fields; default 256 KiB
	MaxBatchBytes   int           // a batch is closed by the event that reaches it; default 16 KiB
	MaxSessionBytes int64         // of one session, with what it costs beside events; default 1 MiB
	MaxSessions     int           // in Redis, of all instances; default 20,000
	MaxBytes        int64         // in Redis, of all instances, as counted by cost; default 128 MiB
	MaxQueueBytes   int64         // of events of this process that wait to be sent; default 8 MiB
	MaxRuns         int           // open runs of this process; default 1,024
	MaxReaders      int           // waiting readers of this process; default 20,000
	RepeatWithin    time.Duration // how long the run of a dead process waits for a takeover; default 10 s
	StaleAfter      time.Duration // a session idle for longer is freed; default 10 min
	Lease           time.Duration // a process silent for longer is dead; default 5 s

	// Orphaned is called with a run whose process died; Begin with RunInfo.Takeover takes
	// it over. It must not block. nil = this process takes nothing over.
	Orphaned func(stream.Orphan)

	// Cancelled is told of every run that a process has asked all to cancel. It must not block. nil = none is.
	Cancelled func(run string)

	Log *slog.Logger

	buckets int // the parts of Redis; 0 = 16
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

// setDefault gives an option its default.
func setDefault[T int | int64 | time.Duration](option *T, value T) {
	if *option < 0 {
		panic("journal: a bound is below zero")
	}
	if *option == 0 {
		*option = value
	}
}

const (
	workers = 3                      // that send, and as many that read: at most as many connections
	atOnce  = 4                      // calls of Begin and Drop under way
	pause   = 100 * time.Millisecond // before what failed is tried again
	grace   = 2 * time.Second        // after a return of Redis, in which writers find out whether it has lost their runs' newest events
	leaveIn = time.Second            // for what is still to be sent when Run ends
	idle    = 5 * time.Second        // what is known of a session nobody waits for
	poll    = 30 * time.Second       // in case a message of Redis's got lost
)

var (
	errStopped  = study.Errorf(study.CodeUnavailable, "the journal is closed")
	errFull     = study.Errorf(study.CodeOverloaded, "too many answers wait to be read")
	errOdd      = study.Errorf(study.CodeUnavailable, "Redis gave an answer of another kind")
	errReaders  = study.Errorf(study.CodeOverloaded, "too many streams are open")
	errRuns     = study.Errorf(study.CodeOverloaded, "too many runs are open")
	errRunBegun = study.Errorf(study.CodeInvalid, "the run has begun already")
)

// Stats counts what a Journal holds in this process.
type Stats struct {
	Runs          int    // open ones
	Readers       int    // waiting ones
	QueuedEvents  int    // that Redis has not acknowledged
	QueuedBytes   int64  // of these
	DroppedEvents uint64 // given up while Redis was away
	Detached      uint64 // runs that went on after Redis had lost them
	Scripts       uint64 // calls of Redis
}

// Journal implements stream.Journal and stream.Awaiter on Redis. Begin and Drop call Redis
// themselves; everything else happens within Run.
type Journal struct {
	conn    *conn.Conn
	o       Options
	id      string // of this process
	bases   []string
	scripts scripts
	direct  chan struct{}
	offers  chan orphanKey

	// writers are the processes that had open runs at the last sweep. A lease is taken before a
	// run begins, so a process that had runs then and has no lease now has died. absent are the
	// writers without a lease at the last look. Both are used only by Run.
	writers, absent []string

	mu      sync.Mutex
	runs    map[runKey]*run
	open    int    // of these, and those about to begin
	number  uint64 // of the run begun last
	watches map[uuid.UUID]*watch
	sends   [workers]workQueue[*run] // a session's runs in one, so that their events come in order
	looks   workQueue[*watch]
	leased  bool      // this process is among the living
	hears   bool      // the subscription has stood once
	since   time.Time // Redis has answered since then, as far as is known
	offered map[orphanKey]time.Time
	stopped bool
	stats   Stats
}

var (
	_ stream.Journal = (*Journal)(nil)
	_ stream.Awaiter = (*Journal)(nil)
)

// New makes a journal on a connection. It must be made before conn runs, and its own Run
// must end before conn's does.
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

// Stats counts what is held now.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.Runs = j.open
	return s
}

// Run sends and reads events and supervises the other processes until ctx ends, and then returns
// nil. At its end it closes open runs with an error event, and sends the rest of the events for
// at most a second.
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

// leave ends open runs and waits, waits until their events are sent, and gives up the lease.
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

// due collects calls to make after the lock is released.
type due []func()

func (d due) settle() {
	for _, f := range d {
		f()
	}
}

// Cancel tells all processes of a run to be cancelled. Those that cannot be reached find it ended in the run's record.
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
