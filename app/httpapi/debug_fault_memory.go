//go:build faulttest

package httpapi

import (
	"sync"

	"github.com/gofiber/fiber/v2"
)

// The limits of one request.
const (
	maxLeakKB     = 16384
	maxAllocateMB = 1024
)

// leaked references the leaked memory, so that it is not garbage-collected.
var leaked struct {
	mu     sync.Mutex
	blocks [][]byte
}

// leak allocates ?kb= kilobytes (1024 bytes) and retains them until the process ends.
func leak(c *fiber.Ctx) error {
	kb, err := numberOf(c, "kb", 1, maxLeakKB)
	if err != nil {
		return err
	}
	keep(kb << 10)
	return c.JSON(fiber.Map{"leaked_kb": kb})
}

// allocate allocates ?mb= megabytes (1024² bytes) in one piece and retains them.
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
		block[i] = 1 // memory that is never written occupies no physical memory
	}
	leaked.mu.Lock()
	defer leaked.mu.Unlock()
	leaked.blocks = append(leaked.blocks, block)
}
