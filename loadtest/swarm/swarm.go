// Package swarm is a client for tens of thousands of concurrent event streams. It uses as few resources as possible,
// because it shares the machine with the service that it measures. The one idea: no goroutine and no buffer per stream.
// A few loops (epoll(7)) read whatever is readable into one buffer each, and store for a stream its position, its
// counts and, at most, an incomplete event.
//
// It reads what this service sends: responses that end with their connection, and events of one data line whose JSON
// begins with type and seq. It never retries; to resume a stream, open it again.
package swarm

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	defaultOpening = 128
	awaitLook      = 2 * time.Millisecond
)

// Options configure a Swarm.
type Options struct {
	Address netip.AddrPort // of the service; IPv4
	Loops   int            // reading goroutines; default 1
	// Gather is how long a loop waits for more input after it has read everything available. Events are timestamped
	// when read, so up to this much late, but a server on the same cores is not interrupted for each of them. Default
	// 0.
	Gather  time.Duration
	Opening int    // streams per loop between connect and the response's head; default 128
	Host    string // the requests' Host header; default: Address
	Header  string // additional header lines of every request, each with its CRLF
	// Opened and Left, if not nil, are called with a stream's state. Opened is called when a stream's response has
	// arrived; Left when a stream was ended by the server, broke, was refused or could not be opened, but not when it
	// was cut. They are called like Took.
	Opened, Left func(*Stream, State)
	// Took, if not nil, is called for every event, on a loop's goroutine and in the order
	// of a stream. It must not block, nor call the Swarm or the Stream.
	Took func(*Stream, Event)
}

// Counts are the totals of a Swarm. Each opening ends up in one of Opened, Refused and Failed, unless it is cut before
// that; each opened stream ends up in one of Ended and Broken, unless it is cut.
type Counts struct {
	Opened  int64 // responses that are event streams
	Refused int64 // responses with another status than 200
	Failed  int64 // no connection, or a response that this package does not understand
	Open    int64 // streams being read now
	Ended   int64 // by the server, after a terminal event
	Broken  int64 // in any other way
	Events  int64
	Lost    int64 // skipped numbers, including those announced by a gap event
	Doubled int64 // events whose number was not new
	Gaps    int64 // gap events
	Wrong   int64 // invalid events, or events whose id does not contain their number
}

// counters are the Counts as they change.
type counters struct {
	opened, refused, failed, open, ended, broken, events, lost, doubled, gaps, wrong atomic.Int64
}

// Swarm reads many streams. Create it with Start, and Close it.
type Swarm struct {
	o      Options
	counts counters
	loops  []*loop
	next   atomic.Uint64 // the loop that gets the next stream
}

// Start starts the loops, each on a goroutine, and raises this process's limit of open files to the maximum.
func Start(o Options) (*Swarm, error) {
	if !o.Address.Addr().Is4() {
		return nil, fmt.Errorf("swarm: %s is not an IPv4 address with a port", o.Address)
	}
	if o.Loops <= 0 {
		o.Loops = 1
	}
	if o.Opening <= 0 {
		o.Opening = defaultOpening
	}
	if err := raiseOpenFiles(); err != nil {
		return nil, fmt.Errorf("swarm: raising the limit of open files: %w", err)
	}
	s := &Swarm{o: o}
	for range o.Loops {
		l, err := newLoop(s)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("swarm: %w", err), s.Close())
		}
		s.loops = append(s.loops, l)
		go l.run()
	}
	return s, nil
}

func raiseOpenFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// Stream returns a stream of a path, to be opened by Open. o is for its connections.
func (s *Swarm) Stream(path string, o StreamOptions) *Stream {
	l := s.loops[s.next.Add(1)%uint64(len(s.loops))]
	return &Stream{loop: l, path: path, o: o, fd: -1}
}

// Open requests streams, each from after the last event it received (Last-Event-ID), or from the beginning.
// It returns at once. A stream that is open or waits to be opened is not changed.
func (s *Swarm) Open(streams ...*Stream) {
	for l, own := range byLoop(streams) {
		l.do(func() { l.queue = append(l.queue, own...) })
	}
}

// How is a way to cut a connection.
type How int

// The ways to cut a connection.
const (
	FIN How = iota // a clean end: the server notices it when it reads
	RST            // a reset: the server's next write fails
)

// Cut closes the connections of streams, and returns when they are closed. Unread input is
// discarded. A stream may be opened again.
func (s *Swarm) Cut(how How, streams ...*Stream) {
	all := byLoop(streams)
	done := make(chan struct{}, len(all))
	for l, own := range all {
		l.do(func() {
			for _, st := range own {
				l.cut(st, how)
			}
			done <- struct{}{}
		})
	}
	for range all {
		<-done
	}
}

func byLoop(streams []*Stream) map[*loop][]*Stream {
	all := map[*loop][]*Stream{}
	for _, st := range streams {
		all[st.loop] = append(all[st.loop], st)
	}
	return all
}

// Counts returns the current counts.
func (s *Swarm) Counts() Counts {
	c := &s.counts
	return Counts{
		Opened: c.opened.Load(), Refused: c.refused.Load(), Failed: c.failed.Load(), Open: c.open.Load(), Ended: c.ended.Load(), Broken: c.broken.Load(),
		Events: c.events.Load(), Lost: c.lost.Load(), Doubled: c.doubled.Load(), Gaps: c.gaps.Load(), Wrong: c.wrong.Load(),
	}
}

// Await waits until the counts satisfy done and returns them, or until ctx ends and returns an error that contains
// them.
func (s *Swarm) Await(ctx context.Context, done func(Counts) bool) (Counts, error) {
	tick := time.NewTicker(awaitLook)
	defer tick.Stop()
	for {
		if c := s.Counts(); done(c) {
			return c, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			c := s.Counts()
			return c, fmt.Errorf("%w with the streams at %+v", context.Cause(ctx), c)
		}
	}
}

// Close cuts every stream and ends the loops. It returns when they have ended. A second
// call does nothing; no other call may follow.
func (s *Swarm) Close() error {
	var failed []error
	for _, l := range s.loops {
		failed = append(failed, l.close())
	}
	s.loops = nil
	return errors.Join(failed...)
}
