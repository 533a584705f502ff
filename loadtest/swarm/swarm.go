// Package swarm is a client of tens of thousands of event streams at once, made to take as little of a machine as it can,
// because it shares that machine with the service it measures. The one idea: no goroutine and no buffer for a stream. A few
// loops (epoll(7)) read whatever is readable into one buffer each, and keep of a stream its position, its counts and, at most,
// an event of which a part has come.
//
// It reads what this service sends: responses that end with their connection, events of one data line whose JSON begins with
// type and seq. It never tries again by itself; to resume a stream, open it again.
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

// Options are what a Swarm reads from, and how.
type Options struct {
	Address netip.AddrPort // of the service; IPv4
	Loops   int            // goroutines that read; default 1
	// Gather is how long a loop lets more become readable after it has read all there was. Events are stamped when they are
	// read, up to so much later then, but a server on the same cores is not interrupted for each of them. Default 0.
	Gather  time.Duration
	Opening int    // streams between connect and the response's head at once, a loop; default 128
	Host    string // what requests name as their host; default: Address
	Header  string // further lines of every request, each with its CRLF
	// Opened and Left, if not nil, are called when a stream's response has come, and when a stream was ended by the server,
	// broke, was refused or could not be opened: not when it was cut. They are called as Took is, on a stream's state then.
	Opened, Left func(*Stream, State)
	// Took, if not nil, is called for every event, on a loop's goroutine, in order
	// for a stream. It must not block, nor call the Swarm or the Stream.
	Took func(*Stream, Event)
}

// Counts are of everything a Swarm has done. Each opening comes to be one of Opened, Refused and Failed, unless it is cut
// before; each stream that was opened, one of Ended and Broken, unless it is cut.
type Counts struct {
	Opened  int64 // responses that are event streams
	Refused int64 // responses with another status than 200
	Failed  int64 // no connection, or no response that this package knows
	Open    int64 // streams being read now
	Ended   int64 // by the server, behind a terminal event
	Broken  int64 // in any other way
	Events  int64
	Lost    int64 // numbers that were skipped, those that a gap event owned up to included
	Doubled int64 // events whose number was not new
	Gaps    int64 // gap events
	Wrong   int64 // invalid events, or whose id does not name their number
}

// counters is Counts while they change.
type counters struct {
	opened, refused, failed, open, ended, broken, events, lost, doubled, gaps, wrong atomic.Int64
}

// Swarm reads many streams. Make it with Start; Close it.
type Swarm struct {
	o      Options
	counts counters
	loops  []*loop
	next   atomic.Uint64 // whose turn it is to get a stream
}

// Start starts the loops, each a goroutine, and raises this process's limit of open files to what it may be.
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

// Stream makes a stream of a path, which Open opens. o is for its connections.
func (s *Swarm) Stream(path string, o StreamOptions) *Stream {
	l := s.loops[s.next.Add(1)%uint64(len(s.loops))]
	return &Stream{loop: l, path: path, o: o, fd: -1}
}

// Open asks for streams, each after the last event it received (Last-Event-ID), or from the beginning. It
// returns at once. A stream that is open, or waits to be, is left as it is.
func (s *Swarm) Open(streams ...*Stream) {
	for l, own := range byLoop(streams) {
		l.do(func() { l.queue = append(l.queue, own...) })
	}
}

// How a connection is cut.
type How int

// The ways to leave.
const (
	FIN How = iota // an orderly end: the server sees it when it reads
	RST            // a reset: the server's next write fails
)

// Cut ends the connections of streams, and returns when they have ended. What was
// not read by then is thrown away. A stream may be opened again.
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

// Counts returns the counts as they are now.
func (s *Swarm) Counts() Counts {
	c := &s.counts
	return Counts{
		Opened: c.opened.Load(), Refused: c.refused.Load(), Failed: c.failed.Load(), Open: c.open.Load(), Ended: c.ended.Load(), Broken: c.broken.Load(),
		Events: c.events.Load(), Lost: c.lost.Load(), Doubled: c.doubled.Load(), Gaps: c.gaps.Load(), Wrong: c.wrong.Load(),
	}
}

// Await blocks until the counts satisfy done, and returns them; or until ctx ends, with an error that contains them.
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

// Close cuts every stream and ends the loops. It returns when they have ended; a
// second call does nothing. No other call may follow.
func (s *Swarm) Close() error {
	var failed []error
	for _, l := range s.loops {
		failed = append(failed, l.close())
	}
	s.loops = nil
	return errors.Join(failed...)
}
