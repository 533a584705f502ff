package httpapi

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/httpserver"
	"studysharper/app/metrics"
	"studysharper/app/stream"
	"studysharper/app/web"
)

// probeWait bounds how long a probe waits for a neighbour.
const probeWait = time.Second

// The words for a component's state.
const (
	healthy  = "healthy"
	degraded = "degraded"
	enabled  = "enabled"
	disabled = "disabled"
)

// root answers a browser with the study desk, and everything else as the original does.
func (s *Server) root(c *fiber.Ctx) error {
	c.Vary(fiber.HeaderAccept)
	if c.Accepts(fiber.MIMEApplicationJSON, fiber.MIMETextHTML) == fiber.MIMETextHTML {
		return s.page(c, web.Desk)
	}
	return c.JSON(fiber.Map{"message": "StudySharper API", "version": s.o.Version, "status": healthy})
}

// health answers 200 also when degraded: a service that still serves must not be
// restarted by its platform.
func (s *Server) health(c *fiber.Ctx) error {
	failing, status := s.degradedComponents(), healthy
	if len(failing) > 0 {
		status = degraded
	}
	state := func(part string) string {
		if _, ok := failing[part]; ok {
			return degraded
		}
		return healthy
	}
	limits := disabled
	if len(s.o.Admission.Limits) > 0 {
		if limits = state("rate_limiting"); limits == healthy {
			limits = enabled
		}
	}
	model := state("llm")
	if model == healthy {
		model = s.o.Provider
	}
	return c.JSON(fiber.Map{
		"status":      status,
		"service":     "studysharper_backend",
		"version":     s.o.Version,
		"environment": s.o.Environment,
		"timestamp":   time.Now().UTC().Format(time.RFC3339),
		"components": fiber.Map{
			"database":      state("database"),
			"cache":         state("cache"),
			"events":        state("events"),
			"llm":           model,
			"monitoring":    state("database"),
			"rate_limiting": limits,
			"sse_streaming": state("events"),
		},
		"endpoints": fiber.Map{
			"process":        "/api/ai/process",
			"process_stream": "/api/ai/process-stream",
			"stream":         "/api/ai/stream/{session_id}",
			"notes":          "/api/notes",
			"preferences":    "/api/ai/preferences",
			"metrics":        "/api/admin/metrics",
		},
	})
}

func (s *Server) livez(c *fiber.Ctx) error {
	return c.JSON(fiber.Map{"status": "live"})
}

func (s *Server) readyz(c *fiber.Ctx) error {
	failing := s.failingComponents()
	if s.stopping.Load() {
		failing["worker"] = "draining"
	}
	if len(failing) > 0 {
		return c.Status(fiber.StatusServiceUnavailable).JSON(fiber.Map{"status": "not ready", "failing": failing})
	}
	return c.JSON(fiber.Map{"status": "ready"})
}

// degradedComponents is failingComponents, and what the service continues without.
func (s *Server) degradedComponents() map[string]string {
	degraded := s.failingComponents()
	for _, component := range s.o.Fleet.Degraded() {
		degraded[component] = "unavailable"
	}
	return degraded
}

// failingComponents asks the neighbours that every run needs, and says what is wrong with them.
func (s *Server) failingComponents() map[string]string {
	ctx, cancel := context.WithTimeout(s.lifetime, probeWait)
	defer cancel()
	failing := map[string]string{}
	err := s.o.Store.Ping(ctx)
	if down := err != nil; s.databaseDown.Swap(down) != down { // once for each time, with what no client reads
		s.o.Log.Warn("database availability changed", "available", !down, "error", err)
	}
	if err != nil {
		failing["database"] = "unavailable"
	}
	if _, err := s.o.Journal.Since(ctx, stream.Query{Session: probeSession, Peek: true}); err != nil {
		failing["events"] = "unavailable"
	}
	if !httpserver.DescriptorLeft() {
		failing["files"] = "no descriptor is left"
	}
	return failing
}

// probeSession is a session that never is: the nil UUID.
const probeSession = "00000000-0000-0000-0000-000000000000"

// adminMetrics answers for the whole container, whichever worker is asked.
func (s *Server) adminMetrics(c *fiber.Ctx) error {
	totals, err := s.totals(c)
	if err != nil {
		return err
	}
	board := s.o.Board.Snapshot()
	return c.JSON(fiber.Map{
		"status":     "success",
		"memory":     s.memory(board),
		"workers":    workers(board),
		"cache":      s.cache(board),
		"sse":        streaming(board),
		"runs":       runs(board),
		"llm":        fiber.Map{"provider": s.o.Provider, "open_breakers": board.Sum(metrics.ModelsOpen)},
		"recycles":   recycles(board),
		"hand_overs": fiber.Map{"passed": board.Total(metrics.HandOvers), "lost": board.Total(metrics.HandOversLost)},
		"metrics":    totals,
		"latency":    latency(board),
	})
}

