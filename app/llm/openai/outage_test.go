package openai

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
	"studysharper/loadtest/fakellm"
)

func TestFault_L13_UpstreamDownForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := inBubble(Options{}, fakellm.Rule{Fault: fakellm.Status, Status: 502})
		began := time.Now()
		for time.Since(began) < 10*time.Minute {
			_, err := c.Generate(t.Context(), prompt(), nil)
			e := wantCode(t, err, study.CodeUpstreamUnavailable)
			if c.Health() != (Health{FirstOpen: true, Open: 1}) && time.Since(began) > 5*time.Second {
				t.Fatalf("after %v health is %+v", time.Since(began), c.Health())
			}
			if e.RetryAfter > openFor+retryJitter {
				t.Fatalf("retry after %v", e.RetryAfter)
			}
			time.Sleep(200 * time.Millisecond)
		}
		// Five to open it, then a probe every 4.5 to 5 s.
		if n := server.Counts().Calls; n < 5+110 || n > 5+134 {
			t.Errorf("upstream was called %d times in 10 minutes", n)
		}
		server.Reset()
		for back := time.Now(); c.Health().Open > 0; time.Sleep(100 * time.Millisecond) {
			_, _ = c.Generate(t.Context(), prompt(), nil)
			if took := time.Since(back); took > 6*time.Second {
				t.Fatalf("still open %v after the upstream came back", took)
			}
		}
	})
}

func TestFault_L13_OpenBreakerFailsAtOnce(t *testing.T) {
	server, o := fake(t, fakellm.Rule{Fault: fakellm.Status, Status: 500})
	o.Fallbacks = []string{"second"}
	c := client(t, o)
	trip(t, c)
	calls := server.Counts().Calls
	for range 3 {
		_, err := c.Generate(t.Context(), prompt(), func(string) {})
		if e := wantCode(t, err, study.CodeUpstreamUnavailable); e.RetryAfter <= 0 || e.RetryAfter > openFor+retryJitter {
			t.Errorf("retry after %v", e.RetryAfter)
		}
		wantNoCanary(t, err)
	}
	wantCalls(t, server, calls)
}

// trip makes calls fail until all breakers are open.
func trip(t *testing.T, c *Client) {
	t.Helper()
	for range 2 * tripStreak {
		if c.Health().Open == len(c.breakers) {
			return
		}
		_, _ = c.Generate(t.Context(), prompt(), nil)
	}
	if h := c.Health(); h.Open != len(c.breakers) {
		t.Fatalf("health is %+v after %d calls", h, 2*tripStreak)
	}
}

func TestFault_L13_OpenBreakerGoesStraightToTheFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := inBubble(Options{Fallbacks: []string{"second"}}, fakellm.Rule{Model: "first", Fault: fakellm.Status, Status: 500})
		for c.Health().Open == 0 {
			if answer, err := c.Generate(t.Context(), prompt(), nil); err != nil || answer.Model != "second" {
				t.Fatalf("answer %+v, error %v", answer, err)
			}
		}
		calls := server.Counts().Calls
		began := time.Now()
		answer, err := c.Generate(t.Context(), prompt(), nil)
		if err != nil || answer.Model != "second" || time.Since(began) > 0 {
			t.Errorf("after %v: answer %+v, error %v", time.Since(began), answer, err)
		}
		wantCalls(t, server, calls+1)
		if h := c.Health(); h != (Health{FirstOpen: true, Open: 1}) {
			t.Errorf("health is %+v", h)
		}
	})
}

func TestFault_L13_OnlyTheUpstreamsHealthOpensABreaker(t *testing.T) {
	status := func(n int) fakellm.Rule { return fakellm.Rule{Fault: fakellm.Status, Status: n} }
	for name, test := range map[string]struct {
		rule     fakellm.Rule
		streamed bool
		open     bool
		refusing bool
	}{
		"500": {status(500), false, true, false}, "529": {status(529), true, true, false}, "408": {status(408), false, true, false},
		"502 within a 200":          {fakellm.Rule{Fault: fakellm.ErrorInBody, Status: 502}, true, true, false},
		"silence":                   {fakellm.Rule{Fault: fakellm.Hang}, false, true, false},
		"silence after headers":     {fakellm.Rule{Fault: fakellm.HangAfterHeaders}, true, true, false},
		"cut before the first":      {fakellm.Rule{Fault: fakellm.Cut}, true, true, false},
		"an HTML page":              {fakellm.Rule{Fault: fakellm.HTML}, false, false, true},
		"cut after the first":       {fakellm.Rule{Fault: fakellm.Cut, AfterTokens: 1}, true, false, false},
		"silence after the first":   {fakellm.Rule{Fault: fakellm.HangMidway, AfterTokens: 1}, true, false, false},
		"400":                       {status(400), false, false, false},
		"401":                       {status(401), false, false, true},
		"402":                       {status(402), true, false, true},
		"404":                       {status(404), false, false, true},
		"429":                       {status(429), false, false, false},
		"a redirect":                {fakellm.Rule{Fault: fakellm.Redirect}, false, false, true},
		"the model's filter":        {fakellm.Rule{Fault: fakellm.Filtered}, true, false, false},
		"an answer without text":    {fakellm.Rule{Fault: fakellm.Empty}, false, false, false},
		"an answer that is a flood": {fakellm.Rule{Fault: fakellm.Huge, Bytes: 3 << 20}, false, false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, c := inBubble(Options{}, test.rule)
			var onText func(string)
			if test.streamed {
				onText = func(string) {}
			}
			for range tripStreak {
				_, _ = c.Generate(t.Context(), prompt(), onText)
			}
			if h := c.Health(); h.FirstOpen != test.open || h.FirstRefusing != test.refusing {
				t.Errorf("%s: health is %+v", name, h)
			}
		})
	}
}

