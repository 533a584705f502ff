package measure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"studysharper/loadtest/client"
	"studysharper/loadtest/pace"
)

const (
	every      = time.Second // interval of readings
	timeout    = 5 * time.Second
	maxSamples = 14_400 // 4 hours; in a longer run, every second reading is dropped, repeatedly
)

// Sample is one reading.
type Sample struct {
	At       float64          `json:"t"`               // seconds since the run began
	Memory   int64            `json:"container_bytes"` // of the container; of the processes if there is none
	RSS      int64            `json:"rss_bytes"`       // of the processes; shared memory counts for each
	Limit    int64            `json:"limit_bytes"`     // 0 = unknown
	Workers  int              `json:"workers"`         // including those that are starting or draining
	Recycles map[string]int64 `json:"recycles"`        // since the service started, by reason
	Hits     int64            `json:"cache_hits"`
	Misses   int64            `json:"cache_misses"`
	Items    int64            `json:"cache_items"`
	Streams  int64            `json:"streams"`
	Runs     int64            `json:"runs_active"`
	Shed     int64            `json:"runs_shed"`
	OOMKills int64            `json:"oom_kills"`
}

// Recycled returns the sum of Recycles.
func (s Sample) Recycled() int64 {
	var sum int64
	for _, n := range s.Recycles {
		sum += n
	}
	return sum
}

// ErrToken means that the service rejects the admin token.
var ErrToken = errors.New("the service refuses the admin token")

// Sampler reads /api/admin/metrics once a second. Make it with NewSampler.
type Sampler struct {
	conn    client.Client
	request client.Request

	mu      sync.Mutex
	samples []Sample
	step    time.Duration
	failed  int
}

// NewSampler returns a Sampler without readings.
func NewSampler(target *client.Target, token string) *Sampler {
	return &Sampler{conn: client.Client{Target: target}, step: every,
		request: target.Request("GET", "/api/admin/metrics", nil, client.Options{Header: "X-Admin-Token: " + token + "\r\n"})}
}

// Check takes one reading before a run, to find out whether that works, and keeps it as the
// first. Its error is ErrToken or gives the reason.
func (s *Sampler) Check(ctx context.Context) (Sample, error) {
	sample, err := s.read(ctx)
	if err == nil {
		s.keep(sample, nil)
	}
	return sample, err
}

// Run takes readings until ctx ends, and then a last one, so that even a short run has two. began is when the run
// began.
func (s *Sampler) Run(ctx context.Context, began time.Time) {
	defer s.conn.Close()
	for next := began.Add(s.step); pace.Sleep(ctx, time.Until(next)); next = next.Add(s.step) {
		s.take(ctx, began)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	s.take(last, began)
}

// take takes a reading and keeps it; a reading cut short by the end of the run does not count.
func (s *Sampler) take(ctx context.Context, began time.Time) {
	sample, err := s.read(ctx)
	sample.At = time.Since(began).Seconds()
	if ctx.Err() == nil {
		s.keep(sample, err)
	}
}

func (s *Sampler) keep(sample Sample, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed++
		return
	}
	s.samples = append(s.samples, sample)
	if len(s.samples) < maxSamples {
		return
	}
	for i := range maxSamples / 2 {
		s.samples[i] = s.samples[2*i]
	}
	s.samples = s.samples[:maxSamples/2]
	s.step *= 2
}

// Samples returns the readings so far, and how many failed.
func (s *Sampler) Samples() (all []Sample, failed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(all, s.samples...), s.failed
}

// Last returns the newest reading.
func (s *Sampler) Last() (Sample, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.samples) == 0 {
		return Sample{}, false
	}
	return s.samples[len(s.samples)-1], true
}

// page is the part of the service's answer that is read.
type page struct {
	Memory struct {
		Container  int64 `json:"container_bytes"`
		Limit      int64 `json:"limit_bytes"`
		OOMKills   int64 `json:"oom_kills"`
		Supervisor int64 `json:"supervisor_rss_bytes"`
	} `json:"memory"`
	Workers []struct {
		RSS int64 `json:"rss_bytes"`
	} `json:"workers"`
	Cache struct {
		Hits, Misses, Items int64
	} `json:"cache"`
	SSE struct {
		Active int64 `json:"active_connections"`
	} `json:"sse"`
	Runs struct {
		Active, Shed int64
	} `json:"runs"`
	Recycles map[string]int64 `json:"recycles"`
}

func (s *Sampler) read(ctx context.Context) (Sample, error) {
	a, err := s.conn.Do(ctx, s.request, timeout)
	switch {
	case a.Status == 401 || a.Status == 403:
		return Sample{}, ErrToken
	case err != nil:
		return Sample{}, fmt.Errorf("/api/admin/metrics: %w", err)
	}
	var p page
	if err := json.Unmarshal(a.Body, &p); err != nil || p.Workers == nil {
		return Sample{}, errors.New("/api/admin/metrics: not an answer of this service")
	}
	return p.sample(), nil
}

func (p page) sample() Sample {
	s := Sample{Memory: p.Memory.Container, Limit: p.Memory.Limit, Workers: len(p.Workers), Recycles: p.Recycles, Hits: p.Cache.Hits,
		Misses: p.Cache.Misses, Items: p.Cache.Items, Streams: p.SSE.Active, Runs: p.Runs.Active, Shed: p.Runs.Shed, OOMKills: p.Memory.OOMKills}
	s.RSS = p.Memory.Supervisor
	for _, w := range p.Workers {
		s.RSS += w.RSS
	}
	if s.Memory == 0 { // no control group
		s.Memory = s.RSS
	}
	return s
}
