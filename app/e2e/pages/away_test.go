package pages_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

// say asks a question in the conversation.
func (w *window) say(question string) {
	w.t.Helper()
	w.open("ask")
	w.fill("#question", question)
	w.click("#send")
}

// half waits until half of the essay is shown, without the rest.
func (w *window) half() {
	w.t.Helper()
	w.until("document.querySelector('.said.assistant .growing')?.innerText.includes('fact30 ')")
	if text := w.text(".said.assistant"); strings.Contains(text, "fact60") {
		w.t.Errorf("the tokens did not come one by one: %s", text)
	}
}

// whole waits until the essay is shown, each word once, as the only answer.
func (w *window) whole() {
	w.t.Helper()
	w.until("document.querySelector('.said.assistant .prose:not(.growing)')")
	answers := eval[[]string](w, "[...document.querySelectorAll('.said.assistant .prose:not(.growing)')].map(p => p.innerText)")
	if len(answers) != 1 || answers[0] != servicetest.Essay(servicetest.Words) {
		w.t.Errorf("the answer is %q", answers)
	}
}

func TestAConversationGoesOnThroughARecycleOnOneConnection(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil)
	fake.Hold()
	w := visit(t, s.URL, desktop)
	w.say("Tell me all facts")
	w.half()
	w.shot("talk growing")
	s.Signal(syscall.SIGHUP)
	s.Eventually("both workers are replaced", func() bool { return strings.Count(s.Log.String(), "Worker ready") == 4 })
	fake.LetGo()
	w.whole()
	w.audit("talk")
	if n := w.requests("/api/ai/stream/"); n != 1 {
		t.Errorf("the stream was opened %d times", n)
	}
	w.goTo(s.URL)
	w.open("ask") // the conversation is still there
	w.until("document.querySelectorAll('.said').length === 2")
	w.whole()
	w.quiet(s.URL)
}

func TestTheDeskGoesOnBehindADroppedConnection(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil)
	l := lineTo(s)
	fake.Hold()
	w := visit(t, l.url, desktop)
	w.say("Tell me all facts")
	w.half()
	l.cut()
	fake.LetGo()
	w.whole()
	if n := w.requests("/api/ai/stream/"); n != 2 {
		t.Errorf("the stream was opened %d times", n)
	}
}

func TestTheDeskGoesOnAfterAReloadInTheMiddle(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil)
	fake.Hold()
	w := visit(t, s.URL, desktop)
	w.say("Tell me all facts")
	w.half()
	w.goTo(s.URL)
	w.open("ask")
	w.half()
	fake.LetGo()
	w.whole()
	if n := w.requests("/api/ai/process-stream"); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	w.quiet(s.URL)
}

func TestTheDeskSaysWhatToDoWhileTheServerIsAwayAndGoesOnByItself(t *testing.T) {
	s := servicetest.Start(t)
	l := lineTo(s)
	w := visit(t, l.url, desktop)
	w.open("make")
	w.fill("#text", "Osmosis is the movement of water through a membrane. Diffusion is the movement of particles.")
	l.shut()
	w.click("#go")
	w.until("!document.querySelector('#away').hidden")
	if said := w.text("#away"); !strings.Contains(said, "cannot be reached") || !strings.Contains(said, "check your connection") {
		t.Errorf("the page says %q", said)
	}
	w.audit("away")
	l.open()
	w.until("document.querySelector('#aid .flash') && document.querySelector('#tools a') && document.querySelector('#away').hidden")
}

// TestTheDeskAsksAgainWhenTheServerWasStartedAnew makes the server lose the run, including
// its record.
func TestTheDeskAsksAgainWhenTheServerWasStartedAnew(t *testing.T) {
	fake := &servicetest.Model{Server: fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{TokensPerSecond: 80}}, Answer: func(fakellm.Request) string { return servicetest.Essay(servicetest.Words) }})}
	first := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, fake.ServeHTTP)+"/v1")
	upstream := fakellm.New(fakellm.Options{Answer: func(fakellm.Request) string { return servicetest.Essay(servicetest.Words) }})
	second := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, upstream.ServeHTTP)+"/v1")
	l := lineTo(first)
	fake.Hold()
	w := visit(t, l.url, desktop)
	w.say("Tell me all facts")
	w.half()
	l.shut()
	fake.LetGo()
	l.leadTo(second)
	w.until("!document.querySelector('#away').hidden")
	l.open()
	w.whole()
	if n := w.requests("/api/ai/process-stream"); n != 2 {
		t.Errorf("it was asked %d times", n)
	}
}

