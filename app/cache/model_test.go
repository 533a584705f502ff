package cache

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"studysharper/app/testkit"
)

var ctx = context.Background()

// model is a Cache in its simplest form: a slice from the least to the most recently used.
type model struct {
	maxItems           int
	maxBytes, bytes    int64
	entries            []modelEntry
	evictions, refused uint64
}

type modelEntry struct {
	key   string
	value []byte
}

func (m *model) take(key string) (modelEntry, bool) {
	for i, e := range m.entries {
		if e.key == key {
			m.entries = append(m.entries[:i:i], m.entries[i+1:]...)
			m.bytes -= int64(len(e.key) + len(e.value))
			return e, true
		}
	}
	return modelEntry{}, false
}

func (m *model) put(e modelEntry) {
	m.entries = append(m.entries, e)
	m.bytes += int64(len(e.key) + len(e.value))
}

func (m *model) get(key string) ([]byte, bool) {
	e, ok := m.take(key)
	if ok {
		m.put(e)
	}
	return e.value, ok
}

func (m *model) set(key string, value []byte) {
	m.take(key)
	size := int64(len(key) + len(value))
	if 2*size > m.maxBytes {
		m.refused++
		return
	}
	for len(m.entries) == m.maxItems || m.bytes+size > m.maxBytes {
		m.take(m.entries[0].key)
		m.evictions++
	}
	m.put(modelEntry{key, value})
}

func (m *model) clear(pattern string) (n int) {
	for _, e := range append([]modelEntry(nil), m.entries...) {
		if strings.Contains(e.key, pattern) {
			m.take(e.key)
			n++
		}
	}
	return n
}

// A long random trace of reads, writes of various sizes, and clears gives the same results as the model, and no ring
// loses a piece.
func TestMemoryAgreesWithANaiveLRU(t *testing.T) {
	source := randomBytes(4 << 20)
	cases := []struct {
		options    MemoryOptions
		keys       int
		minV, maxV int
		ops        int
	}{
		{MemoryOptions{MaxItems: 50, MaxBytes: 2 << 20}, 80, 0, 300_000, 4_000},
		{MemoryOptions{MaxItems: 1000, MaxBytes: 3 << 20}, 1500, 0, 20_000, 15_000},
		{MemoryOptions{MaxItems: 20, MaxBytes: 10 << 20}, 25, 100, 4 << 20, 500},
		{MemoryOptions{MaxItems: 20_000, MaxBytes: 512 << 10}, 6000, 100, 400, 15_000},
		{MemoryOptions{MaxItems: 7, MaxBytes: 1000}, 12, 0, 600, 20_000},
		{MemoryOptions{MaxItems: 1, MaxBytes: 100}, 3, 0, 60, 1_000},
	}
	for i, c := range cases {
		t.Run(fmt.Sprint(c.options), func(t *testing.T) {
			m, err := NewMemory(c.options)
			if err != nil {
				t.Fatal(err)
			}
			want := &model{maxItems: c.options.MaxItems, maxBytes: c.options.MaxBytes}
			rng := rand.New(rand.NewPCG(uint64(i), 7))
			c.ops /= testkit.Size(2, 1)
			for op := range c.ops {
				key := fmt.Sprintf("key %d.", rng.IntN(c.keys))
				switch x := rng.IntN(3000); {
				case x == 0:
					pattern := []string{"", "9.", "1", key}[rng.IntN(4)]
					if got, want := m.Clear(ctx, pattern), want.clear(pattern); got != want {
						t.Fatalf("op %d: Clear(%q) = %d, want %d", op, pattern, got, want)
					}
				case x < 1500:
					got, _, ok := m.Get(ctx, key)
					value, wantOK := want.get(key)
					if ok != wantOK || !bytes.Equal(got, value) {
						t.Fatalf("op %d: Get(%q) = %d bytes, %v, want %d bytes, %v", op, key, len(got), ok, len(value), wantOK)
					}
				default:
					n := c.minV + rng.IntN(c.maxV-c.minV+1)
					at := rng.IntN(len(source) - n + 1)
					m.Set(ctx, key, source[at:at+n])
					want.set(key, source[at:at+n])
				}
				if op%100 == 0 || op == c.ops-1 {
					audit(t, m, want)
				}
			}
			for _, e := range want.entries {
				if got, _, ok := m.Get(ctx, e.key); !ok || !bytes.Equal(got, e.value) {
					t.Fatalf("at the end: Get(%q) = %d bytes, %v", e.key, len(got), ok)
				}
			}
			t.Logf("%d segments; %+v", len(m.arena.segments), m.Stats())
		})
	}
}

// audit compares the counters with the model's and every ring with its segment.
func audit(t *testing.T, m *Memory, want *model) {
	t.Helper()
	s := m.Stats()
	if s.Items != len(want.entries) || s.Bytes != want.bytes || s.Evictions != want.evictions || s.Refused != want.refused {
		t.Fatalf("%+v, want %d items, %d bytes, %d evictions, %d refused", s, len(want.entries), want.bytes, want.evictions, want.refused)
	}
	live := 0
	for _, g := range m.arena.segments {
		auditSegment(t, g)
		live += g.live
	}
	if live != m.arena.live {
		t.Fatalf("segments hold %d live bytes, the arena says %d", live, m.arena.live)
	}
	// Every segment but the newest has at some time been filled to nine tenths with live bytes.
	if most := (int(s.MaxBytes)+pieceOverhead*(s.MaxItems+int(s.MaxBytes)/pieceBytes))*10/9/(m.arena.segmentMiB<<20-2*maxNeed) + 1; len(m.arena.segments) > most {
		t.Fatalf("%d segments, want %d at the most", len(m.arena.segments), most)
	}
}

func auditSegment(t *testing.T, s *segment) {
	t.Helper()
	pieces, live := 0, 0
	for l := s.order.first; l != nil; l = l.next {
		pieces++
		live += l.owner.need
	}
	if s.ring.Len() != pieces || s.live != live || s.live > s.filled || s.filled > s.budget {
		t.Fatalf("ring holds %d pieces of %d; live %d of %d, filled %d, budget %d",
			s.ring.Len(), pieces, s.live, live, s.filled, s.budget)
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(b)
	return b
}
