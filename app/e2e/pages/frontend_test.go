package pages_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

// guidePage is a third-party page that uses the code of docs/front-end.md. React is replaced
// by a stub, which says so.
const guidePage = `<!doctype html><title>a front end</title><link rel="icon" href="data:,"><div id="root"></div>
<script type="importmap">{"imports": {"react": "./react-stand-in.js"}}</script>
<script type="module">
import { mount } from "react";
import * as study from "./study.js";
import { follow } from "./follow.js";
import { say } from "./chat.js";
import { Cards } from "./cards.js";
window.guide = { ...study, follow, say, mount, Cards };
</script>`

// codeBlock matches a block of the guide and its file name.
var codeBlock = regexp.MustCompile("(?ms)^```js (\\S+\\.js)\n(.*?)^```$")

// guide returns the code in docs/front-end.md by file name.
func guide(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testkit.Root(), "docs", "front-end.md"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, block := range codeBlock.FindAllStringSubmatch(string(text), -1) {
		files[block[1]] = block[2]
	}
	if blocks := strings.Count(string(text), "```js"); len(files) != blocks || blocks == 0 {
		t.Fatalf("of %d blocks of code %d have a name of their own", blocks, len(files))
	}
	return files
}

// serveGuide serves the page and the guide's code, and returns the origin.
func serveGuide(t *testing.T) string {
	t.Helper()
	files := guide(t)
	react, err := os.ReadFile(filepath.Join("testdata", "react-stand-in.js"))
	if err != nil {
		t.Fatal(err)
	}
	files["react-stand-in.js"] = string(react)
	return testkit.HTTPServer(t, func(w http.ResponseWriter, r *http.Request) {
		code, ok := files[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, guidePage)
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, code)
	})
}

// frontEnd opens the page in a browser, with the service at url.
func frontEnd(t *testing.T, origin, url string) *window {
	t.Helper()
	w := visit(t, origin, desktop)
	w.until("window.guide")
	eval[bool](w, fmt.Sprintf("guide.settings.server = %q, true", url))
	return w
}

// begin posts a chat from the page and stores its stream's address and events.
const begin = `(async () => {
	const {value} = await guide.call("POST", "/api/ai/process-stream", {type: "chat", user_id: "me", message: "all facts"});
	window.path = value.stream_url; window.run = value.run_id;
	window.heard = [];
	window.watch = (after) => { window.stop = guide.follow(path, run, {
		event: (e, id) => heard.push({...e, id}), ended: () => { window.ended = true; }, failed: (e) => { window.failed = e.message; }}, after); };
	watch();
	return true;
})()`

// TestTheGuidesChatIsWholeThroughACut runs on an origin that is not the service's.
func TestTheGuidesChatIsWholeThroughACut(t *testing.T) {
	testkit.Need(t, "chromium")
	origin := serveGuide(t)
	s, fake := servicetest.StartStudying(t, nil, "ALLOWED_ORIGINS="+origin)
	fake.Hold()
	l := lineTo(s)
	w := frontEnd(t, origin, l.url)
	eval[bool](w, `guide.say("me", "", "all facts", (text) => { window.text = text; }).then((said) => { window.said = said; }), true`)
	w.until("window.text?.includes('fact30')")
	l.cut()
	fake.LetGo()
	w.until("window.said")
	if text := eval[string](w, "said.text"); text != servicetest.Essay(servicetest.Words) {
		t.Errorf("the whole is %q", text)
	}
	if text := eval[string](w, "text.trim()"); text != servicetest.Essay(servicetest.Words) {
		t.Errorf("what was shown is %q", text)
	}
	if n := w.requests("/api/ai/stream/"); n != 2 {
		t.Errorf("the stream was opened %d times", n)
	}
}

func TestTheGuidesStreamTellsGapsAndEnds(t *testing.T) {
	testkit.Need(t, "chromium")
	origin := serveGuide(t)
	s, _ := servicetest.StartStudying(t, nil, "ALLOWED_ORIGINS="+origin)
	w := frontEnd(t, origin, s.URL)
	eval[bool](w, begin)
	w.until("heard.at(-1)?.type === 'complete'")
	whole := eval[int](w, "heard.length")
	eval[bool](w, "watch(heard.at(-1).id), true") // the client has seen the end: 204
	w.until("window.ended")
	if n := eval[int](w, "heard.length"); n != whole {
		t.Errorf("behind the end came %d events", n-whole)
	}
	eval[bool](w, "heard = [], watch('1.1'), true") // from another life of the server
	w.until("heard.at(-1)?.type === 'complete'")
	if first := eval[string](w, "heard[0].type + ' ' + (heard[0].missed > 0) + ' ' + heard[1].type"); first != "gap true start" {
		t.Errorf("it begins with %s", first)
	}
}

