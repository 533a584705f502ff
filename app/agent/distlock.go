package agent

import (
	"context"

	"studysharper/app/study"
)

// locker is implemented by a Cache that several processes share. Of those that miss a key at
// the same time AcquireOrWait lets one lead and holds the others until it is done; they get
// false where it left a value. done does not block.
type locker interface {
	AcquireOrWait(ctx context.Context, key string) (lead bool, done func())
}

// generateOnce makes the answer and caches it, unless another process is just making it: then
// it is that one's. An engine of our own is faster than the question who leads.
func (r *run) generateOnce(ctx context.Context, key string, h hooks) (*draft, int, error) {
	if shared, ok := r.Cache.(locker); ok && !r.req.NoCache && !r.o.Deterministic {
		lead, done := shared.AcquireOrWait(ctx, key)
		defer done() // when the answer is cached
		if !lead {
			if got, ok := r.loadAnswer(ctx, key); ok {
				if reply, ok := got.aid.(*study.Reply); ok && h.token != nil {
					h.token(reply.Response)
				}
				return got.draft, 0, nil
			}
		}
	}
	m, tokens, err := r.generate(ctx, h)
	if err == nil {
		r.cacheAnswer(ctx, key, m)
	}
	return m, tokens, err
}
