package memory

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

// The limits of the original backend's checklist, in bytes, followed by ours.
const (
	seedIdle     = 100_000_000
	seedLoaded   = 150_000_000
	seedGrowth   = 20_000_000 // of memory over some requests
	seedItems    = 50
	seedMB       = 10
	seedQueue    = 100
	seedSuccess  = 0.95
	growthBound  = 8_000_000 // of memory that the kernel cannot reclaim
	leavingBound = 6_000_000 // the same, for a thousand streams that have ended
)

// TestSeedChecklist contains the checks that the operations document of the original backend asks of an operator, one
// test each.
func TestSeedChecklist(t *testing.T) {
	t.Run("cache", seedCache)
	t.Run("large items", seedLargeItems)
	t.Run("streams", seedStreams)
	t.Run("no stale connections after the stale time", seedStale)
	t.Run("requests do not accumulate", seedAccumulation)
	t.Run("workers cycle after MAX_REQUESTS", seedCycling)
	t.Run("load", seedUnderLoad)
}

// seedService runs the service with a model that answers with the given function.
func seedService(t *testing.T, answer func(fakellm.Request) string, settings map[string]string) *harness.Instance {
	t.Helper()
	all := harness.ModelSettings(harness.StartModel(t, answer))
	for name, value := range map[string]string{"MAX_REQUESTS": "0", "RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0"} {
		all[name] = value
	}
	for name, value := range settings {
		all[name] = value
	}
	return harness.StartInstance(t, harness.Image, all)
}

// sized requests an answer of size bytes over a connection, and reports whether it came from the cache.
func sized(l *harness.Conn, t *testing.T, n, size int) (cached bool) {
	t.Helper()
	got, err := l.Send(http.MethodPost, harness.ChatURL, map[string]any{"type": "chat", "user_id": harness.UserID,
		"message": fmt.Sprintf("Tell me all of light, part %d of worker %d, in exactly %d bytes", n, l.Worker, size)})
	if err != nil || got.Status != http.StatusOK || len(got.Body) < size {
		t.Fatalf("answer %d: status %d, %v, %d bytes: %.200s", n, got.Status, err, len(got.Body), got.Body)
	}
	return got.Header.Get("X-Cache") == "HIT"
}

// seedCache checks that the cache is limited: `cache.get_stats()` shows at most 50 items and 10 MB, in each worker.
func seedCache(t *testing.T) {
	h := seedService(t, sizedAnswer, nil)
	lines := h.ConnsPerWorker(t, 1)
	ask := func(from, to, size int) {
		for n := from; n < to; n++ {
			for _, worker := range h.Workers {
				sized(lines[worker][0], t, n, size)
			}
		}
	}
	t.Run("at most 50 items", func(t *testing.T) {
		ask(0, seedItems+10, 1000)
		m := h.AwaitMetrics(t, func(m harness.Metrics) bool { return m.Cache.Items == 2*seedItems && m.Cache.Evictions > 0 })
		if m.Cache.Items != 2*seedItems || m.Cache.MaxItems != 2*seedItems || m.Cache.Evictions == 0 {
			t.Errorf("two full caches are %+v", m.Cache)
		}
	})
	t.Run("at most 10 MB", func(t *testing.T) {
		const each = 400_000
		ask(100, 130, each)
		full := func(m harness.Metrics) bool { return m.Cache.Items < 2*seedItems && m.Cache.Megabytes > 0.9*2*seedMB }
		m := h.AwaitMetrics(t, full)
		harness.Figure("seed: both caches, full of 400 kB answers", fmt.Sprintf("%.1f MiB", m.Cache.Megabytes), "≤ 20 MiB")
		if !full(m) || m.Cache.Megabytes > 2*seedMB || m.Cache.MaxMegabytes != 2*seedMB {
			t.Errorf("two full caches are %+v", m.Cache)
		}
	})
}

// seedLargeItems checks that an item over half of the cache's size is answered and not cached, and that a smaller one
// is cached.
func seedLargeItems(t *testing.T) {
	const half = 512 << 10
	h := seedService(t, sizedAnswer, map[string]string{"CACHE_MAX_MB": "1"})
	line := h.ConnsPerWorker(t, 1)[h.Workers[0]][0]
	twice := func(n, size int) bool {
		sized(line, t, n, size)
		return sized(line, t, n, size)
	}
	if !twice(1, half-20_000) {
		t.Error("an answer of a little less than half of the cache's size is not cached")
	}
	if twice(2, half+1) {
		t.Error("an answer of more than half of the cache's size is cached")
	}
	if m := h.Metrics(t); m.Cache.Megabytes > 1 {
		t.Errorf("the caches hold %+v", m.Cache)
	}
}

