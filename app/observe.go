package main

import (
	"time"

	"studysharper/app/metrics"
	"studysharper/app/study"
)

// observeRuns puts the runs of this worker on its page of the scoreboard.
func observeRuns(own *metrics.Page) func(time.Duration, error) {
	return func(took time.Duration, _ error) { own.Observe(metrics.Runs, took) }
}

// observeCalls puts the calls of a model on the page.
func observeCalls(own *metrics.Page) func(time.Duration, int, error) {
	return func(took time.Duration, tokens int, err error) {
		own.Observe(metrics.UpstreamCalls, took)
		own.Add(callOutcome(err), 1)
		own.Add(metrics.UpstreamTokens, uint64(max(tokens, 0)))
	}
}

// callOutcome is the counter for how a call of a model came out.
func callOutcome(err error) metrics.Counter {
	if err == nil {
		return metrics.UpstreamOK
	}
	switch study.AsError(err).Code {
	case study.CodeUpstreamUnavailable, study.CodeUpstreamLimited:
		return metrics.UpstreamUnavailable
	case study.CodeUpstreamTimeout:
		return metrics.UpstreamTimeout
	case study.CodeUpstreamFailed, study.CodeWithheld:
		return metrics.UpstreamFailed
	default:
		return metrics.UpstreamCancelled
	}
}
