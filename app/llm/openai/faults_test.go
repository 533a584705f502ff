package openai

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
	"studysharper/loadtest/fakellm"
)

func TestFault_L1_RefusedKeyIsTriedOnceForEachModel(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		both(t, func(t *testing.T, onText func(string)) {
			server, o := fake(t, fakellm.Rule{Fault: fakellm.Status, Status: status})
			o.Fallbacks = []string{"second"}
			_, err := client(t, o).Generate(t.Context(), prompt(), onText)
			e := wantCode(t, err, study.CodeUpstreamRefused)
			if e.Message != "the AI service rejected this server's API key; please tell whoever runs it" {
				t.Errorf("message is %q", e.Message)
			}
			wantNoCanary(t, err)
			wantCalls(t, server, 2)
		})
	}
}

func TestFault_L2_RateLimitIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := inBubble(Options{}, fakellm.Rule{Fault: fakellm.Status, Status: 429, RetryAfter: "5", Times: 1})
		began := time.Now()
		answer, err := c.Generate(t.Context(), prompt(), nil)
		if err != nil || answer.Text != words {
			t.Fatalf("answer %+v, error %v", answer, err)
		}
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("answered after %v, want 5 s and the jitter", took)
		}
		wantCalls(t, server, 2)
	})
}

func TestFault_L2_LongRateLimitIsPassedOnAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := inBubble(Options{}, fakellm.Rule{Fault: fakellm.Status, Status: 429, RetryAfter: "6"})
		began := time.Now()
		_, err := c.Generate(t.Context(), prompt(), nil)
		if e := wantCode(t, err, study.CodeUpstreamLimited); e.RetryAfter != 6*time.Second {
			t.Errorf("retry after %v, want 6s", e.RetryAfter)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("failed after %v, want at once", took)
		}
		wantCalls(t, server, 1)
	})
}

func TestFault_L2_RateLimitWithoutRetryAfterIsTriedOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := inBubble(Options{}, fakellm.Rule{Fault: fakellm.Status, Status: 429})
		_, err := c.Generate(t.Context(), prompt(), func(string) {})
		if e := wantCode(t, err, study.CodeUpstreamLimited); e.RetryAfter != 0 {
			t.Errorf("retry after %v, want unknown", e.RetryAfter)
		}
		wantCalls(t, server, 2)
	})
}

func TestFault_L3_ServerErrorIsTriedTwiceAModelThenFallsBack(t *testing.T) {
	for _, status := range []int{500, 502, 503, 529} {
		both(t, func(t *testing.T, onText func(string)) {
			server, o := fake(t, fakellm.Rule{Model: "first", Fault: fakellm.Status, Status: status},
				fakellm.Rule{Model: "second", Fault: fakellm.Status, Status: 404})
			o.Fallbacks = []string{"second", "third"}
			answer, err := client(t, o).Generate(t.Context(), prompt(), onText)
			if err != nil || answer.Model != "third" {
				t.Fatalf("status %d: answer %+v, error %v", status, answer, err)
			}
			wantCalls(t, server, 4)
		})
	}
}

func TestFault_L3_LastFailureNamesThoseBefore(t *testing.T) {
	_, o := fake(t, fakellm.Rule{Model: "first", Fault: fakellm.Status, Status: 404},
		fakellm.Rule{Fault: fakellm.Status, Status: 400})
	o.Fallbacks = []string{"second"}
	_, err := client(t, o).Generate(t.Context(), prompt(), nil)
	wantCode(t, err, study.CodeUpstreamFailed)
	for _, part := range []string{"refused the request", "does not know the model"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func TestFault_L3_NothingIsTriedAgainAfterTheFirstText(t *testing.T) {
	for _, fault := range []fakellm.Fault{fakellm.Cut, fakellm.ErrorMidway, fakellm.HangMidway, fakellm.BadLines} {
		synctest.Test(t, func(t *testing.T) {
			server, c := inBubble(Options{Fallbacks: []string{"second"}},
				fakellm.Rule{Fault: fault, AfterTokens: 3, Lines: maxBadLines + 1})
			answer, err := c.Generate(t.Context(), prompt(), func(string) {})
			if err == nil || answer.Text != "one two three " {
				t.Errorf("%s: answer %+v, error %v; want the text so far and an error", fault, answer, err)
			}
			wantCalls(t, server, 1)
		})
	}
}

func TestFault_L3_RetriesAreHeldToAShareOfTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := inBubble(Options{RetryBurst: 2}, fakellm.Rule{Fault: fakellm.Status, Status: 429})
		for range 30 {
			_, err := c.Generate(t.Context(), prompt(), nil)
			wantCode(t, err, study.CodeUpstreamLimited)
		}
		// 30 calls, the burst of 2, and one for each ten calls after the first.
		if n := server.Counts().Calls; n < 33 || n > 35 {
			t.Errorf("upstream was called %d times for 30 calls, want 30 and about a tenth", n)
		}
	})
}

