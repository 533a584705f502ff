// Package hub serves the open event streams of a worker. The one idea: a stream is a
// few hundred bytes and a place in one epoll, not a goroutine. Streams that stand at
// the same place of the same session wait together, and what comes is written down
// once for all of them.
package hub

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"studysharper/app/stream"
)

// Options say how clients are kept. Zero takes the default; below zero panics.
type Options struct {
	Journal stream.Awaiter

	Keepalive  time.Duration // silence before a comment is sent; default 15 s
	PendingFor time.Duration // how long a session nobody has posted to is held open; default 60 s
	Stale      time.Duration // silence of a run before the stream is ended; default 10 min
	WriteWait  time.Duration // how long a client may take nothing of what it was sent; default 10 s

	// MaxUnsentBytes bounds what waits here, over all streams, for clients that take
	// it slowly: of each the rest of one event at most. Past it, the stream that would
	// pass it is closed, and its client resumes. Default 4 MiB.
	MaxUnsentBytes int

	// Final says that the journal ends with the service: nobody can resume a stream after
	// End, which therefore leaves each its run's end.
	Final bool

	// Count is told of each stream reserved (1), and closed or released (-1). It must
	// not block. Default: nobody is told.
	Count func(delta int64)
	// Ended is told the place of each stream that was served, when it is closed or has been given away. It must not
	// block. Default: nobody is told.
	Ended func(place int32)
	// Key names the client of a place to another process, and Add takes a place for the client of a stream that another
	// process has handed over. Neither may block.
	Key func(place int32) uint64
	Add func(client uint64) (place int32)
	Log *slog.Logger // default: none
}

func (o *Options) fill() {
	setDefault(&o.Keepalive, 15*time.Second)
	setDefault(&o.PendingFor, time.Minute)
	setDefault(&o.Stale, 10*time.Minute)
	setDefault(&o.WriteWait, 10*time.Second)
	setDefault(&o.MaxUnsentBytes, 4<<20)
	if o.Count == nil {
		o.Count = func(int64) {}
	}
	if o.Ended == nil {
		o.Ended = func(int32) {}
	}
	if o.Key == nil {
		o.Key, o.Add = func(int32) uint64 { return 0 }, func(uint64) int32 { return 0 }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// setDefault gives an option its default.
func setDefault[T int | time.Duration](option *T, value T) {
	if *option < 0 {
		panic("hub: an option is below zero")
	}
	if *option == 0 {
		*option = value
	}
}

// HandOver gives a client's connection to another process: its socket, and what Resume
// needs of its stream; nil for a connection without one. The caller closes fd
// afterwards, which the client does not notice where it was taken.
type HandOver func(fd int, stream json.RawMessage) error

// Stream is a client's stream as the hub takes it.
type Stream struct {
	FD    int    // the client's socket, connected and nonblocking: the hub's from here on
	Head  []byte // the response's head, sent first
	Query stream.Query
	Place int32   // what Options.Ended is told at its end: its place among its client's streams
	past  *passed // not nil: taken over from another process, its client has the head already
}

// sockets are the system calls on clients' sockets, or a test's.
type sockets interface {
	// add has the hub told of fd's events from here on; the generation comes with them.
	add(fd int, generation int32) error
	// write never blocks. Less than all without an error: there is no room, and an
	// event tells when there is again.
	write(fd int, p []byte) (int, error)
	// drain throws away what the client has sent, and gives how much; an error: it is gone.
	drain(fd int) (int, error)
	// forget has the hub told of no event any more; close does that too.
	forget(fd int)
	close(fd int)
	// run gives events to the hub until ctx ends.
	run(context.Context, *Hub) error
}

// Hub is a worker's open streams. It is safe for concurrent use. A stream takes about
// half a kilobyte here and no goroutine.
//
// A client is sent the head, a retry line of its own, and then events as they come, a
// batch at a time, and comments into the silence. Its stream is ended behind a run's
// terminal event, or with an error event of the hub's when nobody has
// posted to the session for PendingFor, its run is silent for Stale, or the session
// was dropped. It is closed without a word, for the client to come back and resume,
// when the journal cannot be reached or the client takes nothing for WriteWait. A
// client that has ended its side is taken to have left.
type Hub struct {
	o       Options
	sockets sockets
	start   time.Time
	oldest  atomic.Int64

	mu         sync.Mutex
	clients    []*client // by descriptor
	open       int       // of those
	reserved   int       // streams to come
	generation int32
	groups     groups
	wheel      wheel
	unsent     int           // bytes
	over       HandOver      // not nil: the worker leaves, and gives its streams so
	ended      bool          // no stream is to go on here
	empty      chan struct{} // not nil: closed when none is open or reserved
}

// Open makes a hub with its epoll, which Run closes.
func Open(o Options) (*Hub, error) {
	e, err := openEpoll()
	if err != nil {
		return nil, err
	}
	return newHub(o, e), nil
}

func newHub(o Options, s sockets) *Hub {
	o.fill()
	return &Hub{o: o, sockets: s, start: time.Now(), groups: newGroups(), wheel: newWheel()}
}

// Run serves until ctx ends, which is nil. It takes two goroutines.
func (h *Hub) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.sockets.run(ctx, h) })
	g.Go(func() error { return h.keepTime(ctx) })
	return g.Wait()
}

// Reserve announces a stream: Serve or Release must follow.
func (h *Hub) Reserve() {
	h.mu.Lock()
	h.reserved++
	h.mu.Unlock()
	h.o.Count(1)
}

// Release takes a Reserve back.
func (h *Hub) Release() {
	h.mu.Lock()
	h.reserved--
	h.left()
	h.mu.Unlock()
}

// Serve takes in a stream that was reserved. It does not block.
func (h *Hub) Serve(s Stream) {
	h.locked(func(d *due) {
		h.reserved--
		h.take(s, d)
	})
}

// Leave begins to give every stream to over, each at an event's boundary, those to
// come too, and gives a channel that is closed when none is left.
func (h *Hub) Leave(over HandOver) (empty <-chan struct{}) {
	return h.finish(func() { h.over = over })
}

// End begins to close every stream at an event's boundary, those to come too, and gives a
// channel that is closed when none is left. With Options.Final the boundary is the end of
// the stream's run, where it has one.
func (h *Hub) End() (empty <-chan struct{}) {
	return h.finish(func() { h.over = nil })
}

func (h *Hub) finish(how func()) <-chan struct{} {
	var empty chan struct{}
	h.locked(func(d *due) {
		how()
		h.ended = true
		if h.empty == nil {
			h.empty = make(chan struct{})
		}
		empty = h.empty
		for _, c := range h.clients {
			if c != nil {
				h.detach(c, d)
				h.advance(c, d)
			}
		}
		if h.open+h.reserved == 0 {
			h.close()
		}
	})
	return empty
}

// close tells that the last stream is gone. The lock is held.
func (h *Hub) close() {
	select {
	case <-h.empty:
	default:
		close(h.empty)
	}
}

// left follows the end of a stream. The lock is held.
func (h *Hub) left() {
	h.o.Count(-1)
	if h.open+h.reserved > 0 {
		return
	}
	h.clients, h.groups = nil, newGroups() // give back what a flood took
	if h.empty != nil {
		h.close()
	}
}

// Oldest is when the oldest open stream was taken in, in Unix nanoseconds, as of the
// last second; 0 = none was open.
func (h *Hub) Oldest() int64 { return h.oldest.Load() }

// Unsent is how many bytes wait for slow clients now.
func (h *Hub) Unsent() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.unsent
}
