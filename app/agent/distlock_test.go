package agent

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

// sharedMap is a Cache that several orchestrators share, with one lease for all keys.
type sharedMap struct {
	*agenttest.Cache
	mu    sync.Mutex
	asked int
	taken chan struct{} // closed when the leader is done; nil while there is none
}

func (c *sharedMap) AcquireOrWait(_ context.Context, key string) (lead bool, done func()) {
	c.mu.Lock()
	c.asked++
	taken := c.taken
	if taken == nil {
		taken = make(chan struct{})
		c.taken = taken
		c.mu.Unlock()
		return true, func() { c.mu.Lock(); defer c.mu.Unlock(); c.taken = nil; close(taken) }
	}
	c.mu.Unlock()
	<-taken
	return !slices.Contains(c.Keys(), key), func() {}
}

// shareCache makes the benches share one cache.
func shareCache(benches ...*bench) *sharedMap {
	c := &sharedMap{Cache: benches[0].Cache}
	for _, b := range benches {
		b.deps.Cache = c
	}
	return c
}

func TestEqualRequestsOfSeveralProcessesShareOneCall(t *testing.T) {
	for _, typ := range []study.Type{study.Chat, study.Quiz} {
		synctest.Test(t, func(t *testing.T) {
			m, open := agenttest.Gated(agenttest.GoodAnswer(typ))
			benches := []*bench{newBench(m, Options{}), newBench(m, Options{}), newBench(m, Options{})}
			shareCache(benches...)
			var crowds []*crowd
			for _, b := range benches {
				crowds = append(crowds, gatherCrowd(t, b, 5, agenttest.Asking(typ)))
			}
			open()
			tokens := 0
			for _, c := range crowds {
				c.wg.Wait()
				for i := range c.out {
					if c.errs[i] != nil {
						t.Fatal(c.errs[i])
					}
					tokens += c.out[i].Result.Metadata.TokensUsed
					agenttest.CheckSteps(t, c.seen[i].progress)
					told := ""
					for _, text := range c.seen[i].tokens {
						told += text
					}
					if typ == study.Chat && told != agenttest.GoodAnswer(typ) {
						t.Errorf("run %d received %q", i, told)
					}
				}
			}
			if m.Calls() != 1 || tokens != 10 {
				t.Errorf("%d calls, %d tokens", m.Calls(), tokens)
			}
		})
	}
}

func TestWhereTheLeaderHasNoAnswerTheOthersMakeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		m := &agenttest.Model{Answer: func(ctx context.Context, call int, _ study.Prompt, _ func(string)) (study.Answer, error) {
			<-gate
			if call == 1 {
				panic("SECRET")
			}
			return study.Answer{Text: agenttest.GoodAnswer(study.Quiz), Model: "fake-1", Tokens: 10}, nil
		}}
		one, other := newBench(m, Options{}), newBench(m, Options{})
		c := shareCache(one, other)
		first, second := gatherCrowd(t, one, 1, agenttest.Asking(study.Quiz)), gatherCrowd(t, other, 1, agenttest.Asking(study.Quiz))
		close(gate)
		first.wg.Wait()
		second.wg.Wait()
		if first.errs[0] == nil || second.errs[0] != nil || m.Calls() != 2 || c.taken != nil {
			t.Errorf("%v, %v, %d calls, still led: %v", first.errs[0], second.errs[0], m.Calls(), c.taken != nil)
		}
	})
}

func TestNobodyLeadsWhereNothingIsSavedByIt(t *testing.T) {
	fresh := agenttest.Asking(study.Quiz)
	fresh.NoCache = true
	for name, tc := range map[string]struct {
		o   Options
		req study.Request
		led int
	}{
		"ordinary":             {Options{}, agenttest.Asking(study.Quiz), 1},
		"no cache":             {Options{}, fresh, 0},
		"an engine of our own": {Options{Deterministic: true}, agenttest.Asking(study.Quiz), 0},
	} {
		b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Quiz)), tc.o)
		c := shareCache(b)
		if _, err := b.Run(t.Context(), tc.req, nil); err != nil || c.asked != tc.led || len(c.Keys()) != 1 {
			t.Errorf("%s: %v, called %d times, %d answers cached", name, err, c.asked, len(c.Keys()))
		}
	}
}