// beforeFirstByte is less than the 30 s for which a connected upstream may be silent. A call that takes longer was not
// ended by the ConnectTimeout of a few tenths of a second.
const beforeFirstByte = 25 * time.Second

func TestFault_L4_UnreachableUpstreamFailsSoon(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and does not answer the TLS hello
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	untrusted := httptest.NewTLSServer(fakellm.New(fakellm.Options{}))
	defer untrusted.Close()
	untrusted.Config.ErrorLog = nil

	for name, address := range map[string]string{
		"refused": "http://" + gone.Addr().String(), "silent TLS": "https://" + silent.Addr().String(),
		"untrusted certificate": untrusted.URL, "plain HTTP for TLS": strings.Replace(untrusted.URL, "https", "http", 1),
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, Options{BaseURL: address + "/v1", APIKey: keyCanary, ConnectTimeout: 200 * time.Millisecond})
			began := time.Now()
			_, err := c.Generate(t.Context(), prompt(), nil)
			if err == nil || time.Since(began) > beforeFirstByte {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			if name != "plain HTTP for TLS" { // this one is a status, 400
				wantCode(t, err, study.CodeUpstreamUnavailable)
			}
			wantNoCanary(t, err)
		})
	}
}

func TestFault_L4_NameLookupIsBounded(t *testing.T) {
	hang := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	c := client(t, Options{BaseURL: "http://upstream.invalid/v1", ConnectTimeout: 100 * time.Millisecond})
	c.http.Transport = newTransport(c.o, hang)
	began := time.Now()
	_, err := c.Generate(t.Context(), prompt(), nil)
	wantCode(t, err, study.CodeUpstreamUnavailable)
	if took := time.Since(began); took > beforeFirstByte {
		t.Errorf("failed after %v", took)
	}
}

func TestFault_L5_UpstreamThatNeverAnswersTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, test := range map[string]struct {
			onText func(string)
			want   time.Duration
		}{"plain": {nil, time.Minute}, "streamed": {func(string) {}, 30 * time.Second}} {
			server, c := inBubble(Options{}, fakellm.Rule{Fault: fakellm.Hang})
			began := time.Now()
			_, err := c.Generate(t.Context(), prompt(), test.onText)
			wantCode(t, err, study.CodeUpstreamTimeout)
			if took := time.Since(began); took != test.want {
				t.Errorf("%s: failed after %v, want %v", name, took, test.want)
			}
			wantCalls(t, server, 1)
		}
	})
}

func TestFault_L5_HangingModelLeavesTimeForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, onText := range []func(string){nil, func(string) {}} {
			_, c := inBubble(Options{Fallbacks: []string{"second"}}, fakellm.Rule{Model: "first", Fault: fakellm.Hang})
			answer, err := c.Generate(t.Context(), prompt(), onText)
			if err != nil || answer.Model != "second" {
				t.Errorf("answer %+v, error %v", answer, err)
			}
		}
	})
}

func TestFault_L6_SilenceBetweenTokensTimesOut(t *testing.T) {
	for _, fault := range []fakellm.Fault{fakellm.HangAfterHeaders, fakellm.HangMidway} {
		synctest.Test(t, func(t *testing.T) {
			server, c := inBubble(Options{}, fakellm.Rule{Fault: fault, AfterTokens: 2})
			began := time.Now()
			answer, err := c.Generate(t.Context(), prompt(), func(string) {})
			wantCode(t, err, study.CodeUpstreamTimeout)
			if took := time.Since(began); took != 30*time.Second {
				t.Errorf("%s: failed after %v", fault, took)
			}
			if fault == fakellm.HangMidway && answer.Text != "one two " {
				t.Errorf("partial text is %q", answer.Text)
			}
			synctest.Wait()
			if n := server.Counts(); n.Cancelled != 1 || n.Active != 0 {
				t.Errorf("%s: upstream counts %+v", fault, n)
			}
		})
	}
}

func TestFault_L6_TheWholeCallIsBoundedThoughTokensFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := inBubble(Options{Timeout: 5500 * time.Millisecond}, fakellm.Rule{TokensPerSecond: 1})
		answer, err := c.Generate(t.Context(), prompt(), func(string) {})
		wantCode(t, err, study.CodeUpstreamTimeout)
		if answer.Text != "one two three four five " {
			t.Errorf("partial text is %q", answer.Text)
		}
	})
}

func TestFault_L6_AnswerThatIsWholeIsNotLostToAHangAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := inBubble(Options{}, fakellm.Rule{Fault: fakellm.HangAtEnd})
		began := time.Now()
		answer, err := c.Generate(t.Context(), prompt(), func(string) {})
		if err != nil || answer.Text != words || time.Since(began) != usageGrace {
			t.Errorf("after %v: answer %+v, error %v", time.Since(began), answer, err)
		}
	})
}
