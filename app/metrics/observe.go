package metrics

import (
	"math"
	"slices"
	"time"

	"studysharper/app/study"
)

// ObserveRuns returns a function that records the duration of each run in a process's entry.
func ObserveRuns(own *Entry) func(time.Duration, error) {
	return func(took time.Duration, _ error) { own.Observe(Runs, took) }
}

// ObserveCalls returns a function that records the duration, use and outcome of each call of one of the models.
func ObserveCalls(own *Entry, models []string) func(string, time.Duration, study.Answer, error) {
	return func(model string, took time.Duration, answer study.Answer, err error) {
		own.Observe(UpstreamCalls, took)
		own.Add(callOutcome(err), 1)
		own.Add(UpstreamTokens, uint64(max(answer.Tokens, 0)))
		index := slices.Index(models, model)
		own.Add(UsedBy(index, PromptTokens), uint64(max(answer.PromptTokens, 0)))
		own.Add(UsedBy(index, CompletionTokens), uint64(max(answer.CompletionTokens, 0)))
		own.Add(UsedBy(index, CostMicros), uint64(math.Round(max(answer.Cost, 0)*1e6)))
	}
}

// callOutcome returns the counter for the outcome of a call.
func callOutcome(err error) Counter {
	if err == nil {
		return UpstreamOK
	}
	switch study.AsError(err).Code {
	case study.CodeUpstreamUnavailable:
		return UpstreamUnavailable
	case study.CodeUpstreamLimited:
		return UpstreamRateLimited
	case study.CodeUpstreamTimeout:
		return UpstreamTimeout
	case study.CodeUpstreamFailed:
		return UpstreamFailed
	case study.CodeUpstreamRefused:
		return UpstreamRefused
	case study.CodeCredit:
		return UpstreamCredit
	case study.CodeTooLong:
		return UpstreamTooLong
	case study.CodeWithheld:
		return UpstreamWithheld
	default:
		return UpstreamCancelled
	}
}
