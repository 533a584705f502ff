//go:build faulttest

package httpapi

import (
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/httpserver"
	"studysharper/app/stream/hub"
)

const (
	// maxSpin is the longest that /debug/spin keeps the processors busy.
	maxSpin = 60_000 // milliseconds
	// smallStack is the bound at which /debug/overflow ends, in bytes: the runtime's own
	// of a gigabyte is more memory than the container has.
	smallStack = 1 << 20
)

// routeFaults adds the routes that make this worker fail in ways that no request of the
// service can make it. They are in builds with the tag faulttest only, which are for tests.
func (s *Server) routeFaults(to router) {
	to.Post("/debug/leak", leak)
	to.Post("/debug/allocate", allocate)
	to.Post("/debug/panic", func(*fiber.Ctx) error { panic("a fault was asked for") })
	to.Post("/debug/panic-goroutine", panicElsewhere)
	to.Post("/debug/panic-stream", s.panicStream)
	to.Post("/debug/overflow", overflow)
	to.Post("/debug/deadlock", s.deadlock)
	to.Post("/debug/spin", spin)
	to.Post("/debug/orphan", orphan)
}

// panicElsewhere panics where no handler's recover reaches.
func panicElsewhere(*fiber.Ctx) error {
	go func() { panic("a fault was asked for") }()
	select {} // the answer would otherwise be a matter of luck
}

// panicStream panics in the hub, which serves all of the worker's streams, while it takes in a stream.
func (s *Server) panicStream(c *fiber.Ctx) error {
	s.o.Streams.Reserve()
	httpserver.Detach(c.Context(), func(int, error) { s.o.Streams.Serve(hub.Stream{FD: -1}) })
	return nil
}

// overflow ends the process with an error of the runtime's, which nothing recovers from.
func overflow(c *fiber.Ctx) error {
	debug.SetMaxStack(smallStack)
	return c.JSON(fiber.Map{"depth": deeper(1)})
}

func deeper(n int) int { return deeper(n+1) + 1 }

// deadlock takes a lock that every request takes, and keeps it.
func (s *Server) deadlock(*fiber.Ctx) error {
	s.http.Deadlock()
	return nil
}

// spin keeps as many processors busy as the worker has, for ?ms= milliseconds.
func spin(c *fiber.Ctx) error {
	ms, err := numberOf(c, "ms", 1000, maxSpin)
	if err != nil {
		return err
	}
	until := time.Now().Add(time.Duration(ms) * time.Millisecond)
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for time.Now().Before(until) { //nolint:revive // that is all it does
			}
		}()
	}
	return c.JSON(fiber.Map{"spins_ms": ms})
}

// orphan starts a process that this worker does not wait for: when the worker is gone,
// it is process 1's.
func orphan(c *fiber.Ctx) error {
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"studysharper", "version"}, nil)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"pid": pid})
}
