package main

import (
	"strings"
	"testing"

	"studysharper/loadtest/fakellm"
)

func TestTheDeskShowsThatTheAIServiceAsksToWait(t *testing.T) {
	s, _ := studying(t, []fakellm.Rule{{Fault: fakellm.Status, Status: 429, RetryAfter: "40"}})
	w := visit(t, s.url, desktop)
	w.say("Tell me all facts")
	w.until("document.querySelector('#said button')")
	if text := w.text("#said"); !strings.Contains(text, "The AI service asks us to wait") || !strings.Contains(text, "Try again in ") {
		t.Errorf("the page says %q", text)
	}
	w.quiet(s.url)
}

func TestTheDeskShowsThatAnAnswerIsIncomplete(t *testing.T) {
	s, _ := studying(t, []fakellm.Rule{{Finish: "length"}})
	w := visit(t, s.url, desktop)
	w.say("Tell me all facts")
	w.whole()
	if text := w.text("#said"); !strings.HasPrefix(text, "Note: incomplete: ") {
		t.Errorf("the page says %q", text)
	}
	w.quiet(s.url)
}
