package process

import (
	"errors"
	"log/slog"

	"studysharper/app/auth"
	"studysharper/app/cache/contextcache"
	"studysharper/app/config"
	"studysharper/app/limit"
	"studysharper/app/logging"
	"studysharper/app/memory/shm"
	"studysharper/app/metrics"
)

// instanceVar tells a container's workers its name among the instances.
const instanceVar = "STUDYSHARPER_INSTANCE"

// leastRuns is how many open runs the journals hold at the least: more than the workers
// admit, because those of a dead worker that wait to be rerun count too.
const leastRuns = 1024

// maxReaders is how many may wait at the journals: every stream, and every request
// that looks into one before it is a stream.
func maxReaders(c config.Config) int { return 2 * c.SSEMaxStreams }

// sharedMemory is the memory that the processes of the container share, besides the scoreboard.
type sharedMemory struct {
	limits   *limit.Table
	keys     *auth.KeyStore
	versions *shm.Section
	holdings *limit.Holdings
	clients  *logging.ClientMarks // nil: clients are not logged
}

// createShared makes the region, in the supervisor.
func createShared(c config.Config, b config.Budget, log *slog.Logger) (*shm.Region, error) {
	region, fallback, err := shm.Create(c.WorkerTmpDir,
		shm.Spec{Name: metrics.BoardSection, Size: metrics.BoardSize},
		shm.Spec{Name: "limits", Size: limit.TableSize},
		shm.Spec{Name: "keys", Size: keyStoreSize(c)},
		shm.Spec{Name: "versions", Size: contextcache.VersionsSize},
		shm.Spec{Name: "holdings", Size: holdingBounds(c, b).Size()},
		shm.Spec{Name: "clients", Size: clientKeySize(c)})
	if err == nil && fallback != nil {
		log.Warn("WORKER_TMP_DIR is not writable: scoreboard uses an anonymous memory file", "error", fallback)
	}
	return region, err
}

// openShared opens the sections of a region. owner is the worker's page of the scoreboard; 0 is the supervisor.
func openShared(region *shm.Region, c config.Config, b config.Budget, owner int) (s sharedMemory, err error) {
	section := func(name string, size int) *shm.Section {
		found, missing := region.Section(name, size)
		err = errors.Join(err, missing)
		return found
	}
	limits, keys := section("limits", limit.TableSize), section("keys", keyStoreSize(c))
	holdings := section("holdings", holdingBounds(c, b).Size())
	s.versions = section("versions", contextcache.VersionsSize)
	clients := section("clients", clientKeySize(c))
	if err != nil {
		return s, err
	}
	s.limits, s.keys, s.holdings = limit.NewTable(limits), auth.NewKeyStore(keys), limit.NewHoldings(holdings, holdingBounds(c, b), owner)
	if c.LogClients == "hash" {
		s.clients = logging.NewClientMarks(clients)
	}
	return s, nil
}

// clientMark is how clients are named in the log; nil = they are not.
func (s sharedMemory) clientMark() func(address string) string {
	if s.clients == nil {
		return nil
	}
	return s.clients.Mark
}

// clientKeySize is 0 where clients are not logged.
func clientKeySize(c config.Config) int {
	if c.LogClients != "hash" {
		return 0
	}
	return logging.ClientKeySize
}

// keyStoreSize is 0 where no keys are published: the region's memory is reserved.
func keyStoreSize(c config.Config) int {
	if c.JWTJWKSURL == "" {
		return 0
	}
	return auth.KeyStoreSize
}

// sparePlaces is how many places there are above the settings: for requests that take one and are then refused.
const sparePlaces = 64

func holdingBounds(c config.Config, b config.Budget) limit.Bounds {
	return limit.Bounds{Runs: c.MaxRuns + sparePlaces, ClientRuns: c.ClientRuns, Streams: c.SSEMaxStreams + sparePlaces, ClientStreams: c.ClientStreams, Uploads: b.Uploads}
}
