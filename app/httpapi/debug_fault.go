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
	// maxSpin is the longest time that /debug/spin keeps the processors busy.
	maxSpin = 60_000 // milliseconds
	// smallStack is the stack limit for /debug/overflow, in bytes: the runtime's default of a gigabyte is more memory
	// than the container has.
	smallStack = 1 << 20
)

// routeFaults adds the routes that make this worker fail in ways that ordinary requests cannot. Only builds with the
// tag faulttest have them, for tests.
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

// panicElsewhere panics in a goroutine where no handler recovers.
func panicElsewhere(*fiber.Ctx) error {
	go func() { panic("a fault was asked for") }()
	select {} // otherwise it might answer before the panic
}

// panicStream panics in the hub, which serves all of the worker's streams, as it accepts a stream.
func (s *Server) panicStream(c *fiber.Ctx) error {
	s.o.Streams.Reserve()
	httpserver.Detach(c.Context(), func(int, error) { s.o.Streams.Serve(hub.Stream{FD: -1}) })
	return nil
}

// overflow ends the process with a fatal runtime error, from which nothing recovers.
func overflow(c *fiber.Ctx) error {
	debug.SetMaxStack(smallStack)
	return c.JSON(fiber.Map{"depth": deeper(1)})
}

func deeper(n int) int { return deeper(n+1) + 1 }

// deadlock acquires a lock that every request needs, and never releases it.
func (s *Server) deadlock(*fiber.Ctx) error {
	s.http.Deadlock()
	return nil
}

// spin keeps all of the worker's processors busy for ?ms= milliseconds.
func spin(c *fiber.Ctx) error {
	ms, err := numberOf(c, "ms", 1000, maxSpin)
	if err != nil {
		return err
	}
	until := time.Now().Add(time.Duration(ms) * time.Millisecond)
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for time.Now().Before(until) { //nolint:revive // a busy loop on purpose
			}
		}()
	}
	return c.JSON(fiber.Map{"spins_ms": ms})
}

// orphan starts a process that this worker does not wait for. When the worker has ended, process 1 inherits it.
func orphan(c *fiber.Ctx) error {
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"studysharper", "version"}, nil)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"pid": pid})
}
