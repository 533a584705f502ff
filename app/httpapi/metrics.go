package httpapi

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/metrics"
	"studysharper/app/study"
)

// adminMetrics answers GET /api/admin/metrics for the whole container, whichever worker answers.
func (s *Server) adminMetrics(c *fiber.Ctx) error {
	totals, err := s.totals(c)
	if err != nil {
		return err
	}
	board := s.o.Board.Snapshot()
	limits, err := s.limits(board)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{
		"status":     "success",
		"memory":     s.memory(board),
		"workers":    workers(board),
		"cache":      s.cache(board),
		"sse":        streaming(board),
		"runs":       runs(board),
		"limits":     limits,
		"llm":        fiber.Map{"provider": s.o.Provider, "open_breakers": board.Sum(metrics.ModelsOpen)},
		"recycles":   recycles(board),
		"hand_overs": fiber.Map{"passed": board.Total(metrics.HandOvers), "lost": board.Total(metrics.HandOversLost)},
		"metrics":    totals,
		"latency":    latency(board),
	})
}

func (s *Server) memory(board metrics.Snapshot) fiber.Map {
	own, _ := s.o.Cgroup.Memory() // no cgroup: zeros, as documented
	var limit *int64              // null: no limit
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

// cache sums the workers' caches; the limits in the settings are per worker.
func (s *Server) cache(board metrics.Snapshot) fiber.Map {
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

// limits are the limits on what costs the operator money, and the amounts used.
func (s *Server) limits(board metrics.Snapshot) (fiber.Map, error) {
	all, _, err := s.o.Store.Tokens(s.lifetime, "", time.Now())
	if err != nil {
		return nil, err
	}
	m := fiber.Map{"refused_runs": board.Total(metrics.RunsLimited), "tokens_today": all, "tokens_per_day": int64(0), "tokens_per_day_per_user": int64(0), "free_disk_bytes": int64(0)}
	if calls := s.o.Admission.Calls; calls != nil {
		m["tokens_per_day"], m["tokens_per_day_per_user"] = calls.Tokens, calls.Own
	}
	if s.o.Disk != nil {
		m["free_disk_bytes"] = max(0, s.o.Disk.Space())
	}
	return m, nil
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

// latency returns percentiles of the last minute.
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

// milliseconds returns a duration in milliseconds, rounded down to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// secondsSince returns the age of a time given in Unix nanoseconds; 0 for 0.
func secondsSince(at int64) float64 {
	if at == 0 {
		return 0
	}
	return time.Since(time.Unix(0, at)).Round(time.Millisecond).Seconds()
}

// totals sums the runs of the last ?hours=. With hours=0 it returns nil: the sum reads every run of that time, which is
// too much for a page that refreshes every second.
func (s *Server) totals(c *fiber.Ctx) (*study.Totals, error) {
	if c.Query("hours") == "0" {
		return nil, nil
	}
	hours, err := numberOf(c, "hours", 24, 24*30)
	if err != nil {
		return nil, err
	}
	totals, err := s.o.Store.Totals(s.lifetime, time.Now().Add(-time.Duration(hours)*time.Hour))
	return &totals, err
}
