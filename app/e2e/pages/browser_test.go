package pages_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/testkit"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// look is how a browser shows a page.
type look struct {
	name          string
	width, height int64
	dark, still   bool // prefers-color-scheme, prefers-reduced-motion
}

var desktop = look{name: "desktop", width: 1280, height: 900, still: true}

// window is a browser window that shows a page of the service, and records what happens.
type window struct {
	t    *testing.T
	ctx  context.Context
	mu   sync.Mutex
	said []string // by the console: messages, exceptions, policy violations
	sent []string // addresses of requests
}

// stopBrowser ends the browser that startBrowser has started.
var stopBrowser = func() {}

// startBrowser starts the browser for all tests.
var startBrowser = sync.OnceValues(func() (context.Context, error) {
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.DisableGPU)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	stopBrowser = func() { cancel(); stop() }
	return ctx, chromedp.Do(ctx)
})

func TestMain(m *testing.M) {
	status := m.Run()
	stopBrowser()
	os.Exit(status)
}

// visit opens a page of the service at url in a window with a new profile: its cookies, storage, caches and service
// workers are removed at the end of the test.
func visit(t *testing.T, url string, l look) *window {
	t.Helper()
	testkit.Need(t, "chromium")
	browser, err := startBrowser()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	w := &window{t: t, ctx: ctx}
	w.listen()
	w.see(l)
	w.goTo(url)
	t.Cleanup(func() {
		if t.Failed() {
			w.shot("failed " + t.Name())
			t.Logf("the console: %q", w.console())
		}
	})
	return w
}

// listen records the console's messages and the requests.
func (w *window) listen() {
	w.t.Helper()
	console, requests := chromedp.Console(w.ctx), chromedp.Events(w.ctx, network.RequestWillBeSent)
	if _, err := chromedp.Call(w.ctx, network.Enable, network.EnableParams{}); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		for m, err := range console {
			if err == nil {
				w.note(&w.said, fmt.Sprint(m))
			}
		}
	}()
	go func() {
		for e, err := range requests {
			if err == nil {
				w.note(&w.sent, e.Request.URL)
			}
		}
	}()
}

func (w *window) note(list *[]string, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*list = append(*list, what)
}

func (w *window) console() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.said)
}

// requests returns how many requests had this text in their address.
func (w *window) requests(with string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, url := range w.sent {
		if strings.Contains(url, with) {
			n++
		}
	}
	return n
}

func (w *window) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	if err := w.try(steps...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *window) try(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

func (w *window) goTo(url string) {
	w.t.Helper()
	w.do(chromedp.Navigate(url))
}

func (w *window) see(l look) {
	w.t.Helper()
	scheme, motion := "light", "no-preference"
	if l.dark {
		scheme = "dark"
	}
	if l.still {
		motion = "reduce"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion}}}
	if _, err := chromedp.Call(w.ctx, emulation.SetEmulatedMedia, media); err != nil {
		w.t.Fatal(err)
	}
	w.do(chromedp.EmulateViewport(l.width, l.height))
}

// eval returns the value of a JavaScript expression, awaiting promises.
func eval[T any](w *window, expression string) T {
	w.t.Helper()
	value, err := tryEval[T](w, expression)
	if err != nil {
		w.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

func tryEval[T any](w *window, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits for a JavaScript condition, even while the page is reloaded.
func (w *window) until(condition string) {
	w.t.Helper()
	if !testkit.Poll(func() bool {
		holds, err := tryEval[bool](w, "!!("+condition+")")
		if err != nil && !strings.Contains(err.Error(), "navigated") {
			w.t.Fatalf("%s: %v", condition, err)
		}
		return err == nil && holds
	}) {
		w.t.Fatalf("never: %s\n%s", condition, eval[string](w, "document.body.innerText"))
	}
}

// text returns the text that an element shows.
func (w *window) text(selector string) string {
	w.t.Helper()
	return eval[string](w, "document.querySelector("+strconv.Quote(selector)+").innerText")
}

// click clicks an element as soon as it exists and can be clicked.
func (w *window) click(selector string) {
	w.t.Helper()
	w.until("document.querySelector(" + strconv.Quote(selector) + ")?.disabled !== true && document.querySelector(" + strconv.Quote(selector) + ")")
	if !testkit.Poll(func() bool { // an element may be replaced between its search and the click
		err := w.try(chromedp.Click(selector))
		if err != nil && !strings.Contains(err.Error(), "Could not find node") {
			w.t.Fatal(err)
		}
		return err == nil
	}) {
		w.t.Fatalf("%s is replaced all the time", selector)
	}
}

// fill pastes text into a field.
func (w *window) fill(selector, text string) {
	w.t.Helper()
	eval[bool](w, fmt.Sprintf(`(() => { const f = document.querySelector(%q); f.value = %s; return f.dispatchEvent(new Event("input", {bubbles: true})); })()`,
		selector, quoted(text)))
}

// quoted returns a text as a JavaScript string.
func quoted(text string) string {
	return strings.NewReplacer("\u2028", `\u2028`, "\u2029", `\u2029`).Replace(strconv.QuoteToASCII(text))
}

// keys presses keys one after another, wherever the focus is.
func (w *window) keys(keys ...string) {
	w.t.Helper()
	for _, key := range keys {
		w.do(chromedp.KeyEvent(key))
	}
}

// open navigates to a place of the page, like a click on its link.
func (w *window) open(place string) {
	w.t.Helper()
	eval[bool](w, "location.hash = "+quoted("#/"+place)+", true")
	name, _, _ := strings.Cut(place, "/")
	name, _, _ = strings.Cut(name, "?")
	w.until("document.body.className === '' && !document.querySelector('main > #" + name + "').hidden")
}

// make requests an aid of a type and waits until it is shown.
func (w *window) make(kind string) {
	w.t.Helper()
	w.open("make")
	eval[bool](w, fmt.Sprintf("document.querySelector('input[value=%s]').click(), true", kind))
	w.click("#go")
	w.until("document.querySelector('#said').innerText || !document.querySelector('#result').hidden && document.querySelector('#result').getAttribute('aria-busy') === 'false'")
}

// quiet checks that the page has written nothing to the console and made no requests to
// other servers.
func (w *window) quiet(url string) {
	w.t.Helper()
	if said := w.console(); len(said) > 0 {
		w.t.Errorf("the console says %q", said)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.sent) == 0 {
		w.t.Error("no request was seen")
	}
	for _, sent := range w.sent {
		if !strings.HasPrefix(sent, url+"/") {
			w.t.Errorf("a request to %s", sent)
		}
	}
}

// shot takes a screenshot of the whole page, into the folder named by SCREENSHOTS or a
// folder of the test.
func (w *window) shot(name string) {
	w.t.Helper()
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		folder = w.t.ArtifactDir()
	}
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, strings.ReplaceAll(name, "/", " ")+".png"), picture, 0o600)
	}
	if err != nil {
		w.t.Errorf("a picture: %v", err)
	}
}
