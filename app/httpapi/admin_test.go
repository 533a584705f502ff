package httpapi

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"studysharper/app/study"
	"studysharper/app/testkit"
)

func TestAdminMetricsHaveTheContractsFields(t *testing.T) {
	f := serve(t)
	f.ask("POST", "/api/ai/process", chat)
	got := f.ask("GET", "/api/admin/metrics", "", "X-Admin-Token", token).object(t)
	fields := map[string][]string{
		"memory":   {"container_bytes", "peak_bytes", "limit_bytes", "oom_kills", "supervisor_rss_bytes"},
		"cache":    {"backend", "items", "max_items", "estimated_size_mb", "max_size_mb", "hits", "misses", "evictions", "oldest_entry_age_seconds"},
		"sse":      {"active_connections", "sessions", "queued_events", "dropped_events", "oldest_connection_age_seconds"},
		"runs":     {"active", "queued", "completed", "failed", "shed"},
		"llm":      {"provider", "open_breakers"},
		"recycles": {"max_requests", "memory", "timeout", "crash", "reload"},
		"metrics":  {"total_requests", "successful", "failed", "success_rate", "avg_execution_time_ms", "total_tokens_used", "total_cost", "agent_metrics", "model_metrics"},
	}
	for part, keys := range fields {
		has(t, got[part].(map[string]any), keys...)
	}
	worker := got["workers"].([]any)[0].(map[string]any)
	has(t, worker, "pid", "slot", "generation", "state", "requests", "in_flight", "streams", "rss_bytes", "anon_bytes", "heap_bytes", "goroutines", "uptime_seconds")
	if worker["requests"] != 1.0 || worker["in_flight"] != 1.0 {
		t.Errorf("got %v", worker)
	}
}

func TestAdminNeedsItsToken(t *testing.T) {
	f := serve(t)
	for name, r := range map[string]reply{
		"none":    f.ask("GET", "/api/admin/metrics", ""),
		"wrong":   f.ask("GET", "/api/admin/metrics", "", "X-Admin-Token", token+"x"),
		"a start": f.ask("GET", "/api/admin/metrics?admin_token="+token[:5], ""),
	} {
		if got := r.object(t); r.StatusCode != 403 || got["error"] != "Unauthorized" || got["status"] != 403.0 {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
	for name, r := range map[string]reply{
		"bearer": f.ask("GET", "/api/admin/errors", "", "Authorization", "Bearer "+token),
		"header": f.ask("GET", "/api/admin/errors", "", "X-Admin-Token", token),
		"query":  f.ask("GET", "/api/admin/errors?admin_token="+token, ""),
	} {
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
	if strings.Contains(f.log.String(), token) {
		t.Error("the token reaches the log")
	}
}

func TestWithoutAnAdminTokenNobodyIsAdmin(t *testing.T) {
	f := serve(t, func(o *Options) { o.AdminToken = "" })
	for _, header := range []string{"", "x"} {
		if r := f.ask("GET", "/api/admin/metrics", "", "X-Admin-Token", header); r.StatusCode != 403 {
			t.Errorf("with %q: %d", header, r.StatusCode)
		}
	}
}

func TestClearCacheAsksForAllWorkers(t *testing.T) {
	f := serve(t)
	r := f.ask("DELETE", "/api/admin/cache?pattern=quiz", "", "X-Admin-Token", token)
	if r.StatusCode != 200 || len(f.fleet.cleared) != 1 || f.fleet.cleared[0] != "quiz" {
		t.Errorf("got %d, %v", r.StatusCode, f.fleet.cleared)
	}
}

func TestReloadAsksTheSupervisor(t *testing.T) {
	f := serve(t)
	if r := f.ask("POST", "/api/admin/reload", ""); r.StatusCode != 403 || f.fleet.reloads != 0 {
		t.Errorf("without a token: %d, %d reloads", r.StatusCode, f.fleet.reloads)
	}
	if r := f.ask("POST", "/api/admin/reload", "", "X-Admin-Token", token); r.StatusCode != 202 || f.fleet.reloads != 1 {
		t.Errorf("got %d, %d reloads", r.StatusCode, f.fleet.reloads)
	}
}

func TestWithoutADatabaseFileThereIsNoBackup(t *testing.T) {
	f := serve(t)
	r := f.ask("GET", "/api/admin/backup", "", "X-Admin-Token", token)
	if r.StatusCode != 404 || !strings.Contains(string(r.body), "pg_dump") {
		t.Errorf("got %d, %s", r.StatusCode, r.body)
	}
}

// copied is a copy of a database that records whether it was closed.
type copied struct {
	io.Reader
	closed atomic.Bool
}

func (c *copied) Close() error {
	c.closed.Store(true)
	return nil
}

func TestABackupIsSentWholeAndClosed(t *testing.T) {
	whole := strings.Repeat("SQLite format 3 ", 100_000)
	snapshot := &copied{Reader: strings.NewReader(whole)}
	f := serve(t, func(o *Options) { o.Snapshot = func(context.Context) (io.ReadCloser, error) { return snapshot, nil } })
	r := f.ask("GET", "/api/admin/backup", "", "X-Admin-Token", token)
	if r.StatusCode != 200 || string(r.body) != whole || !strings.HasPrefix(r.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("got %d, %d bytes of %d, %v", r.StatusCode, len(r.body), len(whole), r.Header)
	}
	testkit.Eventually(t, "the copy is closed", snapshot.closed.Load)
}

func TestABackupForWhichThereIsNoRoomIsRefused(t *testing.T) {
	f := serve(t, func(o *Options) {
		o.Snapshot = func(context.Context) (io.ReadCloser, error) { return nil, study.Errorf(study.CodeQuota, "no room") }
	})
	if r := f.ask("GET", "/api/admin/backup", "", "X-Admin-Token", token); r.StatusCode != 507 {
		t.Errorf("got %d", r.StatusCode)
	}
}
