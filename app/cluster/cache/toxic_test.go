package cache_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

// wire is a connection's path to Redis, with injected faults.
type wire struct{ *toxiproxy.Proxy }

func wireTo(t *testing.T, s *redistest.Server) wire {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", s.Addr())
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return wire{p}
}

func (w wire) url() string { return "redis://" + w.Listen }

// suffers applies a toxic to the upstream or downstream direction until the returned function is called.
func (w wire) suffers(t *testing.T, toxic, stream, attributes string) (heal func()) {
	t.Helper()
	name := toxic + stream
	_, err := w.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"name": %q, "type": %q, "stream": %q, "attributes": {%s}}`,
		name, toxic, stream, attributes)))
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := w.Toxics.RemoveToxic(ctx, name); err != nil {
			t.Error(err)
		}
	}
}

// wantFoundOut lets the first few requests find out that Redis does not answer in time, and checks
// that it is not called from then on.
func wantFoundOut(t *testing.T, p *process) {
	t.Helper()
	for i := range 20 {
		p.Get(ctx, fmt.Sprint("first ", i))
	}
	if !p.Degraded() {
		t.Error("nobody has found out")
	}
	wantRedisLeftAlone(t, p)
}

func TestASlowRedisIsNotWaitedForAndIsUsedAgainWhenItIsFast(t *testing.T) {
	server := redistest.Start(t)
	w := wireTo(t, server)
	s := hurried()
	s.timeout = patient // it is slow, not unreachable
	p := starts(t, w.url(), s)
	other := starts(t, server.URL(), ordinary)
	other.Set(ctx, "shared", []byte("value"))
	settled(t, server, "shared", true)
	heal := w.suffers(t, "latency", "upstream", `"latency": 2000`)
	if !missed(p, "shared") {
		t.Error("a Get waited for the answer")
	}
	testkit.Eventually(t, "the late answer is in memory", func() bool { return hit(p.near, "shared", "value") })
	if wantFoundOut(t, p); !p.conn.Up() {
		t.Error("it is slow, and counts as away")
	}
	late := p.Stats().Late
	p.Get(ctx, "unknown")
	if n := p.Stats().Late - late; n > 2 { // a probe may be in progress
		t.Errorf("%d questions for one Get of a slow Redis", n)
	}
	heal()
	testkit.Eventually(t, "it is used again", func() bool { return !p.Degraded() })
	other.Set(ctx, "new", []byte("value"))
	settled(t, server, "new", true)
	testkit.Eventually(t, "it is asked again", func() bool { return hit(p, "new", "value") })
}

func TestACutConnectionCostsNothingAndIsBack(t *testing.T) {
	server := redistest.Start(t)
	w := wireTo(t, server)
	p := starts(t, w.url(), hurried())
	for round := range 3 {
		w.Stop()
		wantFoundOut(t, p)
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "it is used again", func() bool { return !p.Degraded() })
		key := fmt.Sprint("key ", round)
		p.Set(ctx, key, []byte("value"))
		settled(t, server, key, true)
	}
}

// Nothing gets through, and there is no error.
func TestAHalfOpenConnectionCostsNothingAndIsBack(t *testing.T) {
	server := redistest.Start(t)
	for _, stream := range []string{"upstream", "downstream"} {
		w := wireTo(t, server)
		p := starts(t, w.url(), hurried())
		heal := w.suffers(t, "timeout", stream, `"timeout": 0`)
		wantFoundOut(t, p)
		testkit.Eventually(t, "it counts as away", func() bool { return !p.conn.Up() })
		doubted := p.Stats().Resyncs
		heal()
		testkit.Eventually(t, "it is used again", func() bool { return !p.Degraded() })
		testkit.Eventually(t, "its channel is heard again", func() bool { return p.Stats().Resyncs > doubted })
	}
}

// Replies arrive in pieces, or are cut off: no value may differ from what was set.
func TestRepliesInPiecesAreWholeAndCutOnesAreMisses(t *testing.T) {
	server := redistest.Start(t)
	w := wireTo(t, server)
	value := string(noise(100_000))
	far := inRedis(t, connected(t, w.url()), ordinary.far)
	far.Set(ctx, "key", []byte(value))
	heal := w.suffers(t, "slicer", "downstream", `"average_size": 700, "size_variation": 300, "delay": 1`)
	testkit.Eventually(t, "whole", func() bool { return hit(far, "key", value) })
	heal()
	for _, bytes := range []int{1, 30, 5000, 99_999} {
		w := wireTo(t, server)
		conn := connected(t, w.url())
		cut := inRedis(t, conn, ordinary.far)
		heal := w.suffers(t, "limit_data", "downstream", fmt.Sprintf(`"bytes": %d`, bytes))
		for range 5 {
			if v, _, ok := cut.Get(ctx, "key"); ok && string(v) != value {
				t.Fatalf("cut after %d bytes: %d bytes of something else", bytes, len(v))
			}
		}
		heal()
		testkit.Eventually(t, "whole again", func() bool { return hit(cut, "key", value) })
		if cut.Stats().Corrupt != 0 {
			t.Errorf("cut after %d bytes: %+v", bytes, cut.Stats())
		}
	}
}

func TestConnectionsResetInTheMiddleAreMisses(t *testing.T) {
	server := redistest.Start(t)
	w := wireTo(t, server)
	p := starts(t, w.url(), hurried())
	heal := w.suffers(t, "reset_peer", "downstream", `"timeout": 0`)
	wantFoundOut(t, p)
	heal()
	testkit.Eventually(t, "it is used again", func() bool { return !p.Degraded() })
}