func TestFault_L13_RefusedConnectionsOpenABreaker(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	c := client(t, Options{BaseURL: "http://" + gone.Addr().String(), Model: "first"})
	trip(t, c)
}

func TestFault_L13_ACallersLeavingOpensNoBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := inBubble(Options{}, fakellm.Rule{Fault: fakellm.Hang})
		for range 2 * tripStreak {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(errStudentLeft) })
			_, _ = c.Generate(ctx, prompt(), nil)
		}
		if h := c.Health(); h.Open != 0 {
			t.Errorf("health is %+v", h)
		}
	})
}

func TestFault_L2_RateLimitIsHonouredByTheCallsAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := inBubble(Options{}, fakellm.Rule{Model: "first", Fault: fakellm.Status, Status: 429, RetryAfter: "55", Times: 1})
		for range 3 {
			_, err := c.Generate(t.Context(), prompt(), nil)
			if e := wantCode(t, err, study.CodeUpstreamLimited); e.RetryAfter < 55*time.Second || e.RetryAfter > 56*time.Second {
				t.Errorf("retry after %v", e.RetryAfter)
			}
		}
		wantCalls(t, server, 1)
		time.Sleep(55 * time.Second)
		if answer, err := c.Generate(t.Context(), prompt(), nil); err != nil {
			t.Errorf("answer %+v, error %v", answer, err)
		}
	})
}

func TestFault_L2_RateLimitIsNotWaitedOutWhereThereIsAFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := inBubble(Options{Fallbacks: []string{"second"}},
			fakellm.Rule{Model: "first", Fault: fakellm.Status, Status: 429, RetryAfter: "20"})
		began := time.Now()
		for range 2 {
			if answer, err := c.Generate(t.Context(), prompt(), nil); err != nil || answer.Model != "second" {
				t.Errorf("answer %+v, error %v", answer, err)
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("answered after %v", took)
		}
		wantCalls(t, server, 3)
	})
}

func TestErrorOfSeveralModelsNamesTheSoonestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := inBubble(Options{Fallbacks: []string{"second"}},
			fakellm.Rule{Model: "first", Fault: fakellm.Status, Status: 429, RetryAfter: "20"},
			fakellm.Rule{Model: "second", Fault: fakellm.Status, Status: 429, RetryAfter: "300"})
		_, err := c.Generate(t.Context(), prompt(), nil)
		if e := wantCode(t, err, study.CodeUpstreamLimited); e.RetryAfter != 20*time.Second {
			t.Errorf("retry after %v, want 20s", e.RetryAfter)
		}
	})
}

func TestPanicOfACallerDoesNotHoldTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := inBubble(Options{}, fakellm.Rule{Fault: fakellm.Status, Status: 500})
		trip(t, c)
		server.Reset()
		time.Sleep(openFor)
		func() {
			defer func() { _ = recover() }()
			_, _ = c.Generate(t.Context(), prompt(), func(string) { panic("in the caller") })
		}()
		if _, err := c.Generate(t.Context(), prompt(), nil); err != nil {
			t.Error(err)
		}
	})
}

func TestFault_L14_EachWorkersBreakerOpensWithinTwentyCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, one := inBubble(Options{}, fakellm.Rule{Fault: fakellm.Status, Status: 503, Every: 2})
		another := New(one.o)
		another.http.Transport = one.http.Transport
		for _, c := range []*Client{one, another} {
			for c.Health().Open == 0 {
				_, _ = c.Generate(t.Context(), prompt(), func(string) {})
			}
			if n := server.Counts().Calls; n > 20 {
				t.Errorf("opened after %d calls", n)
			}
			server.Reset()
			_ = server.SetRules(fakellm.Rule{Fault: fakellm.Status, Status: 503})
		}
	})
}

func TestFault_L13_UpstreamThatHungIsAskedSoonAfterItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := inBubble(Options{}, fakellm.Rule{Fault: fakellm.Hang})
		ask := func() { go func() { _, _ = c.Generate(t.Context(), prompt(), nil) }() }
		for range tripStreak {
			ask()
		}
		time.Sleep(time.Minute + openFor)
		ask() // a probe that hangs for a minute
		synctest.Wait()
		if n := server.Counts(); n.Active != 1 || c.Health().Open != 1 {
			t.Fatalf("counts are %+v, health %+v", n, c.Health())
		}
		if err := server.SetRules(); err != nil {
			t.Fatal(err)
		}
		for back := time.Now(); c.Health().Open > 0; time.Sleep(100 * time.Millisecond) {
			if took := time.Since(back); took > 6*time.Second {
				t.Fatalf("still open %v after the upstream came back", took)
			}
			ask()
		}
		time.Sleep(time.Minute)
		if c.Health().Open != 0 { // the hanging call has failed meanwhile
			t.Error("a failure of long ago opened the breaker")
		}
	})
}
