package recycle

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"studysharper/loadtest/client"
	"studysharper/loadtest/pace"
)

const (
	balanceGoal = .6              // the busiest worker's share
	settleTime  = 2 * time.Second // during which connections may still move
	// recycleWait is the time for every worker to be recycled. All rounds together must stay
	// below the minute for which a stream without a post is held open.
	recycleWait = 8 * time.Second
)

// held is what is to be distributed over the workers.
type held interface {
	// open makes all connections, one after another: no connection is made while another
	// one's request keeps a worker from accepting, since that would skew the distribution.
	open(context.Context) error
	ports() []int
	// drive makes requests until ctx ends.
	drive(context.Context)
	// close returns how much was held open or requested, and what failed.
	close() *tally
}

// balance measures the distribution of connections, and then of streams, over workers that recycle.
func (b *bench) balance(ctx context.Context) error {
	return b.with(ctx, b.recycling(), true, func(ctx context.Context, s *Server) error {
		if err := b.spread(ctx, s, "connections", &heldConnections{to: s.Address(), n: b.o.connections}); err != nil {
			return err
		}
		return b.spread(ctx, s, "streams", &heldStreams{to: s.Address(), n: b.o.connections, tally: newTally()})
	})
}

// spread measures the share of the busiest worker at rest and, in rounds, after as many recycles as there are workers.
func (b *bench) spread(ctx context.Context, s *Server, what string, h held) error {
	if err := h.open(ctx); err != nil {
		h.close()
		return err
	}
	share, words := b.settled(ctx, s, h.ports())
	rest := atMost("balance", "busiest worker's share of "+what+", at rest", share, balanceGoal, int64(b.o.connections))
	rest.Note = words
	var worst float64
	var rounds int64
	for range b.o.balanceRounds {
		if !b.recycle(ctx, s, h) {
			break
		}
		share, now := b.settled(ctx, s, h.ports())
		if rounds++; share >= worst {
			worst, words = share, now
		}
	}
	t := h.close()
	after := atMost("balance", fmt.Sprintf("... after each %d recycles, highest", b.o.workers), worst, balanceGoal, rounds)
	after.Note = words
	if rounds < int64(b.o.balanceRounds) {
		after.Pass, after.Note = false, fmt.Sprintf("the workers did not recycle within %v", recycleWait)
	}
	b.add(rest, after, zeroOf("balance", what+" failed", t.failures, t.requests).withFailures(t))
	return ctx.Err()
}

// recycle makes requests until as many workers have been recycled as there are, and reports whether they were.
func (b *bench) recycle(ctx context.Context, s *Server, h held) bool {
	until := s.Recycled() + int64(b.o.workers)
	driving, cancel := context.WithTimeout(ctx, recycleWait)
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); h.drive(driving) }()
	for driving.Err() == nil && s.Recycled() < until {
		pace.Sleep(driving, sampleWait)
	}
	cancel()
	<-done
	return s.Recycled() >= until
}

// sampleWait is the pause between two checks.
const sampleWait = 50 * time.Millisecond

// settled returns the busiest worker's share of the ports, once it meets the goal or time is up, and how many each
// worker has.
func (b *bench) settled(ctx context.Context, s *Server, ports []int) (share float64, words string) {
	for end := time.Now().Add(settleTime); ; {
		p, err := s.Page(ctx)
		if err != nil {
			return 1, err.Error()
		}
		share, words = shareOf(p.Workers, s.Clients, ports)
		if share <= balanceGoal || time.Now().After(end) || !pace.Sleep(ctx, sampleWait) {
			return share, words
		}
	}
}

// shareOf finds out from the kernel which worker has which of the ports. Ports that no
// worker has count as one worker's: they are closed, or being handed over.
func shareOf(workers []Worker, clients func(pid int) map[int]bool, ports []int) (share float64, words string) {
	most, left := 0, len(ports)
	for _, w := range workers {
		n, on := 0, clients(w.PID)
		for _, port := range ports {
			if on[port] {
				n++
			}
		}
		most, left = max(most, n), left-n
		words += fmt.Sprintf("slot %d (%s): %d, %d by its own count; ", w.Slot, w.State, n, w.Connections+w.Streams)
	}
	return float64(max(most, left)) / float64(max(len(ports), 1)), words + fmt.Sprintf("none: %d", left)
}

// heldConnections are connections kept alive.
type heldConnections struct {
	to      netip.AddrPort
	n       int
	clients []*requester
}

func (h *heldConnections) open(context.Context) error {
	l := &load{to: h.to}
	for i := range h.n {
		c := &requester{load: l, number: i, tally: newTally()}
		h.clients = append(h.clients, c)
		c.once()
		if c.conn == nil {
			return fmt.Errorf("connection %d of %d: %s", i+1, h.n, c.tally.words())
		}
	}
	return nil
}

func (h *heldConnections) ports() []int {
	var ports []int
	for _, c := range h.clients {
		if c.conn == nil { // the last answer said Connection: close
			c.once()
		}
		if c.conn != nil {
			ports = append(ports, c.conn.Port())
		}
	}
	return ports
}

func (h *heldConnections) drive(ctx context.Context) {
	for ctx.Err() == nil {
		for _, c := range h.clients {
			c.once()
		}
	}
}

func (h *heldConnections) close() *tally {
	total := newTally()
	for _, c := range h.clients {
		c.leave()
		total.add(c.tally)
	}
	return total
}

// heldStreams are streams that wait for a run that never begins; the server holds them open for a minute.
type heldStreams struct {
	to      netip.AddrPort
	n       int
	conns   []*client.Conn
	reading sync.WaitGroup
	over    atomic.Bool
	tally   *tally
}

func (h *heldStreams) open(ctx context.Context) error {
	for i := range h.n {
		conn, err := client.Dial(ctx, h.to, netip.Addr{}, exchangeTimeout)
		if err != nil {
			return err
		}
		h.conns = append(h.conns, conn)
		stream, err := conn.Stream(fmt.Appendf(nil, "GET /api/ai/stream/%s HTTP/1.1\r\nHost: %s\r\n\r\n", uuid.NewString(), h.to), streamSilence)
		if err != nil {
			return fmt.Errorf("stream %d of %d: %w", i+1, h.n, err)
		}
		h.reading.Go(func() { h.hold(stream) })
	}
	return nil
}

// hold reads a stream on which nothing may arrive and which may not end.
func (h *heldStreams) hold(stream *client.Events) {
	e, err := stream.Next()
	if h.over.Load() {
		return
	}
	if err == nil {
		err = fmt.Errorf("a stream without a post got %q: %s", e.Type, e.ErrorMsg)
	}
	h.tally.mu.Lock()
	defer h.tally.mu.Unlock()
	h.tally.fail(err)
}

func (h *heldStreams) ports() []int {
	ports := make([]int, len(h.conns))
	for i, conn := range h.conns {
		ports[i] = conn.Port()
	}
	return ports
}

func (h *heldStreams) drive(ctx context.Context) {
	h.tally.add((&load{to: h.to, clients: 2}).run(ctx))
}

func (h *heldStreams) close() *tally {
	h.over.Store(true)
	for _, conn := range h.conns {
		conn.Close()
	}
	h.reading.Wait()
	h.tally.requests += int64(len(h.conns))
	return h.tally
}
