package httpserver

import (
	"context"
	"net"
	"testing"
)

func TestConnectionWithoutADescriptorHasNotLeft(t *testing.T) {
	near, far := net.Pipe()
	_ = near.Close()
	if isDisconnected(far) || isDisconnected(nil) {
		t.Error("a pipe has left")
	}
}

func BenchmarkWithDisconnect(b *testing.B) {
	b.ReportAllocs()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for b.Loop() {
		_, done := watchDisconnect(ctx, nil, context.Canceled)
		done()
	}
}
