package stream

import (
	"context"

	"studysharper/app/study"
)

// Wait implements Journal.Since with Await.
func Wait(ctx context.Context, a Awaiter, q Query) (study.Batch, error) {
	type answer struct {
		batch study.Batch
		err   error
	}
	answers := make(chan answer, 1)
	cancel := a.Await(q, func(b study.Batch, err error) { answers <- answer{b, err} })
	select {
	case got := <-answers:
		return got.batch, got.err
	case <-ctx.Done():
		cancel()
	}
	select {
	case got := <-answers: // a batch that was delivered counts as read, so it must not be discarded
		return got.batch, got.err
	default:
		return study.Batch{}, WaitEnded(ctx)
	}
}

// WaitEnded returns the error of a wait that ctx has ended.
func WaitEnded(ctx context.Context) error {
	return study.Wrap(context.Cause(ctx), study.CodeUnavailable, "the wait for the journal was ended")
}
