package config

import "fmt"

const (
	// MiB is 2^20 bytes.
	MiB = 1 << 20

	// AssumedLimit is what a machine without a memory limit is budgeted for: the
	// container that the service is made for.
	AssumedLimit = 512 * MiB
	// minWorker is the least a worker can be asked to live in.
	minWorker = 24 * MiB
	// GCPercent is by how much a heap may grow between two collections: half of what
	// Go does by itself (decision 20).
	GCPercent = 50
	// MaxContext is what a worker keeps of notes, preferences and progress that it has
	// read (agent.Deps.Parts): 256 parts of at most 1 MiB together take up to 2.4 MiB of its heap.
	// The versions that say whether they are valid are 64 KiB for all workers.
	MaxContext = 1 * MiB
	// minRecycle is the least MAX_WORKER_MEMORY_MB: twice an idle worker's anonymous memory.
	minRecycle = 8 * MiB
	// importBytes bounds the process that reads an imported file, of which there is one at a time: files that people have
	// need 50 to 170 MB. It has no share of its own, because it runs for seconds: it takes the share of the successors, of
	// which there is rarely one, is started only while the container has that much free, and is the first that the kernel
	// ends (docs/decisions.md).
	importBytes = 192 * MiB
	// maxUploads is how many files are received at once where there is room for more.
	maxUploads = 4
	// maxProcess is the most a worker is given; more would only hide a leak.
	maxProcess = 1024 * MiB
)

// Budget divides a container's memory among its processes, all in bytes. The
// arithmetic is the proof that the bounds fit: see Total.
type Budget struct {
	Limit      int64 // the container's, or assumed
	Assumed    bool  // the machine sets no limit
	Kernel     int64 // kept free: socket buffers, page cache, the processes' text
	Supervisor int64 // GOMEMLIMIT of the supervisor
	Journals   int64 // of that, bytes of events kept
	Worker     int64 // GOMEMLIMIT of each worker
	Workers    int   // worker processes counted: each slot and its successor
	Cache      int64 // of a worker, bytes of cached answers
	Context    int64 // of a worker, bytes of cached parts of contexts
	Shared     int64 // of a worker with Redis, what is on its way from and to it: see Lookups, Queue, Unsent
	Transit    int64 // of a worker, bytes of request bodies being received and of answers being sent
	Recycle    int64 // anonymous memory above which a worker is replaced
	Import     int64 // of the process that reads an imported file: out of the successors' share, see importBytes
	Uploads    int   // files of MAX_UPLOAD_MB being received at once: out of Kernel
}

// Split divides the container's limit (0 = none is set). Too many workers for the
// memory is a Fault. An eighth stays free for the kernel, an eighth is the
// supervisor's, and the rest is shared by twice the workers: every slot may have a
// predecessor that still drains.
func Split(limit int64, c Config) (Budget, error) {
	b := Budget{Limit: limit, Assumed: limit <= 0, Workers: 2 * c.Workers}
	if b.Assumed {
		b.Limit = AssumedLimit
	}
	b.Kernel = b.Limit / 8
	b.Supervisor = min(b.Limit/8, maxProcess)
	b.Journals = b.Supervisor / 2
	b.Worker = min((b.Limit-b.Kernel-b.Supervisor)/int64(b.Workers), maxProcess)
	b.Cache = min(int64(c.CacheMaxMB)*MiB, b.Worker/4)
	b.Context = min(MaxContext, b.Worker/24)
	if c.RedisURL != "" {
		b.Shared = b.Worker / 5
	}
	b.Transit = b.Worker / 8
	b.Recycle = b.Worker * 7 / 8 // before the collector has to fight for the rest
	b.Import = min(importBytes, b.Worker*int64(c.Workers))
	b.Uploads = int(min(maxUploads, max(1, b.Kernel/2/(int64(max(c.MaxUploadMB, 1))*MiB))))
	if c.MaxWorkerMB > 0 {
		b.Recycle = int64(c.MaxWorkerMB) * MiB
	}
	if b.Worker < minWorker {
		most := max(0, (b.Limit-b.Kernel-b.Supervisor)/(2*minWorker))
		return b, Faults{{"WEB_CONCURRENCY", fmt.Sprint(c.Workers),
			fmt.Sprintf("does not fit into %d MB of memory; at most %d fits", b.Limit/MiB, most)}}
	}
	if most := b.mostRecycle(c.Workers); c.MaxWorkerMB > 0 && (b.Recycle < minRecycle || b.Recycle > most) {
		return b, Faults{{"MAX_WORKER_MEMORY_MB", fmt.Sprint(c.MaxWorkerMB),
			fmt.Sprintf("must be 0, or from %d (a worker needs that much) to %d (what %d MB of memory hold for each of %d workers)", minRecycle/MiB, most/MiB, b.Limit/MiB, c.Workers)}}
	}
	if most := b.Worker / 4; int64(c.MaxBodyKB)<<10 > most {
		return b, Faults{{"MAX_BODY_KB", fmt.Sprint(c.MaxBodyKB),
			fmt.Sprintf("is too much for a worker of %d MB of memory; at most %d fits", b.Worker/MiB, most>>10)}}
	}
	if most := b.Kernel; int64(c.MaxUploadMB)*MiB > most {
		return b, Faults{{"MAX_UPLOAD_MB", fmt.Sprint(c.MaxUploadMB), fmt.Sprintf("is too much for %d MB of memory; at most %d fits", b.Limit/MiB, most/MiB)}}
	}
	return b, nil
}

// mostRecycle is the highest limit of a worker's memory that is reached before the container's: with every worker at it,
// there is room for a successor.
func (b Budget) mostRecycle(workers int) int64 {
	return (b.Limit - b.Kernel - b.Supervisor - minWorker) / int64(workers)
}

// listBytes is what a list takes at most while it is made: its rows, their JSON, and the buffer that outgrew.
const listBytes = 3 * MiB

// Lists is how many lists a worker makes at a time: an eighth of it.
func (b Budget) Lists() int { return int(max(1, b.Worker/8/listBytes)) }

// lookupBytes is what a look-up in Redis takes at most: an entry as it comes and as it is
// kept, each of 256 KiB.
const lookupBytes = 512 << 10

// Lookups is how many values may be on their way from Redis at once: half of Shared.
func (b Budget) Lookups() int { return int(max(1, b.Shared/2/lookupBytes)) }

// Queue is what answers may wait to be sent to Redis, in bytes: an eighth of Shared.
func (b Budget) Queue() int { return int(max(1, b.Shared/8)) }

// Unsent is what events may wait to be sent, and again as much what is kept to
// be resent, in bytes: an eighth of Shared each.
func (b Budget) Unsent() int64 { return max(1, b.Shared/8) }

// Slots is how many slots TTIN may raise the workers to: then the memory still
// holds one successor at a time.
func (b Budget) Slots() int { return b.Workers - 1 }

// Total is what all bounds add up to. It never exceeds Limit.
func (b Budget) Total() int64 {
	return b.Kernel + b.Supervisor + int64(b.Workers)*b.Worker
}
