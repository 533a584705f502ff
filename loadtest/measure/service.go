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
	every      = time.Second // between two readings
	timeout    = 5 * time.Second
	maxSamples = 14_400 // 4 hours; of a longer run each second reading is left out, again and again
)

// Sample is one reading.
type Sample struct {
	At       float64          `json:"t"`               // seconds since the run began
	Memory   int64            `json:"container_bytes"` // of the container; of the processes, where there is none
	RSS      int64            `json:"rss_bytes"`       // of the processes, what they share counted for each
	Limit    int64            `json:"limit_bytes"`     // 0 = none is known
	Workers  int              `json:"workers"`         // those that boot or drain included
	Recycles map[string]int64 `json:"recycles"`        // since the service began, by reason
	Hits     int64            `json:"cache_hits"`
	Misses   int64            `json:"cache_misses"`
	Items    int64            `json:"cache_items"`
	Streams  int64            `json:"streams"`
	Runs     int64            `json:"runs_active"`
	Shed     int64            `json:"runs_shed"`
	OOMKills int64            `json:"oom_kills"`
}

// Recycled is the sum of Recycles.
func (s Sample) Recycled() int64 {
	var sum int64
	for _, n := range s.Recycles {
		sum += n
	}
	return sum
}

// ErrToken means that the admin token is not the service's.
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

// NewSampler makes a Sampler that has read nothing.
func NewSampler(target *client.Target, token string) *Sampler {
	return &Sampler{conn: client.Client{Target: target}, step: every,
		request: target.Request("GET", "/api/admin/metrics", nil, client.Options{Header: "X-Admin-Token: " + token + "\r\n"})}
}

// Check reads once before a run, to know whether it can be done, and keeps that as
// the first reading. Its error is ErrToken or says why not.
func (s *Sampler) Check(ctx context.Context) (Sample, error) {
	sample, err := s.read(ctx)
	if err == nil {
		s.keep(sample, nil)
	}
	return sample, err
}

// Run reads until ctx ends, and once more then, so that even a short run has two readings. began is when the run did.
func (s *Sampler) Run(ctx context.Context, began time.Time) {
	defer s.conn.Close()
	for next := began.Add(s.step); pace.Sleep(ctx, time.Until(next)); next = next.Add(s.step) {
		s.take(ctx, began)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	s.take(last, began)
}

// take reads and keeps; a reading that the end of the run cut short does not count.
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

// page is what is read of the service's answer.
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
		return Sample{}, errors.New("/api/admin/metrics does not answer as this service's does")
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