// TestTheGuideSaysThatARunIsForgotten restarts the server in the middle of a run.
func TestTheGuideSaysThatARunIsForgotten(t *testing.T) {
	testkit.Need(t, "chromium")
	origin := serveGuide(t)
	first, fake := servicetest.StartStudying(t, nil, "ALLOWED_ORIGINS="+origin)
	second := servicetest.Start(t, "ALLOWED_ORIGINS="+origin)
	fake.Hold()
	l := lineTo(first)
	w := frontEnd(t, origin, l.url)
	eval[bool](w, begin)
	w.until("heard.some((e) => e.text?.includes('fact30'))")
	eval[bool](w, "guide.settings.silence = 500, true")
	l.shut()
	fake.LetGo()
	l.leadTo(second)
	l.open()
	w.until("window.failed?.includes('does not know')")
}

func TestTheGuideIsToldWhatIsWrongAndWaitsAsLongAsItIsTold(t *testing.T) {
	testkit.Need(t, "chromium")
	origin := serveGuide(t)
	s := servicetest.Start(t, "ALLOWED_ORIGINS="+origin, "RATE_LIMIT_PER_MINUTE=10")
	w := frontEnd(t, origin, s.URL)
	const wrong = `guide.patiently(() => guide.call("POST", "/api/ai/process", {type: "nonsense", user_id: "me", message: "x"}))
		.catch((e) => [e instanceof guide.Problem, e.status, e.code, e.faults[0].field, e.retryable, !!e.requestId].join())`
	if got := eval[string](w, wrong); got != "true,422,invalid,type,false,true" {
		t.Errorf("a wrong request is %s", got)
	}
	for status := 200; status != 429; {
		status, _ = s.Ask("POST", "/api/ai/process-stream", servicetest.Request("chat", "hello", nil))
	}
	const patient = `(async () => {
		const said = [];
		const {value} = await guide.patiently(() => guide.call("POST", "/api/ai/process-stream", {type: "chat", user_id: "me", message: "hi"})
			.catch((e) => { said.push(e); throw e; }));
		return [value.status, said[0].status, said[0].code, said[0].retryable, said[0].retryAfter > 0].join();
	})()`
	if got := eval[string](w, patient); got != "processing,429,rate_limited,true,true" {
		t.Errorf("above the limit it is %s", got)
	}
}

func TestTheGuideSeesWhatWasCached(t *testing.T) {
	testkit.Need(t, "chromium")
	origin := serveGuide(t)
	s := servicetest.Start(t, "ALLOWED_ORIGINS="+origin, "WEB_CONCURRENCY=1") // the workers' caches are separate
	w := frontEnd(t, origin, s.URL)
	const three = `(async () => {
		const ask = async (headers) => (await guide.call("POST", "/api/ai/process", {type: "flashcard_generation", user_id: "me", message: "cards",
			options: {count: 2, content: "Osmosis is the movement of water through a membrane. Diffusion is the movement of particles."}}, headers));
		const answers = [await ask(), await ask(), await ask({"Cache-Control": "no-cache"})];
		return answers.map((a) => a.cached + " " + (a.age >= 0)).join();
	})()`
	if got := eval[string](w, three); got != "false true,true true,false true" {
		t.Errorf("cached: %s", got)
	}
}

