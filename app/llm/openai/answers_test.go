package openai

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
	"studysharper/loadtest/fakellm"
)

func TestFault_L7_CutAnswerIsNeverTakenForWhole(t *testing.T) {
	for _, fault := range []fakellm.Fault{fakellm.Cut, fakellm.Reset, fakellm.TruncatedChunk} {
		for _, after := range []int{0, 4} {
			server, o := fake(t, fakellm.Rule{Fault: fault, AfterTokens: after})
			answer, err := client(t, o).Generate(t.Context(), prompt(), func(string) {})
			wantCode(t, err, study.CodeUpstreamFailed)
			if want := strings.Join(fakellm.Tokens(words)[:after], ""); answer.Text != want {
				t.Errorf("%s: partial text is %q, want %q", fault, answer.Text, want)
			}
			wantCalls(t, server, map[int]int{0: 2, 4: 1}[after]) // repeated only if nothing was shown
		}
		_, o := fake(t, fakellm.Rule{Fault: fault})
		_, err := client(t, o).Generate(t.Context(), prompt(), nil)
		wantCode(t, err, study.CodeUpstreamFailed)
	}
}

func TestFault_L8_AFewBadLinesArePassedOver(t *testing.T) {
	_, o := fake(t, fakellm.Rule{Fault: fakellm.BadLines, Lines: maxBadLines, AfterTokens: 3})
	answer, err := client(t, o).Generate(t.Context(), prompt(), func(string) {})
	if err != nil || answer.Text != words {
		t.Errorf("with %d bad lines: answer %+v, error %v", maxBadLines, answer, err)
	}
	_, o = fake(t, fakellm.Rule{Fault: fakellm.BadLines, Lines: maxBadLines + 1, AfterTokens: 3})
	_, err = client(t, o).Generate(t.Context(), prompt(), func(string) {})
	wantCode(t, err, study.CodeUpstreamFailed)
}

func TestFault_L8_GarbageIsAFailure(t *testing.T) {
	both(t, func(t *testing.T, onText func(string)) {
		_, o := fake(t, fakellm.Rule{Fault: fakellm.Garbage})
		_, err := client(t, o).Generate(t.Context(), prompt(), onText)
		wantCode(t, err, study.CodeUpstreamFailed)
	})
}

func TestAddressesThatAreNotTheAPIAreToldAfterOneCall(t *testing.T) {
	for fault, says := range map[fakellm.Fault]string{fakellm.HTML: "a web page answered; check LLM_BASE_URL", fakellm.Redirect: "; check LLM_BASE_URL"} {
		both(t, func(t *testing.T, onText func(string)) {
			server, o := fake(t, fakellm.Rule{Fault: fault})
			o.Fallbacks = []string{"second"}
			_, err := client(t, o).Generate(t.Context(), prompt(), onText)
			if e := wantCode(t, err, study.CodeUpstreamRefused); e.Cause == nil || !strings.Contains(e.Cause.Error(), says) {
				t.Errorf("%s: caused by %v", fault, e.Cause)
			}
			wantCalls(t, server, 1)
			wantNoCanary(t, err)
		})
	}
}

func TestFault_L8_ErrorInsideA200MeansWhatItsCodeSays(t *testing.T) {
	for _, test := range []struct {
		status  int
		numeric bool
		want    study.Code
		calls   int
	}{
		{401, true, study.CodeUpstreamRefused, 1},
		{401, false, study.CodeUpstreamRefused, 1},
		{429, true, study.CodeUpstreamLimited, 2},
		{429, false, study.CodeUpstreamLimited, 2},
		{502, true, study.CodeUpstreamUnavailable, 2},
		{500, false, study.CodeUpstreamUnavailable, 2},
	} {
		both(t, func(t *testing.T, onText func(string)) {
			server, o := fake(t, fakellm.Rule{Fault: fakellm.ErrorInBody, Status: test.status, NumericCode: test.numeric})
			_, err := client(t, o).Generate(t.Context(), prompt(), onText)
			wantCode(t, err, test.want)
			wantCalls(t, server, test.calls)
		})
	}
}

func TestFault_L9_EndlessAnswerIsCutAtItsBound(t *testing.T) {
	for _, fault := range []fakellm.Fault{fakellm.Huge, fakellm.Endless, fakellm.EndlessLine} {
		both(t, func(t *testing.T, onText func(string)) {
			server, o := fake(t, fakellm.Rule{Fault: fault})
			answer, err := client(t, o).Generate(t.Context(), prompt(), onText)
			wantCode(t, err, study.CodeUpstreamFailed)
			if len(answer.Text) > 1<<20 {
				t.Errorf("%s: kept %d bytes of text", fault, len(answer.Text))
			}
			gone := func(n fakellm.Counts) bool { return n.Cancelled == 1 && n.Active == 0 }
			if n, err := server.Await(t.Context(), gone); err != nil {
				t.Errorf("%s: upstream counts %+v", fault, n)
			}
		})
	}
}

func TestFault_L10_SlowStreamWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("word ", 120)
		_, c := inBubble(Options{Timeout: 3 * time.Minute})
		c.http.Transport = inProcess{fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{TokensPerSecond: 1}},
			Answer: func(fakellm.Request) string { return long }})}
		began := time.Now()
		answer, err := c.Generate(t.Context(), prompt(), func(string) {})
		if err != nil || answer.Text != long || time.Since(began) != 2*time.Minute {
			t.Errorf("after %v: %d bytes, error %v", time.Since(began), len(answer.Text), err)
		}
	})
}

