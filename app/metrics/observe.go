package metrics

import (
	"log/slog"
	"sync"
	"time"

	"studysharper/app/study"
	"studysharper/app/text"
)

// ObserveRuns returns a function that records the duration of each run in a process's entry.
func ObserveRuns(own *Entry) func(time.Duration, error) {
	return func(took time.Duration, _ error) { own.Observe(Runs, took) }
}

// ObserveCalls returns a function that records the duration, tokens and outcome of each model call.
func ObserveCalls(own *Entry) func(time.Duration, int, error) {
	return func(took time.Duration, tokens int, err error) {
		own.Observe(UpstreamCalls, took)
		own.Add(callOutcome(err), 1)
		own.Add(UpstreamTokens, uint64(max(tokens, 0)))
	}
}

// callOutcome returns the counter for the outcome of a call.
func callOutcome(err error) Counter {
	if err == nil {
		return UpstreamOK
	}
	switch study.AsError(err).Code {
	case study.CodeUpstreamUnavailable, study.CodeUpstreamLimited:
		return UpstreamUnavailable
	case study.CodeUpstreamTimeout:
		return UpstreamTimeout
	case study.CodeUpstreamFailed, study.CodeUpstreamRefused, study.CodeCredit, study.CodeTooLong, study.CodeWithheld:
		return UpstreamFailed
	default:
		return UpstreamCancelled
	}
}

// ObserveTextPanics returns a function that counts the panics on students' texts, and logs the first one at each place in
// the code.
func ObserveTextPanics(own *Entry, log *slog.Logger) func(text.Panic) {
	var logged sync.Map // by place in our code, of which there are few
	return func(p text.Panic) {
		own.Add(TextPanics, 1)
		if _, known := logged.LoadOrStore(p.Place, true); !known {
			log.Error("panic on a student's text: the sentence is left out", "type", p.Type, "place", p.Place)
		}
	}
}
