package agent

import (
	"context"

	"studysharper/app/study"
)

// leader is what a Cache is as well, where several processes share it: Lead has one of
// those that miss a key at the same time lead, and holds the others until it is done.
// Where lead is false there was a value. done blocks for nothing.
type leader interface {
	Lead(ctx context.Context, key string) (lead bool, done func())
}

// makeOnce makes the answer and caches it, unless another process is just making it: then
// it is that one's. An engine of our own is faster than the question who leads.
func (r *run) makeOnce(ctx context.Context, key string, h hooks) (*made, int, error) {
	if shared, ok := r.Cache.(leader); ok && !r.req.NoCache && !r.o.Deterministic {
		lead, done := shared.Lead(ctx, key)
		defer done() // when the answer is cached
		if !lead {
			if got, ok := r.recall(ctx, key); ok {
				if reply, ok := got.aid.(*study.Reply); ok && h.token != nil {
					h.token(reply.Response)
				}
				return got.made, 0, nil
			}
		}
	}
	m, tokens, err := r.make(ctx, h)
	if err == nil {
		r.remember(ctx, key, m)
	}
	return m, tokens, err
}
