package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"studysharper/app/stream/memory"
	"studysharper/app/stream/streamtest"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	streamtest.Run(t, func(*testing.T) streamtest.Fixture {
		m := memory.New(memory.Options{MaxEvents: streamtest.MaxEvents, MaxEventBytes: streamtest.MaxEventBytes})
		return streamtest.Fixture{Writer: m, Reader: m}
	})
}
