package pages_test

import (
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

// firstLine is the first line of the first chart: the container's memory.
const firstLine = "document.querySelector('.chart polyline').getAttribute('points')"

// operate opens the operator's page and enters the token.
func operate(t *testing.T, s *servicetest.Service, url string) *window {
	t.Helper()
	w := visit(t, url+"/admin", desktop)
	w.until("document.activeElement.id === 'admin-token'")
	w.fill("#admin-token", servicetest.AdminToken)
	w.click("#enter")
	w.until("document.querySelectorAll('.chart polyline').length > 5")
	return w
}

func TestTheOperatorsChartsMoveAndMarkARecycle(t *testing.T) {
	s := servicetest.Start(t)
	w := operate(t, s, s.URL)
	before := eval[string](w, firstLine)
	w.until(firstLine + " !== " + quoted(before))
	s.Signal(syscall.SIGHUP)
	for i := range 30 {
		s.Ask("POST", "/api/ai/process", servicetest.Request("chat", fmt.Sprint("hello ", i%20), nil))
	}
	w.until("document.querySelectorAll('.mark').length > 0")
	w.until("document.querySelector('#recycles').innerText.includes('reload\\n2')")
	w.until("[...document.querySelectorAll('#workers tbody tr')].map(r => r.cells[2].innerText).join() === '2,2'")
	for _, worker := range s.Workers() {
		if text := w.text("#charts"); !strings.Contains(text, fmt.Sprint("worker ", worker["pid"])) {
			t.Errorf("the charts do not name worker %v: %s", worker["pid"], text)
		}
	}
	w.goTo(s.URL + "/admin") // the token is kept in the tab
	w.until("document.querySelectorAll('.chart polyline').length > 5")
	w.until("document.querySelector('#agents').innerText.includes('chat\\t30')")
	w.audit("admin")
	w.quiet(s.URL)
}

func TestTheOperatorSeesWhatIsLeftOfTokensAndDisk(t *testing.T) {
	upstream := fakellm.New(fakellm.Options{Answer: fakellm.StudyAnswer})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, upstream.ServeHTTP)+"/v1", "TOKENS_PER_DAY=50000", "RUN_LIMIT_PER_MINUTE=1")
	for i := range 2 {
		s.Ask("POST", "/api/ai/process", servicetest.Request("chat", fmt.Sprint("What is osmosis, ", i), nil))
	}
	w := operate(t, s, s.URL)
	w.until("document.querySelector('#limits').innerText.includes('runs refused by a limit\\n1')")
	text := w.text("#limits")
	if !strings.Contains(text, " of 50k\n") || strings.Contains(text, "tokens today\n0 of") || !strings.Contains(text, "tokens a day for a user\nno limit") || !strings.HasSuffix(text, " MB") {
		t.Errorf("the page says %q", text)
	}
	w.quiet(s.URL)
}

// TestTheOperatorSeesTokensAndCostOfEachModel uses one AI service that reports what a call costs, and one that does
// not.
func TestTheOperatorSeesTokensAndCostOfEachModel(t *testing.T) {
	for _, tt := range []struct {
		cost       float64
		cell, said string
	}{{.25, "0.25", "what the AI service tells"}, {0, "–", "does not tell what a call costs"}} {
		upstream := fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{Cost: tt.cost}}, Answer: fakellm.StudyAnswer})
		s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_MODEL=acme/small", "LLM_BASE_URL="+testkit.HTTPServer(t, upstream.ServeHTTP)+"/v1")
		s.Ask("POST", "/api/ai/process", servicetest.Request("chat", "What is osmosis?", nil))
		w := operate(t, s, s.URL)
		w.until("document.querySelector('#state').innerText === 'Live'") // the token is kept in the tab
		s.Eventually("the run is counted", func() bool {
			w.goTo(s.URL + "/admin")
			w.until("document.querySelector('#models tbody tr')")
			return strings.Contains(w.text("#models"), "acme/small")
		})
		row := eval[string](w, "[...document.querySelector('#models tbody tr').cells].map((c) => c.innerText).join()")
		if cells := strings.Split(row, ","); len(cells) != 6 || cells[1] != "1" || cells[4] == "0" || cells[5] != tt.cell || !strings.Contains(w.text("#cost"), tt.said) {
			t.Errorf("the table says %q, below it %q", row, w.text("#cost"))
		}
		if parts := eval[int](w, "document.querySelectorAll('#runbook dt').length"); parts < 8 {
			t.Errorf("the runbook has %d entries", parts)
		}
		w.audit("models")
		w.shot("operator models")
		w.quiet(s.URL)
	}
}

