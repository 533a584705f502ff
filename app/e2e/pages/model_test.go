package pages_test

import (
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/loadtest/fakellm"
)

func TestTheDeskShowsThatTheAIServiceAsksToWait(t *testing.T) {
	s, _ := servicetest.StartStudying(t, []fakellm.Rule{{Fault: fakellm.Status, Status: 429, RetryAfter: "40"}})
	w := visit(t, s.URL, desktop)
	w.say("Tell me all facts")
	w.until("document.querySelector('#ask-said button')")
	if text := w.text("#ask-said"); !strings.Contains(text, "The AI service asks us to wait") || !strings.Contains(text, "Try again in ") {
		t.Errorf("the page says %q", text)
	}
	w.quiet(s.URL)
}

func TestTheDeskShowsThatAnAnswerIsIncomplete(t *testing.T) {
	s, _ := servicetest.StartStudying(t, []fakellm.Rule{{Finish: "length"}})
	w := visit(t, s.URL, desktop)
	w.say("Tell me all facts")
	w.whole()
	if text := w.text("#ask-said"); !strings.HasPrefix(text, "Note: incomplete: ") {
		t.Errorf("the page says %q", text)
	}
	w.quiet(s.URL)
}