var errStudentLeft = errors.New("the student left")

func TestFault_L11_CancelReachesTheUpstream(t *testing.T) {
	for _, test := range []struct {
		fault fakellm.Fault
		plain bool
	}{{fakellm.Hang, true}, {fakellm.Hang, false}, {fakellm.HangAfterHeaders, true}, {fakellm.HangAfterHeaders, false},
		{fakellm.HangMidway, true}, {fakellm.HangMidway, false}} {
		t.Logf("%s, plain %v: upstream cancelled after %v", test.fault, test.plain, cancelled(t, test.fault, test.plain))
	}
}

// cancelled cancels a hanging call and returns the time until the upstream noticed.
func cancelled(t *testing.T, fault fakellm.Fault, plain bool) time.Duration {
	t.Helper()
	server, o := fake(t, fakellm.Rule{Fault: fault, AfterTokens: 2})
	o.Fallbacks = []string{"second"}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	var onText func(string)
	if !plain {
		onText = func(string) {}
	}
	go func() {
		_, err := client(t, o).Generate(ctx, prompt(), onText)
		done <- err
	}()
	if _, err := server.Await(t.Context(), func(n fakellm.Counts) bool { return n.Active == 1 }); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cancel(errStudentLeft)
	if _, err := server.Await(t.Context(), func(n fakellm.Counts) bool { return n.Cancelled == 1 }); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	if err := <-done; !errors.Is(err, errStudentLeft) {
		t.Errorf("error is %v, want the caller's cause in it", err)
	}
	wantCalls(t, server, 1)
	return took
}

func TestFault_L11_TheCallersEndKeepsItsCause(t *testing.T) {
	draining := study.Errorf(study.CodeUnavailable, "draining")
	synctest.Test(t, func(t *testing.T) {
		deadline, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, c := inBubble(Options{Fallbacks: []string{"second"}}, fakellm.Rule{Fault: fakellm.Hang})
		_, err := c.Generate(deadline, prompt(), nil)
		wantCode(t, err, study.CodeTimeout)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v, want the deadline in it", err)
		}

		ctx, end := context.WithCancelCause(t.Context())
		end(draining)
		if _, err := c.Generate(ctx, prompt(), nil); !errors.Is(err, draining) {
			t.Errorf("error is %v, want the cause itself", err)
		}
	})
}

func TestFault_L11_CancelWhileWaitingForTheSecondTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := inBubble(Options{}, fakellm.Rule{Fault: fakellm.Status, Status: 429, RetryAfter: "5"})
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errStudentLeft) })
		began := time.Now()
		_, err := c.Generate(ctx, prompt(), nil)
		if !errors.Is(err, errStudentLeft) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		wantCalls(t, server, 1)
	})
}

func TestFault_L16_RedirectIsNotFollowed(t *testing.T) {
	asked := 0
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer inner.Close()
	both(t, func(t *testing.T, onText func(string)) {
		server, o := fake(t, fakellm.Rule{Fault: fakellm.Redirect, Location: inner.URL + "/latest/meta-data?" + keyCanary})
		o.Fallbacks = []string{"second"}
		_, err := client(t, o).Generate(t.Context(), prompt(), onText)
		wantCode(t, err, study.CodeUpstreamRefused)
		wantNoCanary(t, err)
		wantCalls(t, server, 1)
	})
	if asked != 0 {
		t.Errorf("the redirect's target was called %d times", asked)
	}
}

func TestNoFaultSaysMoreThanItMay(t *testing.T) {
	wholeAnyway := []fakellm.Fault{fakellm.BadLines, fakellm.EarlyEnd, fakellm.HangAtEnd, fakellm.NoDone, fakellm.PlainForStream}
	withStatus := []fakellm.Fault{fakellm.Status, fakellm.ErrorInBody, fakellm.ErrorMidway}
	for _, fault := range fakellm.Faults() {
		statuses := []int{500}
		if slices.Contains(withStatus, fault) {
			statuses = []int{400, 401, 404, 429, 500, 529}
		}
		for _, status := range statuses {
			both(t, func(t *testing.T, onText func(string)) {
				err := faultError(t, fakellm.Rule{Fault: fault, Status: status, NumericCode: status%2 == 0, AfterTokens: 2,
					Lines: 9, Location: "http://127.0.0.1:1/?" + keyCanary + promptCanary}, onText)
				if err == nil && !slices.Contains(wholeAnyway, fault) {
					t.Errorf("%s made no error", fault)
				}
				if _, ok := err.(*study.Error); err != nil && !ok {
					t.Errorf("%s: error is a %T", fault, err)
				}
				wantNoCanary(t, err)
			})
		}
	}
}

// faultError makes one call of a client with short timeouts.
func faultError(t *testing.T, rule fakellm.Rule, onText func(string)) error {
	t.Helper()
	_, o := fake(t, rule)
	o.Timeout, o.IdleTimeout, o.FirstByteTimeout = 200*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	o.MaxRawBytes = 64 << 10
	_, err := client(t, o).Generate(t.Context(), prompt(), onText)
	return err
}
