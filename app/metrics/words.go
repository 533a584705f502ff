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
	StateOf      Gauge = iota + 1 // State
	PID                           // process id
	Slot                          // from 0
	Generation                    // from 1, a slot's n-th worker
	Started                       // Unix nanoseconds
	Heartbeat                     // Monotonic nanoseconds of the last sign of life
	OldestStart                   // Monotonic nanoseconds at which the oldest request in flight began; 0 = none
	InFlight                      // requests being answered
	Connections                   // open client connections
	Streams                       // open event streams
	OldestStream                  // Unix nanoseconds at which the oldest open stream began; 0 = none
	RunsActive                    // agent runs going on
	RunsQueued                    // agent runs waiting for their turn
	CacheItems                    // entries
	CacheBytes                    // bytes of live entries
	CacheOldest                   // Unix nanoseconds of the oldest entry; 0 = none
	HeapBytes                     // live and dead objects of the Go heap
	Goroutines                    //
	RSSBytes                      // resident memory of the process
	Sessions                      // supervisor: journals kept
	QueuedEvents                  // supervisor: events kept in them
	QueuedBytes                   // supervisor: bytes of those
	OpenRuns                      // supervisor: runs whose journal is being written
	Quota                         // requests after which the worker is recycled; 0 = never
	endGauge
)

const firstCounter = Counter(64)

// The counters of every page.
const (
	Requests         = firstCounter + iota // answered, probes and /metrics left out
	Probes                                 // probes and /metrics
	RunsCompleted                          //
	RunsFailed                             //
	RunsShed                               // turned away at the bound
	CacheHits                              //
	CacheMisses                            //
	CacheEvictions                         //
	CacheRefused                           // entries too large to keep
	StreamsShed                            // streams turned away at the bound
	DroppedEvents                          // supervisor: events that left a journal unread or by its bound
	RecycledRequests                       // supervisor: workers replaced for their number of requests
	RecycledMemory                         // ... for their memory
	RecycledTimeout                        // ... for their silence
	RecycledCrash                          // ... because they died
	RecycledReload                         // ... on reload
	HandOvers                              // supervisor: connections passed from a leaving worker to another
	HandOversLost                          // supervisor: connections that no worker could take
	endCounter
)

// The numbering must leave gauges and counters apart and within a page.
const (
	_ = uint(int(firstCounter) - int(endGauge))
	_ = uint(pageWords - int(endCounter))
)
