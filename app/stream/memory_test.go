package stream_test

import (
	"testing"

	"go.uber.org/goleak"

	"studysharper/app/stream"
	"studysharper/app/stream/streamtest"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	streamtest.Run(t, func(*testing.T) streamtest.Fixture {
		m := stream.NewMemory(stream.MemoryOptions{MaxEvents: streamtest.MaxEvents, MaxEventBytes: streamtest.MaxEventBytes})
		return streamtest.Fixture{Writer: m, Reader: m}
	})
}
