package openai

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
	"studysharper/loadtest/fakellm"
)

// waits returns a prompt that records the delays passed to OnWait.
func waits() (study.Prompt, *[]time.Duration) {
	var told []time.Duration
	p := prompt()
	p.OnWait = func(d time.Duration) { told = append(told, d) }
	return p, &told
}

func TestFault_L2_WaitOfUpToFiveSecondsIsWaitedForAndTold(t *testing.T) {
	for _, status := range []int{429, 408, 500, 503, 529} {
		for asked, want := range map[string]time.Duration{"3": 3 * time.Second, "5": 5 * time.Second, "0.5": 500 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) {
				server, c := inBubble(Options{}, fakellm.Rule{Fault: fakellm.Status, Status: status, RetryAfter: asked, Times: 1})
				p, told := waits()
				began := time.Now()
				answer, err := c.Generate(t.Context(), p, nil)
				if took := time.Since(began); err != nil || answer.Text != words || took < want || took > want+maxBackoff {
					t.Errorf("%d, %s s: after %v: %+v, %v", status, asked, took, answer, err)
				}
				if !slices.Equal(*told, []time.Duration{want}) {
					t.Errorf("%d, %s s: OnWait got %v", status, asked, *told)
				}
				wantCalls(t, server, 2)
			})
		}
	}
}

func TestFault_L2_LongerWaitFailsAtOnceAndSaysHowLong(t *testing.T) {
	for _, status := range []int{429, 408, 500, 503, 529} {
		for asked, want := range map[string]time.Duration{"5.001": 5001 * time.Millisecond, "40": 40 * time.Second, "7200": 2 * time.Hour} {
			both(t, func(t *testing.T, onText func(string)) {
				synctest.Test(t, func(t *testing.T) {
					server, c := inBubble(Options{}, fakellm.Rule{Fault: fakellm.Status, Status: status, RetryAfter: asked})
					p, told := waits()
					began := time.Now()
					for range 3 { // the breaker answers the later ones
						_, err := c.Generate(t.Context(), p, onText)
						if e := wantCode(t, err, study.CodeUpstreamLimited); e.RetryAfter < want || e.RetryAfter > want+retryJitter {
							t.Errorf("%d, %s s: retry after %v", status, asked, e.RetryAfter)
						}
						wantNoCanary(t, err)
					}
					if took := time.Since(began); took > 0 || len(*told) > 0 {
						t.Errorf("%d, %s s: after %v, OnWait got %v", status, asked, took, *told)
					}
					wantCalls(t, server, 1)
				})
			})
		}
	}
}

func TestFault_L2_LaterCallsWaitOutWhatIsLeftOfAShortWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := inBubble(Options{RetryBurst: 1}, fakellm.Rule{Fault: fakellm.Status, Status: 429, RetryAfter: "4", Times: 1})
		go func() { _, _ = c.Generate(t.Context(), prompt(), nil) }()
		time.Sleep(time.Second)
		for range 3 { // more than the retry budget: they have made no call yet
			go func() {
				p, told := waits()
				if answer, err := c.Generate(t.Context(), p, nil); err != nil || !slices.Equal(*told, []time.Duration{3 * time.Second}) {
					t.Errorf("%+v, %v, OnWait got %v", answer, err, *told)
				}
			}()
		}
		time.Sleep(10 * time.Second)
		wantCalls(t, server, 5)
	})
}

func TestFault_L2_LongWaitIsNamedBeyondTheBreakersRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := inBubble(Options{}, fakellm.Rule{Fault: fakellm.Status, Status: 429, RetryAfter: "600"})
		_, _ = c.Generate(t.Context(), prompt(), nil)
		time.Sleep(30 * time.Second)
		_, err := c.Generate(t.Context(), prompt(), nil)
		if e := wantCode(t, err, study.CodeUpstreamLimited); e.RetryAfter < 570*time.Second || e.RetryAfter > 571*time.Second {
			t.Errorf("retry after %v", e.RetryAfter)
		}
		time.Sleep(maxPause)
		server.Reset() // the upstream answers again
		_ = server.SetRules()
		if _, err := c.Generate(t.Context(), prompt(), nil); err != nil {
			t.Error(err)
		}
	})
}

func TestFault_L2_AFallbackAnswersInPlaceOfAnyWait(t *testing.T) {
	for _, asked := range []string{"2", "40"} {
		synctest.Test(t, func(t *testing.T) {
			server, c := inBubble(Options{Fallbacks: []string{"second"}},
				fakellm.Rule{Model: "first", Fault: fakellm.Status, Status: 429, RetryAfter: asked})
			p, told := waits()
			began := time.Now()
			answer, err := c.Generate(t.Context(), p, func(string) {})
			if err != nil || answer.Model != "second" || time.Since(began) > 0 || len(*told) > 0 {
				t.Errorf("%s s: after %v: %+v, %v; OnWait got %v", asked, time.Since(began), answer, err, *told)
			}
			wantCalls(t, server, 2)
		})
	}
}

func TestFault_L2_AWaitIsToldAlsoWhereTheFallbackFailsOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := inBubble(Options{Fallbacks: []string{"second"}},
			fakellm.Rule{Model: "first", Fault: fakellm.Status, Status: 429, RetryAfter: "40"},
			fakellm.Rule{Model: "second", Fault: fakellm.Status, Status: 404})
		_, err := c.Generate(t.Context(), prompt(), nil)
		if e := wantCode(t, err, study.CodeUpstreamLimited); e.RetryAfter != 40*time.Second || e.Message != "the AI service asks us to wait 40 s" {
			t.Errorf("%v, %q", e.RetryAfter, e.Message)
		}
	})
}
