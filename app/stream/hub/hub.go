// Package hub serves the open event streams of a worker. The one idea: a stream is a few
// hundred bytes and an entry in one epoll set, not a goroutine. Streams at the same
// position of the same session wait together, and each batch is encoded once for all of
// them.
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

// Options configure a Hub. Zero takes the default; a negative value panics.
type Options struct {
	Journal stream.Awaiter

	Keepalive  time.Duration // how long a stream is quiet before a comment is sent; default 15 s
	PendingFor time.Duration // how long a stream waits for a first post to its session; default 60 s
	Stale      time.Duration // how long a run may be silent before its streams are ended; default 10 min
	WriteWait  time.Duration // how long a client may accept nothing of what was sent; default 10 s

	// MaxUnsentBytes limits what is buffered for slow clients, over all streams; of each
	// stream, at most the rest of one event. A stream that would exceed it is closed, and
	// its client resumes. Default 4 MiB.
	MaxUnsentBytes int

	// Final means that the journal ends with the service, so no stream can be resumed after
	// End. End therefore keeps each stream open until its run has ended.
	Final bool

	// Count is called with 1 for each stream reserved, and with -1 for each closed or
	// released. It must not block. Default: does nothing.
	Count func(delta int64)
	// Ended is called with the place of each served stream when it is closed or has been handed over. It must not
	// block. Default: does nothing.
	Ended func(place int32)
	// Key returns an identifier of the client that has a place, for another process; Add allocates a place for a client
	// whose stream another process has handed over. Neither may block.
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

// setDefault sets an option that is 0 to its default.
func setDefault[T int | time.Duration](option *T, value T) {
	if *option < 0 {
		panic("hub: an option is below zero")
	}
	if *option == 0 {
		*option = value
	}
}

// HandOver passes a client's connection to another process: its socket, and the state that
// Resume needs to continue its stream, or nil for a connection without a stream. The caller
// closes fd afterwards; the client notices nothing if the other process accepted the
// connection.
type HandOver func(fd int, stream json.RawMessage) error

// Stream is a client's stream to be served.
type Stream struct {
	FD    int    // the client's socket, connected and nonblocking; owned by the hub from here on
	Head  []byte // the response's head, sent first
	Query stream.Query
	Place int32   // passed to Options.Ended at its end: its place among its client's streams
	past  *passed // not nil: taken over from another process, and the client already has the head
}

// sockets are the system calls on clients' sockets; tests replace them.
type sockets interface {
	// add registers fd: the hub gets its events from here on, each with this generation.
	add(fd int, generation int32) error
	// write never blocks. A short write without an error means that the socket is full; an
	// event reports when it has room again.
	write(fd int, p []byte) (int, error)
	// drain discards what the client has sent and returns how many bytes it was. An error means that the client is
	// gone.
	drain(fd int) (int, error)
	// forget unregisters fd without closing it; close also unregisters it.
	forget(fd int)
	close(fd int)
	// run passes events to the hub until ctx ends.
	run(context.Context, *Hub) error
}

// Hub serves a worker's open streams. It is safe for concurrent use. A stream costs about
// half a kilobyte here and no goroutine.
//
// A client is sent the head, a retry line of its own, then events as they come, in batches,
// and a comment whenever the stream is quiet. The hub ends the stream after a run's
// terminal event, or with an error event of its own if nothing is posted to the session for
// PendingFor, the run is silent for Stale, or the session was dropped. It closes the
// connection without an event, so that the client reconnects and resumes, when the journal
// cannot be reached or the client accepts nothing for WriteWait. A client that has closed
// its side counts as gone.
type Hub struct {
	o       Options
	sockets sockets
	start   time.Time
	oldest  atomic.Int64

	mu         sync.Mutex
	clients    []*client // by descriptor
	open       int       // how many of them are not nil
	reserved   int       // streams announced by Reserve and not served yet
	generation int32
	groups     map[place]*group
	wheel      wheel
	unsent     int           // bytes
	over       HandOver      // not nil: the worker is leaving and hands its streams over with it
	ended      bool          // no stream continues here
	empty      chan struct{} // not nil: closed when no stream is open or reserved
}

// Open returns a hub with its own epoll set, which Run closes.
func Open(o Options) (*Hub, error) {
	e, err := openEpoll()
	if err != nil {
		return nil, err
	}
	return newHub(o, e), nil
}

func newHub(o Options, s sockets) *Hub {
	o.fill()
	return &Hub{o: o, sockets: s, start: time.Now(), groups: map[place]*group{}, wheel: newWheel()}
}

// Run serves until ctx ends, and then returns nil. It uses two goroutines.
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

// Release cancels a Reserve.
func (h *Hub) Release() {
	h.mu.Lock()
	h.reserved--
	h.left()
	h.mu.Unlock()
}

// Serve starts serving a reserved stream. It does not block.
func (h *Hub) Serve(s Stream) {
	h.locked(func(d *due) {
		h.reserved--
		h.take(s, d)
	})
}

// Leave begins to hand over every stream, present and future, at an event's boundary. The
// channel it returns is closed when no stream is left.
func (h *Hub) Leave(over HandOver) (empty <-chan struct{}) {
	return h.finish(func() { h.over = over })
}

// End begins to close every stream, present and future, at an event's boundary, or with
// Options.Final at the end of the stream's run if it has one. The channel it returns is
// closed when no stream is left.
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

// close reports that the last stream is gone. The lock must be held.
func (h *Hub) close() {
	select {
	case <-h.empty:
	default:
		close(h.empty)
	}
}

// left counts the end of a stream. The lock must be held.
func (h *Hub) left() {
	h.o.Count(-1)
	if h.open+h.reserved > 0 {
		return
	}
	h.clients, h.groups = nil, map[place]*group{} // release the memory of a burst
	if h.empty != nil {
		h.close()
	}
}

// Oldest returns when the oldest open stream was first opened, in Unix nanoseconds,
// refreshed every second; 0 = none was open.
func (h *Hub) Oldest() int64 { return h.oldest.Load() }

// Unsent returns how many bytes are buffered for slow clients now.
func (h *Hub) Unsent() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.unsent
}
