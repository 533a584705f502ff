package metrics_test

import (
	"testing"

	"studysharper/app/memory/shm"
	"studysharper/app/metrics"
	"studysharper/app/study"
)

func TestACallOfTheModelIsCountedByHowItCameOut(t *testing.T) {
	b := metrics.NewBoard(shm.Local(metrics.BoardSize))
	index, _ := b.Claim(0, 1)
	observe := metrics.ObserveCalls(b.Worker(index), []string{"first", "second"})
	for code, want := range map[study.Code]metrics.Counter{
		study.CodeUpstreamFailed: metrics.UpstreamFailed, study.CodeWithheld: metrics.UpstreamWithheld, study.CodeUpstreamTimeout: metrics.UpstreamTimeout,
		study.CodeUpstreamLimited: metrics.UpstreamRateLimited, study.CodeUpstreamRefused: metrics.UpstreamRefused, study.CodeCredit: metrics.UpstreamCredit,
		study.CodeTooLong: metrics.UpstreamTooLong, study.CodeUpstreamUnavailable: metrics.UpstreamUnavailable, study.CodeTimeout: metrics.UpstreamCancelled, study.CodeUnavailable: metrics.UpstreamCancelled,
	} {
		before := b.Snapshot().Total(want)
		observe("first", 1, study.Answer{Tokens: -5, PromptTokens: -5, Cost: -1}, study.Errorf(code, "x"))
		if after := b.Snapshot().Total(want); after != before+1 {
			t.Errorf("%s is not counted as it should be", code)
		}
	}
	observe("second", 1, study.Answer{Tokens: 7, PromptTokens: 5, CompletionTokens: 2, Cost: 0.0000015}, nil)
	if s := b.Snapshot(); s.Total(metrics.UpstreamOK) != 1 || s.Total(metrics.UpstreamTokens) != 7 || s.Distribution(metrics.UpstreamCalls).Count() != 11 {
		t.Errorf("%d calls, %d tokens", s.Total(metrics.UpstreamOK), s.Total(metrics.UpstreamTokens))
	}
}

func TestUseIsCountedByModel(t *testing.T) {
	b := metrics.NewBoard(shm.Local(metrics.BoardSize))
	index, _ := b.Claim(0, 1)
	observe := metrics.ObserveCalls(b.Worker(index), []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"})
	for _, model := range []string{"1", "7", "8", "9", "unknown"} {
		observe(model, 1, study.Answer{PromptTokens: 5, CompletionTokens: 2, Cost: 0.000003}, nil)
	}
	s := b.Snapshot()
	for model, calls := range []uint64{0, 1, 0, 0, 0, 0, 0, 1, 3} { // models beyond the eighth are counted together
		prompt, completion, cost := s.Total(metrics.UsedBy(model, metrics.PromptTokens)), s.Total(metrics.UsedBy(model, metrics.CompletionTokens)), s.Total(metrics.UsedBy(model, metrics.CostMicros))
		if prompt != 5*calls || completion != 2*calls || cost != 3*calls {
			t.Errorf("model %d: %d, %d, %d for %d calls", model, prompt, completion, cost, calls)
		}
	}
}
