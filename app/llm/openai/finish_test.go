package openai

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"studysharper/app/study"
	"studysharper/loadtest/fakellm"
)

func TestAnAnswerSaysWhetherTheModelFinishedIt(t *testing.T) {
	for word, want := range map[string]study.Cut{
		"stop": "", "STOP": "", "end_turn": "", "eos": "", "complete": "", "FINISH_REASON_STOP": "",
		"length": study.CutLength, "max_tokens": study.CutLength, "MAX_TOKENS": study.CutLength, "model_length": study.CutLength,
		"FINISH_REASON_MAX_TOKENS": study.CutLength, "model_context_window_exceeded": study.CutLength,
		"tool_calls": study.CutStopped, "function_call": study.CutStopped, "abort": study.CutStopped, "OTHER": study.CutStopped,
		"insufficient_system_resource": study.CutStopped, strings.Repeat("x", maxCodeBytes+1): study.CutStopped,
	} {
		both(t, func(t *testing.T, onText func(string)) {
			_, o := fake(t, fakellm.Rule{Finish: word})
			answer, err := client(t, o).Generate(t.Context(), prompt(), onText)
			if err != nil || answer.Text != words || answer.Cut != want {
				t.Errorf("%.40s: cut is %q, want %q; %v", word, answer.Cut, want, err)
			}
		})
	}
}

func TestAnAnswerHeldBackByAFilterIsWithheld(t *testing.T) {
	for _, word := range []string{"content_filter", "CONTENT_FILTER", "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "refusal", "guardrail_intervened"} {
		both(t, func(t *testing.T, onText func(string)) {
			server, o := fake(t, fakellm.Rule{Finish: word})
			_, err := client(t, o).Generate(t.Context(), prompt(), onText)
			wantCode(t, err, study.CodeWithheld)
			wantCalls(t, server, 1)
		})
	}
}

func TestAStreamThatOnlyEndsIsAnAnswerCutShort(t *testing.T) {
	_, o := fake(t, fakellm.Rule{Fault: fakellm.EarlyEnd})
	_, err := client(t, o).Generate(t.Context(), prompt(), nil)
	wantCode(t, err, study.CodeUpstreamFailed) // half a JSON body contains no answer
	_, o = fake(t, fakellm.Rule{Fault: fakellm.EarlyEnd, AfterTokens: 3})
	answer, err := client(t, o).Generate(t.Context(), prompt(), func(string) {})
	if err != nil || answer.Text != "one two three " || answer.Cut != study.CutStopped {
		t.Errorf("answer %+v, error %v", answer, err)
	}
	_, o = fake(t, fakellm.Rule{Fault: fakellm.NoDone, Finish: "length"})
	if answer, err = client(t, o).Generate(t.Context(), prompt(), func(string) {}); err != nil || answer.Cut != study.CutLength {
		t.Errorf("without [DONE]: answer %+v, error %v", answer, err)
	}
}

// streams answers every call with this event stream.
func streams(t *testing.T, events ...string) *Client {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, e := range events {
			_, _ = w.Write([]byte("data: " + e + "\n\n"))
		}
	}))
	t.Cleanup(web.Close)
	return client(t, Options{BaseURL: web.URL, Model: "first"})
}

func TestALaterChunkDoesNotTakeBackThatAnAnswerWasCut(t *testing.T) {
	for name, test := range map[string]struct {
		events []string
		want   study.Cut
	}{
		"the usage's chunk says stop": {[]string{`{"choices":[{"delta":{"content":"text"},"finish_reason":"length"}]}`,
			`{"choices":[{"delta":{},"finish_reason":"stop"}]}`, "[DONE]"}, study.CutLength},
		"the word null on the way": {[]string{`{"choices":[{"delta":{"content":"text"},"finish_reason":"null"}]}`,
			`{"choices":[{"delta":{},"finish_reason":"stop"}]}`, "[DONE]"}, study.NotCut},
		"no reason, but [DONE]": {[]string{`{"choices":[{"delta":{"content":"text"}}]}`, "[DONE]"}, study.NotCut},
	} {
		if answer, err := streams(t, test.events...).Generate(t.Context(), prompt(), func(string) {}); err != nil || answer.Cut != test.want {
			t.Errorf("%s: answer %+v, error %v", name, answer, err)
		}
	}
}

func TestALengthLimitWithoutTextIsNamed(t *testing.T) {
	both(t, func(t *testing.T, onText func(string)) {
		_, o := fake(t, fakellm.Rule{Fault: fakellm.Empty, Finish: "length"})
		_, err := client(t, o).Generate(t.Context(), prompt(), onText)
		if e := wantCode(t, err, study.CodeUpstreamFailed); !strings.Contains(e.Message, "length limit") {
			t.Errorf("message is %q", e.Message)
		}
	})
}