func TestTheDeskWaitsForALimitAndTriesAgainOnAClick(t *testing.T) {
	s := servicetest.Start(t, "RATE_LIMIT_PER_MINUTE=30")
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", "Osmosis is the movement of water through a membrane. Diffusion is the movement of particles.")
	for status := 200; status != 429; {
		status, _ = s.Ask("POST", "/api/ai/process-stream", servicetest.Request("chat", "hello", nil))
	}
	w.click("#go")
	w.until("/Try again in \\d+ s/.test(document.querySelector('#said').innerText)")
	w.shot("limited")
	if !eval[bool](w, "document.querySelector('#said button').disabled") {
		t.Error("the button does not wait for Retry-After")
	}
	w.until("!document.querySelector('#said button').disabled")
	w.click("#said button")
	w.until("document.querySelector('#tools a')")
	if said := w.text("#said"); said != "" {
		t.Errorf("the page still says %q", said)
	}
}

func TestTheDeskAsksForATokenWhereOneIsNeeded(t *testing.T) {
	s := servicetest.Start(t, "JWT_SECRET="+servicetest.JWTSecret)
	w := visit(t, s.URL, desktop)
	w.until("!document.querySelector('#signin').hidden")
	w.audit("sign in")
	w.fill("#token", "not a token")
	w.click("#signin .quiet")
	w.until("document.querySelector('#signin label').innerText.includes('was not accepted')")
	w.fill("#token", servicetest.TokenOf(t, "ann", jwt.SigningMethodHS256, []byte(servicetest.JWTSecret)))
	w.click("#signin .quiet")
	w.open("make")
	w.fill("#text", "Osmosis is the movement of water through a membrane. Diffusion is the movement of particles.")
	w.make("flashcard_generation")
	w.open("library")
	w.until("document.querySelectorAll('#entries .entry').length === 1 && document.querySelector('#signin').hidden")
	if log := s.Log.String(); strings.Contains(log, "access_token") {
		t.Error("the log has the address of a stream")
	}
}

func TestAFailedRunIsSaidAndTriedAgain(t *testing.T) {
	s, _ := servicetest.StartStudying(t, []fakellm.Rule{{Times: 1, Fault: "status", Status: 409}})
	w := visit(t, s.URL, desktop)
	w.say("Tell me all facts")
	w.until("document.querySelector('#ask-said button')?.textContent === 'Try again'")
	if asked := eval[string](w, "document.querySelector('#question').value"); asked != "Tell me all facts" {
		t.Errorf("the question is %q", asked)
	}
	w.shot("failed and said")
	w.click("#ask-said button")
	w.whole()
	if n := eval[int](w, "document.querySelectorAll('.said.user').length"); n != 1 {
		t.Errorf("the question stands there %d times", n)
	}
	w.quiet(s.URL)
}

// TestCancelEndsTheRunOnTheServer checks that nothing remains to be stored or paid for.
func TestCancelEndsTheRunOnTheServer(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil)
	fake.Hold()
	defer fake.LetGo()
	w := visit(t, s.URL, desktop)
	w.say("Never mind")
	w.half()
	w.click("#send")
	w.until("document.querySelector('#ask-said').innerText === 'Cancelled.' && document.querySelector('#send').textContent === 'Ask' && document.querySelector('#question').value === 'Never mind'")
	s.Eventually("no run is active", func() bool {
		_, got := s.Ask("GET", "/api/admin/metrics", "")
		runs := got["runs"].(map[string]any)
		return runs["active"] == 0.0 && runs["completed"] == 0.0
	})
	w.open("make")
	w.fill("#text", "Osmosis is the movement of water through a membrane.")
	w.click("#go")
	w.until("document.querySelector('#go').textContent === 'Cancel'")
	w.click("#go")
	w.until("document.querySelector('#said').innerText === 'Cancelled.' && document.querySelector('#result').hidden")
	w.quiet(s.URL)
}

func TestAfterACancelAnotherQuestionIsAnswered(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil)
	fake.Hold()
	w := visit(t, s.URL, desktop)
	w.say("Never mind")
	w.half()
	w.click("#send")
	w.until("document.querySelector('#send').textContent === 'Ask'")
	fake.LetGo()
	s.Eventually("no run is active", func() bool {
		_, got := s.Ask("GET", "/api/admin/metrics", "")
		return got["runs"].(map[string]any)["active"] == 0.0
	})
	w.say("Tell me all facts")
	w.whole()
	w.quiet(s.URL)
}

func TestTextThatIsTooLongIsRefusedPlainlyAndKept(t *testing.T) {
	s := servicetest.Start(t, "MAX_BODY_KB=64")
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", strings.Repeat("Osmosis is the movement of water. ", 2000))
	w.click("#go")
	w.until("document.querySelector('#said').innerText.includes('more text than this server accepts')")
	w.goTo(s.URL)
	w.open("make")
	w.until("document.querySelector('#text').value.length === 68000")
}
