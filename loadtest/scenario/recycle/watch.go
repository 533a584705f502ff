package recycle

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"studysharper/loadtest/client"
)

const (
	sampleEvery = 50 * time.Millisecond  // interval at which the live workers are counted
	pageEvery   = 500 * time.Millisecond // interval at which the metrics page is read
	pageTimeout = 10 * time.Second
	stateReady  = "ready"
)

// Page is the part of /api/admin/metrics that is read.
type Page struct {
	Workers  []Worker `json:"workers"`
	Recycles Recycles `json:"recycles"`
}

// Worker is one worker on the page.
type Worker struct {
	PID         int    `json:"pid"`
	Slot        int    `json:"slot"`
	State       string `json:"state"`
	Connections int    `json:"connections"`
	Streams     int    `json:"streams"`
}

// Recycles are the numbers of workers replaced since the server's start, by reason.
type Recycles struct {
	MaxRequests int64 `json:"max_requests"`
	Memory      int64 `json:"memory"`
	Timeout     int64 `json:"timeout"`
	Crash       int64 `json:"crash"`
	Reload      int64 `json:"reload"`
}

// Planned returns the number of recycles that no client may notice.
func (r Recycles) Planned() int64 { return r.MaxRequests + r.Memory + r.Reload }

// Unplanned returns the number of all others.
func (r Recycles) Unplanned() int64 { return r.Timeout + r.Crash }

// InSlot is the slot's worker that takes requests.
func (p Page) InSlot(slot int) (Worker, bool) {
	for _, w := range p.Workers {
		if w.Slot == slot && w.State == stateReady {
			return w, true
		}
	}
	return Worker{}, false
}

func (p Page) ready() int {
	n := 0
	for _, w := range p.Workers {
		if w.State == stateReady {
			n++
		}
	}
	return n
}

// fetchPage reads the metrics page over a connection of its own, so that it hangs on no worker longer than its answer takes.
func fetchPage(ctx context.Context, address netip.AddrPort) (Page, error) {
	var p Page
	conn, err := client.Dial(ctx, address, netip.Addr{}, pageTimeout)
	if err != nil {
		return p, err
	}
	defer conn.Close()
	response, err := conn.Do([]byte(fmt.Sprintf("GET /api/admin/metrics?hours=1 HTTP/1.1\r\nHost: %s\r\nX-Admin-Token: %s\r\nConnection: close\r\n\r\n",
		address, adminToken)), "")
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(response.Body, &p); err != nil {
		return p, fmt.Errorf("the metrics page: %w", err)
	}
	return p, conn.End()
}

// Seen is what a server's watch has seen so far.
type Seen struct {
	Most    int   // highest number of live workers
	Samples int64 // number of counts
	Last    Page  // the latest metrics page
	Reads   int64 // number of attempts to read it
	Unread  []error
}

// Seen returns what has been seen so far.
func (s *Server) Seen() Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	seen.Unread = slices.Clone(seen.Unread)
	return seen
}

// Recycled returns the number of planned recycles on the latest metrics page.
func (s *Server) Recycled() int64 { return s.Seen().Last.Recycles.Planned() }

// beginWatch samples until the function that it returns is called.
func (s *Server) beginWatch() (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var both sync.WaitGroup
	both.Go(func() { every(ctx, sampleEvery, s.sample) })
	both.Go(func() { every(ctx, pageEvery, func() { _, _ = s.Page(ctx) }) }) // recorded in Seen
	return func() { cancel(); both.Wait() }
}

func every(ctx context.Context, period time.Duration, do func()) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

func (s *Server) sample() {
	alive := len(children(s.PID))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Samples++
	s.seen.Most = max(s.seen.Most, alive)
}

// Page reads the metrics page now.
func (s *Server) Page(ctx context.Context) (Page, error) {
	p, err := fetchPage(ctx, s.address)
	if ctx.Err() != nil {
		return p, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Reads++
	if err != nil {
		s.seen.Unread = append(s.seen.Unread, err)
		return p, err
	}
	s.seen.Last = p
	return p, nil
}
