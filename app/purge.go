package main

import (
	"context"

	"studysharper/app/supervisor"
)

// clear empties what this worker itself holds.
func (p *parts) clear(ctx context.Context, pattern string) {
	if t := p.others; t != nil && t.tiered != nil {
		t.tiered.ClearLocal(pattern)
	} else {
		p.cache.Clear(ctx, pattern)
	}
	p.known.parts.Clear(ctx, pattern)
}

// purge empties the answers of every worker, and with Redis those of every instance, of
// the keys that hold a pattern.
func (p *parts) purge(parent *supervisor.Parent) func(pattern string) error {
	return func(pattern string) error {
		if t := p.others; t != nil && t.tiered != nil {
			t.tiered.Clear(context.Background(), pattern)
		}
		return parent.ClearCaches(pattern) // also while Redis is away
	}
}

// purgeAll is purge for an operator: nothing that was read is trusted any longer either.
func (p *parts) purgeAll(clearCaches func(pattern string) error) func(pattern string) error {
	return func(pattern string) error {
		if p.others != nil {
			p.known.revisions.BumpAll()()
		}
		return clearCaches(pattern)
	}
}
