package contextcache

import (
	"context"
	"strings"
	"testing"

	"studysharper/app/agent"
	"studysharper/app/cache"
	"studysharper/app/study"
)

// BenchmarkContextOnSQLite is a chat with notes on a real database, until the answer is complete. In "read", the parts
// of the context are read from the database each time.
func BenchmarkContextOnSQLite(b *testing.B) {
	for name, runes := range map[string]int{"short": 200, "long": 20_000} {
		for _, from := range []string{"read", "cached"} {
			b.Run(name+"/"+from, func(b *testing.B) {
				w := colleagues(b, 1)[0]
				for range 3 {
					w.write(b, "ann", strings.Repeat("Osmosis is a word. ", runes/19))
				}
				deps := w.deps(nil)
				if from == "cached" {
					deps.Parts = w.contexts
				}
				o := agent.New(deps, agent.Options{Deterministic: true})
				req := study.Request{Type: study.Chat, UserID: "ann", Message: "What is osmosis?"}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := o.Run(b.Context(), agent.NewID(), req, agent.Observer{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// TestCachedPartsStayWithinTheirBudget fills a worker's cache of parts beyond both bounds.
func TestCachedPartsStayWithinTheirBudget(t *testing.T) {
	w := colleagues(t, 1)[0]
	fill := func(prefix string, n, bytes int) cache.Stats {
		for i := range n {
			w.contexts.Set(context.Background(), prefix+strings.Repeat("k", i), make([]byte, bytes))
		}
		return w.contexts.Stats()
	}
	if s := fill("few ", maxItems+1, 10); s.Items != maxItems || s.Evictions != 1 {
		t.Errorf("one too many: %+v", s)
	}
	if s := fill("large ", 20, maxBytes/10); s.Bytes > maxBytes || s.Items > 10 {
		t.Errorf("too large together: %+v", s)
	}
	if s := fill("huge ", 1, maxBytes/2+1); s.Refused != 1 {
		t.Errorf("over half of it: %+v", s)
	}
}
