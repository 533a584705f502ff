package httpapi

import (
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/metrics"
)

// prometheus answers GET /metrics for the whole container from the scoreboard, whichever worker answers.
func (s *Server) prometheus(c *fiber.Ctx) error {
	var e metrics.Exposition
	s.expose(&e)
	c.Set(fiber.HeaderContentType, metrics.ExpositionType)
	return c.Send(e.Bytes())
}

func (s *Server) expose(e *metrics.Exposition) {
	board := s.o.Board.Snapshot()
	s.exposeContainer(e, board)
	exposeWorkers(e, board)
	exposeRequests(e, board)
	exposeStreams(e, board)
	exposeRuns(e, board)
	exposeCache(e, board)
	s.exposeUpstream(e, board)
	s.exposeDegraded(e)
	exposeProcesses(e, board)
}

// The label values of routes in the histogram of requests.
var routeNames = [...]string{
	metrics.RequestProcess:       "process",
	metrics.RequestProcessStream: "process_stream",
	metrics.RequestStream:        "stream",
	metrics.RequestNotes:         "notes",
	metrics.RequestLibrary:       "library",
	metrics.RequestAdmin:         "admin",
	metrics.RequestOther:         "other",
}

// classOf returns the histogram for a path. The route does not work: if a request is refused before its handler, Fiber
// knows only its group.
func classOf(path string) metrics.Histogram {
	switch path = strings.TrimSuffix(path, "/"); {
	case path == "/api/ai/process" || path == "/api/ai/agent-test":
		return metrics.RequestProcess
	case path == "/api/ai/process-stream":
		return metrics.RequestProcessStream
	case strings.HasPrefix(path, "/api/ai/stream/"):
		return metrics.RequestStream
	case strings.HasPrefix(path, "/api/ai/"):
		return metrics.RequestLibrary
	case path == "/api/notes" || strings.HasPrefix(path, "/api/notes/"):
		return metrics.RequestNotes
	case strings.HasPrefix(path, "/api/admin/"):
		return metrics.RequestAdmin
	default:
		return metrics.RequestOther
	}
}

// exposeGauge and exposeCounter write families with one sample.
func exposeGauge(e *metrics.Exposition, name, help string, value int64) {
	e.Family(name, "gauge", help)
	e.Sample(float64(value))
}

func exposeCounter(e *metrics.Exposition, name, help string, value uint64) {
	e.Family(name, "counter", help)
	e.Sample(float64(value))
}

// labelled is a counter and the value of its only label.
type labelled struct {
	value string
	of    metrics.Counter
}

func exposeCounters(e *metrics.Exposition, board metrics.Snapshot, name, label, help string, each ...labelled) {
	e.Family(name, "counter", help)
	for _, l := range each {
		e.Sample(float64(board.Total(l.of)), label, l.value)
	}
}

func (s *Server) exposeContainer(e *metrics.Exposition, board metrics.Snapshot) {
	memory, _ := s.o.Cgroup.Memory() // no cgroup: zeros, as documented
	e.Family("studysharper_build_info", "gauge", "The version that answers; always 1.")
	e.Sample(1, "version", s.o.Version, "go_version", runtime.Version())
	exposeGauge(e, "studysharper_container_memory_bytes", "Memory of the container, less inactive file pages; 0 without a cgroup.", memory.Container())
	exposeGauge(e, "studysharper_container_memory_peak_bytes", "Peak memory of the container; 0 if the kernel does not report it.", memory.PeakBytes)
	exposeGauge(e, "studysharper_container_memory_limit_bytes", "The container's memory limit; 0 = none.", memory.LimitBytes)
	exposeCounter(e, "studysharper_container_oom_kills_total", "Processes of the container that the kernel's OOM killer has killed.", uint64(max(memory.OOMKills, 0)))
	exposeGauge(e, "studysharper_supervisor_resident_memory_bytes", "Resident memory of the supervisor.", board.Own.Gauge(metrics.RSSBytes))
	s.exposeDisk(e)
}

