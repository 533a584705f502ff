package metrics

// State is a phase in the life of a worker.
type State int64

// The states; Absent marks a free page.
const (
	Absent State = iota
	Booting
	Ready
	Draining
)

// String returns the state's name on the wire.
func (s State) String() string {
	switch s {
	case Booting:
		return "booting"
	case Ready:
		return "ready"
	case Draining:
		return "draining"
	default:
		return "absent"
	}
}

// Gauge is a value of a page that can rise and fall. The gauges of a departed worker are discarded.
type Gauge int

// Counter is a value of a page that only rises. The counts of a departed worker are preserved.
type Counter int

// version protects Snapshot from a concurrent Retire (a sequence lock on the supervisor's page).
const version = 0

// The gauges of a worker's page, followed by those of the supervisor's.
const (
	StateOf        Gauge = iota + 1 // State
	PID                             // process id
	Slot                            // from 0
	Generation                      // from 1, a slot's n-th worker
	Started                         // Unix nanoseconds
	Heartbeat                       // Monotonic nanoseconds of the last sign of life
	OldestStart                     // Monotonic nanoseconds at which the oldest request in flight began; 0 = none
	InFlight                        // requests being answered
	Connections                     // open client connections
	Streams                         // open event streams
	OldestStream                    // Unix nanoseconds at which the oldest open stream began; 0 = none
	RunsActive                      // running agent runs
	RunsQueued                      // agent runs waiting for a place
	CacheItems                      // entries
	CacheBytes                      // bytes of live entries
	CacheOldest                     // Unix nanoseconds of the oldest entry; 0 = none
	HeapBytes                       // live and dead objects of the Go heap
	Goroutines                      //
	RSSBytes                        // resident memory of the process
	Sessions                        // supervisor: sessions with a journal
	QueuedEvents                    // supervisor: events in these journals
	QueuedBytes                     // supervisor: bytes of these events
	OpenRuns                        // supervisor: runs that are not finished in their journal
	Quota                           // requests after which the worker is recycled; 0 = never
	ModelsOpen                      // upstream models whose breaker is open
	FirstModelOpen                  // 1 if the first configured model is one of these
	AnonymousBytes                  // anonymous memory of the process, which MAX_WORKER_MEMORY_MB bounds
	Threads                         // of the operating system
	NextGC                          // heap size at which the next collection ends, in bytes
	firstModel                      // supervisor: state of each upstream model, shared by the workers
)

// More gauges of the supervisor's page.
const (
	firstRecent = firstModel + MaxModels // results of Recent, for each of recentOf
	endGauge    = firstRecent + Gauge(len(recentOf)*endFigure)
)

const firstCounter = Counter(64)

// The counters of every page.
const (
	Requests            = firstCounter + iota // answered requests, without probes and /metrics
	Probes                                    // probes and /metrics
	RunsCompleted                             //
	RunsFailed                                //
	RunsShed                                  // refused at the limit
	CacheHits                                 //
	CacheMisses                               //
	CacheEvictions                            //
	CacheRefused                              // entries too large to cache
	StreamsShed                               // refused at the limit
	Refused                                   // refused at capacity before any work; not part of Requests
	DroppedEvents                             // supervisor: events that journals dropped unread
	RecycledRequests                          // supervisor: workers replaced because of their number of requests
	RecycledMemory                            // ... because of their memory
	RecycledTimeout                           // ... because they were silent
	RecycledCrash                             // ... because they had died
	RecycledReload                            // ... because of a reload
	HandOvers                                 // supervisor: connections passed from a leaving worker to another
	HandOversLost                             // supervisor: connections that no worker could take
	UpstreamOK                                // successful model calls
	UpstreamFailed                            // ... whose answer could not be used
	UpstreamUnavailable                       // ... while the model was unavailable
	UpstreamTimeout                           // ... that timed out
	UpstreamCancelled                         // ... that this service cancelled
	UpstreamRateLimited                       // ... that the upstream rate-limited
	UpstreamRefused                           // ... refused because of the key, the model's name or the address
	UpstreamCredit                            // ... refused because the credit is used up
	UpstreamTooLong                           // ... refused because the prompt is longer than the context
	UpstreamWithheld                          // ... that a filter withheld
	UpstreamTokens                            // tokens of prompts and answers, as reported by the upstream
	TextPanics                                // panics on a student's text that were contained
	Rejected                                  // refused because of their heads; not part of Requests
	RunsLimited                               // refused by RUN_LIMIT_* or a token budget
	ProcessorTime                             // microseconds of all threads, in user mode and in the kernel
	AllocatedBytes                            // of the Go heap since the process began
	Collections                               // of the Go heap, completed
	firstUse                                  // usage of each model, see UsedBy
)

// More counters of every page.
const (
	firstResponse = firstUse + Counter((MaxModels+1)*int(endUse)) // answers by status, in the order of statuses, followed by all others
	endCounter    = firstResponse + Counter(len(statuses)+1)
)

// statuses are the HTTP statuses that are counted separately.
var statuses = [...]int{200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 431, 500, 502, 503, 504, 507}

// Statuses returns the HTTP statuses with a counter of their own.
func Statuses() []int { return statuses[:] }

// Responses returns the counter of answers with a status. Status 0 stands for all statuses without a counter of their
// own.
func Responses(status int) Counter {
	for i, s := range statuses {
		if s == status {
			return firstResponse + Counter(i)
		}
	}
	return firstResponse + Counter(len(statuses))
}

// firstBucket comes after the counters and leaves room for a few more. The buckets of histograms are counters too: Retire
// moves them, and Snapshot reads them.
const firstBucket = Counter(180)

const endWord = firstBucket + Counter(int(endHistogram)*histogramWords)

// Compile-time checks: gauges, counters and histograms do not overlap and fit into a page.
const (
	_ = uint(int(firstCounter) - int(endGauge))
	_ = uint(firstBucket - endCounter)
	_ = uint(pageWords - int(endWord))
)
