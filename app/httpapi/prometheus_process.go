package httpapi

import (
	"context"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"studysharper/app/memory"
	"studysharper/app/metrics"
)

const (
	sizeEvery = time.Minute // between two readings of the database's size
	sizeWait  = time.Second // for one reading
)

// databaseSize is the most recently read size of the database.
type databaseSize struct {
	looked atomic.Int64 // Unix nanoseconds
	bytes  atomic.Int64 // 0 = unknown
}

// read queries the database at most once every sizeEvery. If the query fails, the previous size remains.
func (d *databaseSize) read(ctx context.Context, size func(context.Context) (int64, error)) int64 {
	now := time.Now().UnixNano()
	if last := d.looked.Load(); now-last > int64(sizeEvery) && d.looked.CompareAndSwap(last, now) {
		ctx, cancel := context.WithTimeout(ctx, sizeWait)
		defer cancel()
		if bytes, err := size(ctx); err == nil {
			d.bytes.Store(bytes)
		}
	}
	return d.bytes.Load()
}

func (s *Server) exposeDisk(e *metrics.Exposition) {
	if bytes := s.database.read(s.lifetime, s.o.Store.Size); bytes > 0 {
		exposeGauge(e, "studysharper_database_bytes", "Size of the database, indexes included; read once a minute.", bytes)
	}
	if s.o.Disk == nil {
		return
	}
	if space := s.o.Disk.Space(); space >= 0 {
		_, reserve := s.o.Disk.Free()
		exposeGauge(e, "studysharper_disk_free_bytes", "Free space on the SQLite file's disk.", space)
		exposeGauge(e, "studysharper_disk_reserve_bytes", "Free space below which writes are refused (DISK_RESERVE_MB).", reserve)
	}
}

// exposeDegraded writes the state that /health reports for each part. It does not probe the database but uses the last
// probe's result.
func (s *Server) exposeDegraded(e *metrics.Exposition) {
	degraded := s.o.Fleet.Degraded()
	if s.databaseDown.Load() {
		degraded = append(degraded, "database")
	}
	if s.o.Tokens != nil && !s.o.Tokens.Healthy() {
		degraded = append(degraded, "authentication")
	}
	e.Family("studysharper_component_degraded", "gauge", "1 while the component is unavailable to the worker that answers the scrape.")
	for _, component := range []string{"authentication", "cache", "database", "events", "llm", "rate_limiting"} {
		value := 0.0
		if slices.Contains(degraded, component) {
			value = 1
		}
		e.Sample(value, "component", component)
	}
}

// exposeUse writes the usage of each model. Models beyond metrics.MaxModels are counted together.
func (s *Server) exposeUse(e *metrics.Exposition, board metrics.Snapshot) {
	models := s.o.Models[:min(len(s.o.Models), metrics.MaxModels)]
	names := append(append([]string{}, models...), "other")
	indexes := len(models)
	at := func(i int, use metrics.Use) float64 {
		if i == indexes { // "other"
			i = metrics.MaxModels
		}
		return float64(board.Total(metrics.UsedBy(i, use)))
	}
	e.Family("studysharper_upstream_model_tokens_total", "counter", "Tokens by model and kind, as reported by the model's API.")
	for i, name := range names {
		e.Sample(at(i, metrics.PromptTokens), "model", name, "kind", "prompt")
		e.Sample(at(i, metrics.CompletionTokens), "model", name, "kind", "completion")
	}
	e.Family("studysharper_upstream_model_cost_total", "counter", "Cost by model, in the currency of the account with the model's API; 0 if the API reports no cost.")
	for i, name := range names {
		e.Sample(at(i, metrics.CostMicros)/1e6, "model", name)
	}
}

// exposeProcesses writes the standard metrics of Prometheus client libraries, for the container as a whole: sums over
// its processes, unless their help text says otherwise.
func exposeProcesses(e *metrics.Exposition, board metrics.Snapshot) {
	sum := func(g metrics.Gauge) int64 { return board.Own.Gauge(g) + board.Sum(g) }
	e.Family("process_cpu_seconds_total", "counter", "User and system CPU time of all processes of the container.")
	e.Sample(float64(board.Total(metrics.ProcessorTime)) / 1e6)
	exposeGauge(e, "process_resident_memory_bytes", "Resident memory, summed over the processes; shared pages count once per process.", sum(metrics.RSSBytes))
	exposeGauge(e, "process_start_time_seconds", "Start time of the supervisor, in Unix time.", board.Own.Gauge(metrics.Started)/int64(time.Second))
	exposeGauge(e, "process_open_fds", "Open descriptors of the process that has the most.", mostDescriptors(board))
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) == nil {
		exposeGauge(e, "process_max_fds", "Descriptors that each process may open.", int64(files.Cur)) //nolint:gosec // a limit of files
	}
	e.Family("go_info", "gauge", "The version of Go; always 1.")
	e.Sample(1, "version", runtime.Version())
	exposeGauge(e, "go_goroutines", "Goroutines.", sum(metrics.Goroutines))
	exposeGauge(e, "go_threads", "Threads of the operating system.", sum(metrics.Threads))
	exposeGauge(e, "go_gomaxprocs", "Processors that each process may use.", int64(runtime.GOMAXPROCS(0)))
	exposeGauge(e, "go_gc_gomemlimit_bytes", "Memory limit of the Go runtime of a worker.", debug.SetMemoryLimit(-1))
	exposeGauge(e, "go_memstats_heap_alloc_bytes", "Objects on the heaps, dead ones included.", sum(metrics.HeapBytes))
	exposeGauge(e, "go_memstats_next_gc_bytes", "Heap sizes at which the next garbage collections end, summed.", sum(metrics.NextGC))
	exposeCounter(e, "go_memstats_alloc_bytes_total", "Bytes allocated on the heaps.", board.Total(metrics.AllocatedBytes))
	exposeCounter(e, "go_gc_cycles_total", "Completed garbage collections.", board.Total(metrics.Collections))
}

// mostDescriptors returns the largest number of descriptors that a process of the container has open. A process that
// cannot be read is skipped.
func mostDescriptors(board metrics.Snapshot) int64 {
	most := 0
	for _, process := range append([]metrics.Reading{board.Own}, board.Workers...) {
		if n, err := memory.OpenFiles(int(process.Gauge(metrics.PID))); err == nil {
			most = max(most, n)
		}
	}
	return int64(most)
}