// TestTheGuideSendsATokenAndANewOneAfterARefusal makes the stream be refused once.
func TestTheGuideSendsATokenAndANewOneAfterARefusal(t *testing.T) {
	testkit.Need(t, "chromium")
	origin := serveGuide(t)
	s, fake := servicetest.StartStudying(t, nil, "ALLOWED_ORIGINS="+origin, "JWT_SECRET="+servicetest.JWTSecret)
	fake.Hold()
	w := frontEnd(t, origin, s.URL)
	const refused = `guide.call("POST", "/api/ai/process-stream", {type: "chat", message: "hi"}).catch((e) => [e.status, e.code, e.retryable].join())`
	if got := eval[string](w, refused); got != "401,unauthorized,false" {
		t.Errorf("without a token: %s", got)
	}
	token := servicetest.TokenOf(t, "ann", jwt.SigningMethodHS256, []byte(servicetest.JWTSecret))
	eval[bool](w, fmt.Sprintf(`(async () => {
		guide.settings.token = () => %q;
		const {value} = await guide.call("POST", "/api/ai/process-stream", {type: "chat", message: "hi"});
		const good = guide.settings.token;
		guide.settings.token = () => "old";
		guide.follow(value.stream_url, value.run_id, {event: (e) => { window.last = e; }, failed: () => {}});
		guide.settings.token = good;
		return true;
	})()`, token))
	fake.LetGo()
	w.until("window.last?.type === 'complete'")
	if strings.Contains(s.Log.String(), token) {
		t.Error("the log has the token")
	}
}

func TestAPageOfAnOriginThatIsNotNamedGetsNothing(t *testing.T) {
	testkit.Need(t, "chromium")
	s := servicetest.Start(t, "ALLOWED_ORIGINS=https://app.example")
	w := frontEnd(t, serveGuide(t), s.URL)
	if got := eval[string](w, `guide.call("GET", "/api/ai/stream-status").catch((e) => e.constructor.name)`); got != "TypeError" {
		t.Errorf("fetch says %s", got)
	}
	w.until(`(() => { window.source ??= new EventSource(guide.settings.server + "/api/ai/stream/` + sessionOfNobody + `"); return source.readyState === 2; })()`)
}

const sessionOfNobody = "01a20ffe-3109-749e-a0e9-5252afa9c1ea"

const mountCards = `window.unmount = guide.mount(guide.Cards, {user: "me",
	content: "Osmosis is the movement of water through a membrane. Diffusion is the movement of particles. Voltage is the difference in electric potential."},
	document.querySelector("#root")), true`

// TestTheGuidesHookShowsARunToItsEnd uses a stub of React.
func TestTheGuidesHookShowsARunToItsEnd(t *testing.T) {
	testkit.Need(t, "chromium")
	origin := serveGuide(t)
	s := servicetest.Start(t, "ALLOWED_ORIGINS="+origin)
	w := frontEnd(t, origin, s.URL)
	eval[bool](w, mountCards)
	w.click("#root button")
	w.until("document.querySelectorAll('#root details').length === 3 && !document.querySelector('#root button').disabled")
	if text := w.text("#root"); !strings.Contains(text, "osmosis") {
		t.Errorf("the component shows %q", text)
	}
	w.quietBut(s.URL, origin)
}

// TestTheGuidesHookTellsAFailureAndLeavesItsStream uses a stub of React.
func TestTheGuidesHookTellsAFailureAndLeavesItsStream(t *testing.T) {
	testkit.Need(t, "chromium")
	origin := serveGuide(t)
	s, _ := servicetest.StartStudying(t, []fakellm.Rule{{Times: 1, Fault: fakellm.Status, Status: 409}, {Fault: fakellm.Hang}},
		"ALLOWED_ORIGINS="+origin, "GRACEFUL_TIMEOUT=1")
	w := frontEnd(t, origin, s.URL)
	eval[bool](w, mountCards)
	w.click("#root button")
	w.until("document.querySelector('#root [role=alert]')?.textContent && document.querySelector('#root button').textContent === 'Try again'")
	w.click("#root button")
	streams := func() float64 {
		_, got := s.Ask("GET", "/api/ai/stream-status", "")
		return got["active_connections"].(float64)
	}
	s.Eventually("the second stream is open", func() bool { return streams() == 1 })
	eval[bool](w, "unmount(), true")
	s.Eventually("the stream is closed", func() bool { return streams() == 0 })
	w.quietBut(s.URL, origin)
}

// quietBut is quiet for a page that talks to two origins.
func (w *window) quietBut(urls ...string) {
	w.t.Helper()
	if said := w.console(); len(said) > 0 {
		w.t.Errorf("the console says %q", said)
	}
	for _, url := range urls {
		if w.requests(url+"/") == 0 {
			w.t.Errorf("no request to %s was seen", url)
		}
	}
}