// exposeWorkers sums over the processes of a slot: during a recycle there are two.
func exposeWorkers(e *metrics.Exposition, board metrics.Snapshot) {
	e.Family("studysharper_workers", "gauge", "Worker processes by state.")
	for _, state := range []metrics.State{metrics.Booting, metrics.Ready, metrics.Draining} {
		n := 0
		for _, w := range board.Workers {
			if w.State() == state {
				n++
			}
		}
		e.Sample(float64(n), "state", state.String())
	}
	slots := slotsOf(board)
	for _, of := range []struct {
		gauge      metrics.Gauge
		name, help string
	}{
		{metrics.RSSBytes, "studysharper_worker_resident_memory_bytes", "Resident memory of a slot's worker processes."},
		{metrics.AnonymousBytes, "studysharper_worker_anonymous_memory_bytes", "Anonymous memory of a slot's worker processes, which MAX_WORKER_MEMORY_MB bounds."},
		{metrics.HeapBytes, "studysharper_worker_heap_bytes", "Bytes of objects on the heaps of a slot's worker processes, dead ones included."},
		{metrics.Goroutines, "studysharper_worker_goroutines", "Goroutines of a slot's worker processes."},
		{metrics.InFlight, "studysharper_worker_requests_in_flight", "Requests being answered by a slot's worker processes."},
		{metrics.Connections, "studysharper_worker_connections", "Client connections of a slot's worker processes, without event streams."},
		{metrics.Streams, "studysharper_worker_streams", "Open event streams of a slot's worker processes."},
	} {
		e.Family(of.name, "gauge", of.help)
		for _, slot := range slots {
			e.Sample(float64(sumOf(board, slot, of.gauge)), "slot", strconv.FormatInt(slot, 10))
		}
	}
	exposeCounters(e, board, "studysharper_worker_recycles_total", "reason", "Workers replaced, by reason.",
		labelled{"max_requests", metrics.RecycledRequests}, labelled{"memory", metrics.RecycledMemory}, labelled{"timeout", metrics.RecycledTimeout},
		labelled{"crash", metrics.RecycledCrash}, labelled{"reload", metrics.RecycledReload})
	exposeCounters(e, board, "studysharper_connections_handed_over_total", "outcome", "Connections handed over by leaving workers, by outcome.",
		labelled{"passed", metrics.HandOvers}, labelled{"lost", metrics.HandOversLost})
}

// slotsOf returns the slots that have a worker, in order.
func slotsOf(board metrics.Snapshot) []int64 {
	var slots []int64
	for _, w := range board.Workers {
		slots = append(slots, w.Gauge(metrics.Slot))
	}
	slices.Sort(slots)
	return slices.Compact(slots)
}

func sumOf(board metrics.Snapshot, slot int64, g metrics.Gauge) int64 {
	var sum int64
	for _, w := range board.Workers {
		if w.Gauge(metrics.Slot) == slot {
			sum += w.Gauge(g)
		}
	}
	return sum
}

func exposeRequests(e *metrics.Exposition, board metrics.Snapshot) {
	exposeCounter(e, "studysharper_http_requests_total", "Requests answered, without probes and /metrics.", board.Total(metrics.Requests)+board.Total(metrics.Refused))
	exposeCounter(e, "studysharper_http_rejected_total", "Requests refused before routing because of their heads: malformed, ambiguous, too large or too slow.", board.Total(metrics.Rejected))
	exposeCounter(e, "studysharper_http_probes_total", "Probes, scrapes and the workers' own heartbeat requests answered.", board.Total(metrics.Probes))
	responses := []labelled{{"other", metrics.Responses(0)}}
	for _, status := range metrics.Statuses() {
		responses = append(responses, labelled{strconv.Itoa(status), metrics.Responses(status)})
	}
	exposeCounters(e, board, "studysharper_http_responses_total", "code", "Requests answered, by status.", responses...)
	e.Family("studysharper_http_request_duration_seconds", "histogram", "Time to answer a request, by endpoint; for an event stream, the time until it is open.")
	for route, name := range routeNames {
		e.Distribution(board.Distribution(metrics.Histogram(route)), "route", name)
	}
}