func (s *Server) memory(board metrics.Snapshot) fiber.Map {
	own, _ := s.o.Cgroup.Memory() // no cgroup: zeros, as documented
	var limit *int64              // null: there is none
	if own.LimitBytes > 0 {
		limit = &own.LimitBytes
	}
	return fiber.Map{
		"container_bytes":      own.Container(),
		"peak_bytes":           own.PeakBytes,
		"limit_bytes":          limit,
		"oom_kills":            own.OOMKills,
		"supervisor_rss_bytes": board.Own.Gauge(metrics.RSSBytes),
	}
}

func workers(board metrics.Snapshot) []fiber.Map {
	list := make([]fiber.Map, 0, len(board.Workers))
	for _, w := range board.Workers {
		list = append(list, fiber.Map{
			"pid":            w.Gauge(metrics.PID),
			"slot":           w.Gauge(metrics.Slot),
			"generation":     w.Gauge(metrics.Generation),
			"state":          w.State().String(),
			"requests":       w.Count(metrics.Requests),
			"in_flight":      w.Gauge(metrics.InFlight),
			"connections":    w.Gauge(metrics.Connections),
			"streams":        w.Gauge(metrics.Streams),
			"rss_bytes":      w.Gauge(metrics.RSSBytes),
			"anon_bytes":     w.Gauge(metrics.AnonymousBytes),
			"heap_bytes":     w.Gauge(metrics.HeapBytes),
			"goroutines":     w.Gauge(metrics.Goroutines),
			"uptime_seconds": secondsSince(w.Gauge(metrics.Started)),
		})
	}
	return list
}

// cache sums the workers' caches; each of them has the bounds of the settings.
func (s *Server) cache(board metrics.Snapshot) fiber.Map {
	const megabyte = 1 << 20
	n := int64(len(board.Workers))
	return fiber.Map{
		"backend":                  s.o.Cache.Backend,
		"items":                    board.Sum(metrics.CacheItems),
		"max_items":                int64(s.o.Cache.MaxItems) * n,
		"estimated_size_mb":        float64(board.Sum(metrics.CacheBytes)) / megabyte,
		"max_size_mb":              float64(s.o.Cache.MaxBytes*n) / megabyte,
		"hits":                     board.Total(metrics.CacheHits),
		"misses":                   board.Total(metrics.CacheMisses),
		"evictions":                board.Total(metrics.CacheEvictions),
		"oldest_entry_age_seconds": secondsSince(board.Oldest(metrics.CacheOldest)),
	}
}

func streaming(board metrics.Snapshot) fiber.Map {
	return fiber.Map{
		"active_connections":            board.Sum(metrics.Streams),
		"sessions":                      board.Own.Gauge(metrics.Sessions),
		"queued_events":                 board.Own.Gauge(metrics.QueuedEvents),
		"dropped_events":                board.Total(metrics.DroppedEvents),
		"oldest_connection_age_seconds": secondsSince(board.Oldest(metrics.OldestStream)),
	}
}

func runs(board metrics.Snapshot) fiber.Map {
	return fiber.Map{
		"active":    board.Sum(metrics.RunsActive),
		"queued":    board.Sum(metrics.RunsQueued),
		"completed": board.Total(metrics.RunsCompleted),
		"failed":    board.Total(metrics.RunsFailed),
		"shed":      board.Total(metrics.RunsShed),
	}
}

func recycles(board metrics.Snapshot) fiber.Map {
	return fiber.Map{
		"max_requests": board.Total(metrics.RecycledRequests),
		"memory":       board.Total(metrics.RecycledMemory),
		"timeout":      board.Total(metrics.RecycledTimeout),
		"crash":        board.Total(metrics.RecycledCrash),
		"reload":       board.Total(metrics.RecycledReload),
	}
}

// latency is how long things took within the last minute.
func latency(board metrics.Snapshot) fiber.Map {
	of := func(subject int) fiber.Map {
		l := board.Latency(subject)
		return fiber.Map{"count": l.Count, "p50_ms": milliseconds(l.P50), "p95_ms": milliseconds(l.P95), "p99_ms": milliseconds(l.P99)}
	}
	return fiber.Map{
		"window_seconds": metrics.RecentSpan.Seconds(),
		"requests":       of(metrics.RecentRequests),
		"runs":           of(metrics.RecentRuns),
		"upstream":       of(metrics.RecentUpstream),
	}
}

// milliseconds is a duration with three digits behind the point.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// secondsSince is the age of a moment in Unix nanoseconds; 0 for none.
func secondsSince(at int64) float64 {
	if at == 0 {
		return 0
	}
	return time.Since(time.Unix(0, at)).Round(time.Millisecond).Seconds()
}
