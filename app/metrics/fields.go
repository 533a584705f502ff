package metrics

// State is where a worker is in its life.
type State int64

// The states; Absent marks a page that is free.
const (
	Absent State = iota
	Booting
	Ready
	Draining
)

// String is the state's name on the wire.
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

// Gauge is a value of a page that rises and falls. Gauges of a departed worker are gone.
type Gauge int

// Counter is a value of a page that only rises. Counters of a departed worker are kept.
type Counter int

// version guards Retire against Snapshot (a sequence lock on the supervisor's page).
const version = 0

// The gauges of a worker's page, and after them those of the supervisor's.
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
	RunsActive                      // agent runs going on
	RunsQueued                      // agent runs waiting for their turn
	CacheItems                      // entries
	CacheBytes                      // bytes of live entries
	CacheOldest                     // Unix nanoseconds of the oldest entry; 0 = none
	HeapBytes                       // live and dead objects of the Go heap
	Goroutines                      //
	RSSBytes                        // resident memory of the process
	Sessions                        // supervisor: journals kept
	QueuedEvents                    // supervisor: events kept in them
	QueuedBytes                     // supervisor: bytes of those
	OpenRuns                        // supervisor: runs whose journal is being written
	Quota                           // requests after which the worker is recycled; 0 = never
	ModelsOpen                      // models of the upstream that are not asked for now
	FirstModelOpen                  // 1 if the first of them is one of these
	AnonymousBytes                  // anonymous memory of the process: what MAX_WORKER_MEMORY_MB bounds
	firstModel                      // supervisor: what workers have learnt about each of the upstream's models
)

// Further gauges of the supervisor's page.
const (
	firstRecent = firstModel + MaxModels // what Recent has found, for each of recentOf
	endGauge    = firstRecent + Gauge(len(recentOf)*endFigure)
)

const firstCounter = Counter(64)

// The counters of every page.
const (
	Requests            = firstCounter + iota // answered, probes and /metrics left out
	Probes                                    // probes and /metrics
	RunsCompleted                             //
	RunsFailed                                //
	RunsShed                                  // turned away at the bound
	CacheHits                                 //
	CacheMisses                               //
	CacheEvictions                            //
	CacheRefused                              // entries too large to keep
	StreamsShed                               // streams turned away at the bound
	Refused                                   // refused at capacity, without any work: no part of Requests
	DroppedEvents                             // supervisor: events that left a journal unread or by its bound
	RecycledRequests                          // supervisor: workers replaced for their number of requests
	RecycledMemory                            // ... for their memory
	RecycledTimeout                           // ... for their silence
	RecycledCrash                             // ... because they died
	RecycledReload                            // ... on reload
	HandOvers                                 // supervisor: connections passed from a leaving worker to another
	HandOversLost                             // supervisor: connections that no worker could take
	UpstreamOK                                // calls of a model that were answered
	UpstreamFailed                            // ... that it answered wrongly or refused
	UpstreamUnavailable                       // ... that it could not serve just then
	UpstreamTimeout                           // ... that took too long
	UpstreamCancelled                         // ... that we ended before it had answered
	UpstreamTokens                            // tokens of prompts and answers, as the upstream says
	TextPanics                                // panics on a student's text that were stopped
	Rejected                                  // refused for their heads: no part of Requests
	RunsLimited                               // refused by RUN_LIMIT_* or a budget of tokens
	firstResponse                             // answers by status, in the order of statuses; then the others'
	endCounter          = firstResponse + Counter(len(statuses)+1)
)

// statuses are those that answers are counted by.
var statuses = [...]int{200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 431, 500, 502, 503, 504, 507}

// Statuses gives the HTTP statuses that have a counter of their own.
func Statuses() []int { return statuses[:] }

// Responses is the counter of answers with a status; that of 0 counts all that have
// none of their own.
func Responses(status int) Counter {
	for i, s := range statuses {
		if s == status {
			return firstResponse + Counter(i)
		}
	}
	return firstResponse + Counter(len(statuses))
}

// firstBucket is behind the counters, with room for a few more of them. What the
// histograms hold are counters too: Retire moves them, and Snapshot reads them.
const firstBucket = Counter(144)

const endWord = firstBucket + Counter(int(endHistogram)*histogramWords)

// The numbering must leave gauges, counters and histograms apart and within a page.
const (
	_ = uint(int(firstCounter) - int(endGauge))
	_ = uint(firstBucket - endCounter)
	_ = uint(pageWords - int(endWord))
)