func exposeStreams(e *metrics.Exposition, board metrics.Snapshot) {
	exposeGauge(e, "studysharper_streams", "Open event streams.", board.Sum(metrics.Streams))
	exposeCounter(e, "studysharper_streams_shed_total", "Event streams refused at SSE_MAX_STREAMS.", board.Total(metrics.StreamsShed))
	exposeGauge(e, "studysharper_journal_sessions", "Sessions in the journals.", board.Own.Gauge(metrics.Sessions))
	exposeGauge(e, "studysharper_journal_events", "Events in the journals.", board.Own.Gauge(metrics.QueuedEvents))
	exposeGauge(e, "studysharper_journal_bytes", "Bytes of the events in the journals.", board.Own.Gauge(metrics.QueuedBytes))
	exposeCounter(e, "studysharper_journal_dropped_events_total", "Events dropped from the journals at a limit, or unread.", board.Total(metrics.DroppedEvents))
}

func exposeRuns(e *metrics.Exposition, board metrics.Snapshot) {
	exposeGauge(e, "studysharper_runs_active", "Agent runs in progress.", board.Sum(metrics.RunsActive))
	exposeCounters(e, board, "studysharper_runs_total", "outcome", "Agent runs by outcome; shed runs were refused at MAX_CONCURRENT_RUNS.",
		labelled{"completed", metrics.RunsCompleted}, labelled{"failed", metrics.RunsFailed}, labelled{"shed", metrics.RunsShed})
	exposeCounter(e, "studysharper_runs_limited_total", "Runs refused by RUN_LIMIT_* or a token budget.", board.Total(metrics.RunsLimited))
	exposeCounter(e, "studysharper_text_panics_total", "Panics on a student's text; the sentence was skipped.", board.Total(metrics.TextPanics))
	e.Family("studysharper_run_duration_seconds", "histogram", "Duration of an agent run, from admission to its end.")
	e.Distribution(board.Distribution(metrics.Runs))
}

func exposeCache(e *metrics.Exposition, board metrics.Snapshot) {
	exposeGauge(e, "studysharper_cache_items", "Answers in the workers' caches.", board.Sum(metrics.CacheItems))
	exposeGauge(e, "studysharper_cache_bytes", "Bytes of the answers in the workers' caches.", board.Sum(metrics.CacheBytes))
	exposeCounter(e, "studysharper_cache_hits_total", "Cache lookups that hit.", board.Total(metrics.CacheHits))
	exposeCounter(e, "studysharper_cache_misses_total", "Cache lookups that missed.", board.Total(metrics.CacheMisses))
	exposeCounter(e, "studysharper_cache_evictions_total", "Cached answers evicted.", board.Total(metrics.CacheEvictions))
	exposeCounter(e, "studysharper_cache_refused_total", "Answers too large to cache.", board.Total(metrics.CacheRefused))
}

func (s *Server) exposeUpstream(e *metrics.Exposition, board metrics.Snapshot) {
	exposeCounters(e, board, "studysharper_upstream_calls_total", "outcome", "Language model calls by outcome; every attempt counts.",
		labelled{"ok", metrics.UpstreamOK}, labelled{"failed", metrics.UpstreamFailed}, labelled{"unavailable", metrics.UpstreamUnavailable},
		labelled{"timeout", metrics.UpstreamTimeout}, labelled{"cancelled", metrics.UpstreamCancelled}, labelled{"rate_limited", metrics.UpstreamRateLimited},
		labelled{"refused", metrics.UpstreamRefused}, labelled{"credit", metrics.UpstreamCredit}, labelled{"too_long", metrics.UpstreamTooLong},
		labelled{"withheld", metrics.UpstreamWithheld})
	s.exposeUse(e, board)
	exposeCounter(e, "studysharper_upstream_tokens_total", "Tokens of prompts and answers, as reported by the model's API.", board.Total(metrics.UpstreamTokens))
	exposeGauge(e, "studysharper_upstream_breakers_open", "Open circuit breakers of models, summed over the workers.", board.Sum(metrics.ModelsOpen))
	e.Family("studysharper_upstream_call_duration_seconds", "histogram", "Duration of a language model call.")
	e.Distribution(board.Distribution(metrics.UpstreamCalls))
}
