//go:build faulttest

package httpapi

import (
	"sync"

	"github.com/gofiber/fiber/v2"
)

// The most that one request takes; larger numbers are refused.
const (
	maxLeakKB     = 16384
	maxAllocateMB = 1024
)

// leaked keeps what was leaked reachable, so that no collector takes it back.
var leaked struct {
	mu     sync.Mutex
	blocks [][]byte
}

// leak keeps ?kb= kilobytes (1024 bytes) for as long as the process lives.
func leak(c *fiber.Ctx) error {
	kb, err := numberOf(c, "kb", 1, maxLeakKB)
	if err != nil {
		return err
	}
	keep(kb << 10)
	return c.JSON(fiber.Map{"leaked_kb": kb})
}

// allocate keeps ?mb= megabytes (1024² bytes), all at once.
func allocate(c *fiber.Ctx) error {
	mb, err := numberOf(c, "mb", 1, maxAllocateMB)
	if err != nil {
		return err
	}
	keep(mb << 20)
	return c.JSON(fiber.Map{"allocated_mb": mb})
}

func keep(bytes int) {
	const page = 4 << 10
	block := make([]byte, bytes)
	for i := 0; i < len(block); i += page {
		block[i] = 1 // memory that nobody touched takes none of the machine's
	}
	leaked.mu.Lock()
	defer leaked.mu.Unlock()
	leaked.blocks = append(leaked.blocks, block)
}