func TestTheOperatorClearsTheCacheAndReloadsAfterBeingAsked(t *testing.T) {
	s := servicetest.Start(t, "WEB_CONCURRENCY=1")
	s.Ask("POST", "/api/ai/process", servicetest.Request("chat", "hello", nil))
	w := operate(t, s, s.URL)
	w.until("document.querySelector('#facts').innerText.includes('cache 1 of')")
	w.click("#clear")
	w.until("document.querySelector('dialog[open]')")
	w.audit("admin asks")
	w.click("dialog .quiet")
	w.until("!document.querySelector('dialog')")
	if n := w.requests("/api/admin/cache"); n != 0 {
		t.Errorf("%d requests after a Cancel", n)
	}
	w.click("#clear")
	w.click("dialog .main")
	w.until("document.querySelector('#facts').innerText.includes('cache 0 of')")
	w.click("#reload")
	w.click("dialog .main")
	w.until("document.querySelector('#workers tbody').rows[0].cells[2].innerText === '2'")
	w.quiet(s.URL)
}

func TestAWrongAdminTokenIsSaidPlainlyAndThreeSlowDown(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL+"/admin", desktop)
	for i := range 3 {
		w.until("!document.querySelector('#enter').disabled")
		w.fill("#admin-token", "wrong")
		w.click("#enter")
		w.until("document.querySelector('#door-said').innerText.includes('not the admin token') && document.querySelector('#admin-token').value === ''")
		if slow := eval[bool](w, "document.querySelector('#enter').disabled"); slow != (i == 2) {
			t.Errorf("after %d wrong tokens, waiting is %v", i+1, slow)
		}
	}
	w.audit("admin wrong")
	w.fill("#admin-token", servicetest.AdminToken)
	eval[bool](w, "document.querySelector('#door').requestSubmit(), true")
	if n := w.requests("/api/admin/metrics"); n != 3 {
		t.Errorf("%d requests while there is a wait", n)
	}
	w.until("!document.querySelector('#enter').disabled")
	w.click("#enter")
	w.until("!document.querySelector('#inside').hidden")
	if kept := eval[string](w, "JSON.stringify([{...localStorage}, {...sessionStorage}])"); kept != `[{},{"admin":"`+servicetest.AdminToken+`"}]` {
		t.Errorf("kept is %s", kept)
	}
	w.click("#leave")
	w.until("!document.querySelector('#door').hidden")
	if kept := eval[string](w, "JSON.stringify(sessionStorage)"); kept != "{}" {
		t.Errorf("kept is %s", kept)
	}
	if strings.Contains(s.Log.String(), servicetest.AdminToken) {
		t.Error("the log has the token")
	}
}

func TestTheOperatorsPageSaysThatTheServerIsAwayAndGoesOn(t *testing.T) {
	s := servicetest.Start(t)
	l := lineTo(s)
	w := operate(t, s, l.url)
	l.shut()
	w.until("document.querySelector('#state').innerText.includes('cannot be reached; looking again in')")
	at := eval[string](w, firstLine)
	l.open()
	w.until("document.querySelector('#state').innerText === 'Live' && " + firstLine + " !== " + quoted(at))
}

func TestTheOperatorsPageLooksOnlyWhileItIsSeen(t *testing.T) {
	s := servicetest.Start(t)
	w := operate(t, s, s.URL)
	hidden := func(is string) {
		eval[bool](w, "Object.defineProperty(document, 'visibilityState', {value: '"+is+"', configurable: true}), document.dispatchEvent(new Event('visibilitychange'))")
	}
	hidden("hidden")
	const asked = "performance.getEntriesByType('resource').filter(e => e.name.includes('/api/admin/metrics')).length"
	after := func(ms int) int {
		t.Helper()
		return eval[int](w, fmt.Sprintf("new Promise(done => setTimeout(() => done(%s), %d))", asked, ms))
	}
	n := after(100)
	if later := after(2500); later != n {
		t.Errorf("%d requests while nobody looked", later-n)
	}
	hidden("visible")
	w.until(fmt.Sprintf("%s > %d", asked, n))
}

