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

// instanceVar is the environment variable that passes the instance's name to its workers.
const instanceVar = "STUDYSHARPER_INSTANCE"

// leastRuns is the minimum number of open runs that the journals have room for. It exceeds what the workers admit,
// because a dead worker's runs that wait to be rerun count too.
const leastRuns = 1024

// maxReaders is the number of readers that may wait at the journals: every stream, and every request that reads a
// journal before it becomes a stream.
func maxReaders(c config.Config) int { return 2 * c.SSEMaxStreams }

// sharedMemory is the memory that the container's processes share, apart from the scoreboard.
type sharedMemory struct {
	limits   *limit.Table
	keys     *auth.KeyStore
	versions *shm.Section
	holdings *limit.Holdings
	clients  *logging.ClientMarks // nil: clients are not logged
}

// createShared creates the region, in the supervisor.
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

// openShared opens a region's sections. owner is the number of the worker's scoreboard entry; 0 is the supervisor.
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

// clientMark returns the function that gives a client's pseudonym for the log; nil if clients are not logged.
func (s sharedMemory) clientMark() func(address string) string {
	if s.clients == nil {
		return nil
	}
	return s.clients.Mark
}

// clientKeySize is 0 if clients are not logged.
func clientKeySize(c config.Config) int {
	if c.LogClients != "hash" {
		return 0
	}
	return logging.ClientKeySize
}

// keyStoreSize is 0 if no keys are shared, because the region's memory is reserved.
func keyStoreSize(c config.Config) int {
	if c.JWTJWKSURL == "" {
		return 0
	}
	return auth.KeyStoreSize
}

// sparePlaces is the number of places beyond the settings' limits: for requests that occupy one and are then refused.
const sparePlaces = 64

func holdingBounds(c config.Config, b config.Budget) limit.Bounds {
	return limit.Bounds{Runs: c.MaxRuns + sparePlaces, ClientRuns: c.ClientRuns, Streams: c.SSEMaxStreams + sparePlaces, ClientStreams: c.ClientStreams, Uploads: b.Uploads}
}
