//go:build leaktest

package httpapi

import (
	"sync"

	"github.com/gofiber/fiber/v2"
)

// maxLeakKB is the most that one request leaks; larger numbers are cut to it.
const maxLeakKB = 16384

// leaked keeps what was leaked reachable, so that no collector takes it back.
var leaked struct {
	mu     sync.Mutex
	blocks [][]byte
}

// routeLeak adds the route that makes this worker a leaking one. It is in builds
// with the tag leaktest only, which are for tests.
func (s *Server) routeLeak() {
	s.app.Post("/debug/leak", leak)
}

// leak keeps ?kb= kilobytes (1024 bytes) for as long as the process lives.
func leak(c *fiber.Ctx) error {
	kb, err := numberOf(c, "kb", 1, maxLeakKB)
	if err != nil {
		return err
	}
	const page = 4 << 10
	block := make([]byte, kb<<10)
	for i := 0; i < len(block); i += page {
		block[i] = 1 // memory that nobody touched takes none of the machine's
	}
	leaked.mu.Lock()
	defer leaked.mu.Unlock()
	leaked.blocks = append(leaked.blocks, block)
	return c.JSON(fiber.Map{"leaked_kb": kb})
}