// seedAccumulation checks that memory does not grow between 10 and 50 requests.
func seedAccumulation(t *testing.T) {
	h := seedService(t, fakellm.EchoAnswer, nil)
	asked := 0
	ask := func(requests int) {
		for range requests {
			asked++
			h.Call(t, http.MethodPost, harness.ChatURL, map[string]any{"type": "chat", "user_id": harness.UserID,
				"message": fmt.Sprintf("What is light, question %d?", asked)}, http.StatusOK, nil)
		}
	}
	ask(10) // everything that is allocated once
	for _, requests := range []int{10, 50} {
		t.Run(fmt.Sprintf("%d requests", requests), func(t *testing.T) {
			before := h.Memory(t).Kept()
			ask(requests)
			grew := h.AwaitKept(t, before+growthBound) - before
			harness.Figure(fmt.Sprintf("seed: growth over %d requests", requests), harness.Amount(grew), "≤ "+harness.Amount(growthBound))
			if grew > growthBound || grew > seedGrowth {
				t.Errorf("%d requests left %d bytes behind, want at most %d", requests, grew, growthBound)
			}
		})
	}
}

// seedCycling checks that the log shows workers being recycled after MAX_REQUESTS.
func seedCycling(t *testing.T) {
	const most = 20
	h := seedService(t, fakellm.EchoAnswer, map[string]string{"MAX_REQUESTS": fmt.Sprint(most), "MAX_REQUESTS_JITTER": "0", "MIN_WORKER_AGE": "0"})
	lines := h.ConnsPerWorker(t, 1)
	for n := range 2 * most {
		for _, worker := range h.Workers {
			sized(lines[worker][0], t, n, 0)
		}
	}
	replaced := func(m harness.Metrics) bool { return m.Recycles["max_requests"] >= 2 && m.Settled() }
	if m := h.AwaitMetrics(t, replaced); !replaced(m) {
		t.Errorf("after %d requests to each worker, recycles %v, workers %+v", 2*most, m.Recycles, m.Workers)
	}
	for _, line := range []string{"Worker recycling (pid: ", "reason=max_requests", "Worker exiting (pid: ", "Booting worker with pid: "} {
		h.AwaitLogged(t, line, 2)
	}
	for _, pid := range h.WorkersNow(t) {
		if slices.Contains(h.Workers, pid) {
			t.Errorf("worker %d is still there", pid)
		}
	}
}

// seedUnderLoad checks that health answers 200, that memory is below the original limits and ours, idle and under the
// original load test, that the load test succeeds, and that nothing is killed.
func seedUnderLoad(t *testing.T) {
	h := harness.StartInstance(t, harness.Image, map[string]string{})
	before := h.AwaitMetrics(t, harness.Metrics.Settled).PIDs()
	watch := h.Sample()
	t.Run("health answers 200", func(t *testing.T) {
		var health struct{ Status, Service string }
		h.Call(t, http.MethodGet, "/health", nil, http.StatusOK, &health)
		if health.Status != "healthy" || health.Service != "studysharper_backend" {
			t.Errorf("the service is %+v", health)
		}
	})
	t.Run("idle below 100 MB", func(t *testing.T) { wantHeld(t, h.Memory(t).Held, seedIdle, idleBound) })
	t.Run("load test succeeds", func(t *testing.T) {
		got := seedLoad(t, h.URL)
		harness.Figure("seed: load test, p50 and p95", fmt.Sprintf("%.0f, %.0f ms", got.Latency.P50, got.Latency.P95), "≤ 3, 8 s")
		if float64(got.OK) < seedSuccess*seedRequests || got.OK != seedRequests || got.Latency.P50 > 3000 || got.Latency.P95 > 8000 {
			t.Errorf("of %d requests %d were successful: %v; %+v", seedRequests, got.OK, got.Failures, got.Latency)
		}
	})
	peak, last := watch.End(t)
	t.Run("memory below 150 MB under load", func(t *testing.T) { wantHeld(t, peak, seedLoaded, seedBound) })
	t.Run("no out-of-memory kills", func(t *testing.T) {
		if own := h.Metrics(t).Memory.OOMKills; last.OomKills != 0 || own != 0 {
			t.Errorf("the kernel says %d, the service %d", last.OomKills, own)
		}
		h.WantSameWorkers(t, before)
	})
}

func wantHeld(t *testing.T, held int64, bounds ...int64) {
	t.Helper()
	for _, bound := range bounds {
		if held > bound {
			t.Errorf("the container held %d bytes, want at most %d", held, bound)
		}
	}
}
