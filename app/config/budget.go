package config

import "fmt"

const (
	// MiB is 2^20 bytes.
	MiB = 1 << 20

	// AssumedLimit is the memory limit assumed on a machine without one: the size of container that the service is made
	// for.
	AssumedLimit = 512 * MiB
	// minWorker is the minimum memory of a worker.
	minWorker = 24 * MiB
	// GCPercent is how much a heap may grow between two garbage collections: half of Go's default (decision 20).
	GCPercent = 50
	// MaxContext limits a worker's cache of notes, preferences and progress (agent.Deps.Parts): 256 parts with a total
	// of 1 MiB need up to 2.4 MiB of its heap. The versions that say whether they are valid need 64 KiB for all workers
	// together.
	MaxContext = 1 * MiB
	// minRecycle is the least MAX_WORKER_MEMORY_MB: twice an idle worker's anonymous memory.
	minRecycle = 8 * MiB
	// importBytes limits the process that reads an imported file, of which there is one at a time: real files need 50
	// to 170 MB. It has no share of its own, because it runs for seconds only: it uses the share of the successors, of
	// which there is rarely one, is started only while the container has that much memory free, and is the first
	// process that the kernel kills (docs/decisions.md).
	importBytes = 192 * MiB
	// maxUploads is the maximum number of files received at the same time.
	maxUploads = 4
	// maxProcess is the maximum memory of a worker; more would only hide a leak.
	maxProcess = 1024 * MiB
)

// Budget divides a container's memory among its processes, in bytes. The arithmetic is the proof that the limits fit;
// see Total.
type Budget struct {
	Limit      int64 // the container's, or assumed
	Assumed    bool  // the machine sets no limit
	Kernel     int64 // reserved: socket buffers, page cache, the program's text
	Supervisor int64 // GOMEMLIMIT of the supervisor
	Journals   int64 // part of Supervisor: bytes of stored events
	Worker     int64 // GOMEMLIMIT of each worker
	Workers    int   // number of worker processes: each slot and its successor
	Cache      int64 // part of Worker: bytes of cached answers
	Context    int64 // part of Worker: bytes of cached parts of contexts
	Shared     int64 // part of Worker, with Redis: data in transit to and from it; see Lookups, Queue, Unsent
	Transit    int64 // part of Worker: bytes of request bodies being received and of answers being sent
	Recycle    int64 // anonymous memory above which a worker is replaced
	Import     int64 // of the process that reads an imported file: part of the successors' share, see importBytes
	Uploads    int   // files of MAX_UPLOAD_MB received at the same time: part of Kernel
}

// Split divides the container's limit (0 = no limit). It returns a Fault if there are too many workers for the memory.
// An eighth remains free for the kernel, an eighth is the supervisor's, and the rest is divided by twice the number of
// workers, because every slot may have a predecessor that still drains.
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
	b.Recycle = b.Worker * 7 / 8 // before the garbage collector struggles with the rest
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
			fmt.Sprintf("must be 0, or from %d (the minimum of a worker) to %d (what %d MB of memory allow for each of %d workers)", minRecycle/MiB, most/MiB, b.Limit/MiB, c.Workers)}}
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

// mostRecycle is the highest per-worker memory limit that is reached before the container's own: with every worker at
// it, there is still room for a successor.
func (b Budget) mostRecycle(workers int) int64 {
	return (b.Limit - b.Kernel - b.Supervisor - minWorker) / int64(workers)
}

// listBytes is the maximum memory for making a list: its rows, their JSON, and the buffer that the JSON outgrew.
const listBytes = 3 * MiB

// Lists is the number of lists that a worker makes at a time; together they use an eighth of its memory.
func (b Budget) Lists() int { return int(max(1, b.Worker/8/listBytes)) }

// lookupBytes is the maximum memory for a lookup in Redis: an entry as received and as stored, 256 KiB each.
const lookupBytes = 512 << 10

// Lookups is the number of values that may be in transit from Redis at the same time: half of Shared.
func (b Budget) Lookups() int { return int(max(1, b.Shared/2/lookupBytes)) }

// Queue limits the answers that wait to be sent to Redis, in bytes: an eighth of Shared.
func (b Budget) Queue() int { return int(max(1, b.Shared/8)) }

// Unsent limits the events that wait to be sent, in bytes: an eighth of Shared. The events kept for resending have the
// same limit.
func (b Budget) Unsent() int64 { return max(1, b.Shared/8) }

// Slots is the number of slots that TTIN may raise the workers to, so that one successor at a time still fits.
func (b Budget) Slots() int { return b.Workers - 1 }

// Total is the sum of all limits. It never exceeds Limit.
func (b Budget) Total() int64 {
	return b.Kernel + b.Supervisor + int64(b.Workers)*b.Worker
}
