package main

import (
	"log/slog"
	"sync"
	"time"

	"studysharper/app/metrics"
	"studysharper/app/study"
	"studysharper/app/text"
)

// observeRuns puts the runs of this worker on its page of the scoreboard.
func observeRuns(own *metrics.Entry) func(time.Duration, error) {
	return func(took time.Duration, _ error) { own.Observe(metrics.Runs, took) }
}

// observeCalls puts the calls of a model on the page.
func observeCalls(own *metrics.Entry) func(time.Duration, int, error) {
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
	case study.CodeUpstreamFailed, study.CodeUpstreamRefused, study.CodeCredit, study.CodeTooLong, study.CodeWithheld:
		return metrics.UpstreamFailed
	default:
		return metrics.UpstreamCancelled
	}
}

// observeTextPanics counts the panics on students' texts on the page, and logs the first
// one at each place.
func observeTextPanics(own *metrics.Entry, log *slog.Logger) func(text.Panic) {
	var logged sync.Map // of places, which are lines of our code: there are few
	return func(p text.Panic) {
		own.Add(metrics.TextPanics, 1)
		if _, known := logged.LoadOrStore(p.Place, true); !known {
			log.Error("panic on a student's text: the sentence is left out", "type", p.Type, "place", p.Place)
		}
	}
}