func TestTheOperatorSeesTheLatestErrors(t *testing.T) {
	upstream := testkit.HTTPServer(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) })
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+upstream)
	s.Ask("POST", "/api/ai/process", servicetest.Request("chat", "hello", nil))
	w := operate(t, s, s.URL)
	w.until("document.querySelector('#errors tbody')?.innerText.includes('upstream_refused')")
	if text := w.text("#errors tbody"); !strings.Contains(text, "The AI service rejected this server.") {
		t.Errorf("the error is not explained: %s", text)
	}
	w.until("document.querySelector('#parts').innerText.includes('database')")
	_, health := s.Ask("GET", "/health", "")
	for part, state := range health["components"].(map[string]any) {
		if text := w.text("#parts"); !strings.Contains(text, strings.ReplaceAll(part, "_", " ")) || !strings.Contains(text, state.(string)) {
			t.Errorf("%s is %v, the page says %s", part, state, text)
		}
	}
	w.audit("admin errors")
}

// figure matches a value as the charts show it: "p95 12 ms", "p99 1.2 s".
var figure = regexp.MustCompile(`p(50|95|99) ([0-9.]+) (ms|s)\b`)

// percentiles returns the values that a chart shows now, in milliseconds, by their names in the API.
func (w *window) percentiles(chart string) map[string]float64 {
	w.t.Helper()
	shown := map[string]float64{}
	legend := eval[string](w, "[...document.querySelectorAll('.chart')].find(c => !c.hidden && c.querySelector('h2').innerText.startsWith("+quoted(chart)+"))?.querySelector('.legend').innerText ?? ''")
	for _, found := range figure.FindAllStringSubmatch(strings.ReplaceAll(legend, "\n", " "), -1) {
		value, err := strconv.ParseFloat(found[2], 64)
		if err != nil {
			w.t.Fatal(err)
		}
		if found[3] == "s" {
			value *= 1000
		}
		shown["p"+found[1]+"_ms"] = value
	}
	return shown
}

func TestTheLatencyThatTheServerMeasuresIsCharted(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	w := operate(t, s, s.URL)
	if shown := w.percentiles("Latency of runs"); len(shown) != 0 {
		t.Errorf("before the first run: %v", shown)
	}
	for i := range 5 {
		s.Ask("POST", "/api/ai/process", servicetest.Request("chat", fmt.Sprint("all facts ", i), nil))
	}
	for chart, subject := range map[string]string{"Latency of requests": "requests", "Latency of runs": "runs", "Latency of the model": "upstream"} {
		s.Eventually(chart+" shows what the API says", func() bool {
			_, metrics := s.Ask("GET", "/api/admin/metrics?hours=0", "")
			told, shown := metrics["latency"].(map[string]any)[subject].(map[string]any), w.percentiles(chart)
			for name, value := range shown {
				if math.Abs(value-told[name].(float64)) > 0.051*told[name].(float64)+0.05 { // the page rounds
					return false
				}
			}
			return len(shown) == 3
		})
	}
	w.audit("admin latency")
}

func TestTheOfflineEngineHasNoLatencyOfAModel(t *testing.T) {
	s := servicetest.Start(t)
	w := operate(t, s, s.URL)
	if hidden := eval[bool](w, "[...document.querySelectorAll('.chart')].find(c => c.querySelector('h2').textContent.startsWith('Latency of the model')).hidden"); !hidden {
		t.Error("the chart of the model is shown")
	}
}

func TestTheMemoryChartHasALimitWhereTheServerHasOne(t *testing.T) {
	s := servicetest.Start(t)
	w := operate(t, s, s.URL)
	_, metrics := s.Ask("GET", "/api/admin/metrics?hours=0", "")
	limited := metrics["memory"].(map[string]any)["limit_bytes"] != nil
	legend := eval[string](w, "document.querySelector('.chart .legend').innerText")
	if strings.Contains(legend, "limit") != limited || strings.Contains(w.text("#facts"), "no memory limit") == limited {
		t.Errorf("with a limit: %v, the chart says %q, the facts %q", limited, legend, w.text("#facts"))
	}
}

// TestEveryChartFillsItsFrameFromTheFirstLookOn checks every look: charts are first drawn
// while the page is still hidden.
func TestEveryChartFillsItsFrameFromTheFirstLookOn(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL+"/admin", desktop)
	w.until("document.activeElement.id === 'admin-token'")
	eval[bool](w, "setTimeout = () => 0, true") // so that nothing is drawn a second time
	w.fill("#admin-token", servicetest.AdminToken)
	w.click("#enter")
	for _, l := range looks {
		w.see(l)
		w.until(`[...document.querySelectorAll('.chart:not([hidden]) svg')].length === 8 && [...document.querySelectorAll('.chart:not([hidden]) svg')].every((svg) =>
			svg.querySelector('.grid path')?.getAttribute('d').endsWith('H' + svg.clientWidth))`)
		w.shot("admin first look " + l.name)
	}
}
