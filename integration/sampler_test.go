package integration

import (
	"testing"
	"time"
)

const (
	sampleEvery = 100 * time.Millisecond
	// mostMoments of a curve are kept: 20 minutes of them. Of a longer one the higher of each two is, again and again.
	mostMoments = 12_000
)

// moment is one point of a curve, in bytes.
type moment struct {
	At     float64 `json:"t"` // seconds since the curve began
	Held   int64   `json:"held"`
	Anon   int64   `json:"anon"`
	Kernel int64   `json:"kernel"`
}

// curve is memory over time.
type curve struct {
	moments []moment
	stride  int // readings that are one moment
	merged  int // of the last moment; 0 = it is whole
}

// add takes in a reading; of those that are one moment the highest stays.
func (c *curve) add(m moment) {
	if last := len(c.moments) - 1; c.merged == 0 {
		c.moments = append(c.moments, m)
	} else if m.Held > c.moments[last].Held {
		c.moments[last] = m
	}
	c.stride = max(c.stride, 1)
	c.merged = (c.merged + 1) % c.stride
	if len(c.moments) == mostMoments && c.merged == 0 {
		c.halve()
	}
}

func (c *curve) halve() {
	half := c.moments[:0]
	for i := 0; i < len(c.moments); i += 2 {
		higher := c.moments[i]
		if c.moments[i+1].Held > higher.Held {
			higher = c.moments[i+1]
		}
		half = append(half, higher)
	}
	c.moments = half
	c.stride *= 2
}

// sampler reads a container's memory every 100 ms until it is stopped.
type sampler struct {
	read  func() (reading, error)
	began time.Time
	stop  chan struct{}
	done  chan struct{}

	// Safe to read once done is closed.
	curve   curve
	peak    int64 // highest reading
	highest int64 // what was held at most since the container's start, by the kernel's own peak too
	last    reading
	err     error
}

func sample(t *testing.T, group cgroup) *sampler {
	t.Helper()
	return sampling(group.read)
}

// sample is sample of its control group, with the sockets' buffers, on v1 too.
func (h *hosted) sample() *sampler { return sampling(h.read) }

func sampling(read func() (reading, error)) *sampler {
	s := &sampler{read: read, began: time.Now(), stop: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *sampler) run() {
	defer close(s.done)
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for s.take() {
		select {
		case <-s.stop:
			s.take()
			return
		case <-tick.C:
		}
	}
}

// take reads once; false: that failed.
func (s *sampler) take() bool {
	now, err := s.read()
	if s.err = err; err != nil {
		return false
	}
	before := s.last
	if len(s.curve.moments) == 0 {
		before = reading{inactiveFile: now.inactiveFile} // the start's peak counts, less what is inactive now
	}
	s.last = now
	s.peak = max(s.peak, now.held())
	s.highest = max(s.highest, now.peakSince(before))
	s.curve.add(moment{time.Since(s.began).Seconds(), now.held(), now.anon, now.kernel})
	return true
}

// end stops the sampling, after one last reading, and returns that and what was held at most since the container's start.
func (s *sampler) end(t *testing.T) (int64, reading) {
	t.Helper()
	close(s.stop)
	<-s.done
	if s.err != nil {
		t.Fatalf("reading the control group: %v", s.err)
	}
	return s.highest, s.last
}

func TestACurveIsKeptWholeAndBounded(t *testing.T) {
	const top = 77_777
	var c curve
	for i := range 10 * mostMoments {
		m := moment{At: float64(i), Held: 1000}
		if i == top {
			m.Held = 2000
		}
		c.add(m)
		if i == mostMoments-2 && len(c.moments) != mostMoments-1 {
			t.Errorf("of %d readings %d are kept", i+1, len(c.moments))
		}
	}
	highest := 0
	for i, m := range c.moments {
		if i > 0 && m.At <= c.moments[i-1].At {
			t.Fatalf("moment %d is at %v behind %v", i, m.At, c.moments[i-1].At)
		}
		if m.Held == 2000 && m.At == top {
			highest++
		}
	}
	if n := len(c.moments); n > mostMoments || n < mostMoments/2 || highest != 1 {
		t.Errorf("%d moments are kept, the highest %d times", n, highest)
	}
}

func TestASamplerKeepsTheCurveAndThePeakBetweenTwoReadings(t *testing.T) {
	const enough = 5
	var n int64
	reached := make(chan struct{})
	s := sampling(func() (reading, error) {
		if n++; n == enough {
			close(reached)
		}
		r := reading{usage: 100 + n, inactiveFile: 10, anon: 20, kernel: 5, peak: 150}
		if n >= 3 {
			r.peak = 400
		}
		return r, nil
	})
	<-reached
	highest, last := s.end(t)
	if highest != 390 || s.peak != last.held() || last.usage != 100+n || len(s.curve.moments) != int(n) {
		t.Errorf("at most %d, sampled %d, the last %+v of %d readings, %d moments", highest, s.peak, last, n, len(s.curve.moments))
	}
	if first := s.curve.moments[0]; first.Held != 91 || first.Anon != 20 || first.Kernel != 5 {
		t.Errorf("the first is %+v", first)
	}
}
