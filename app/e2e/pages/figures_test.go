package pages_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

const (
	firstLoad     = 45_000 // bytes transferred by a first visit, before the service worker fetches the other modules
	firstRequests = 25
	firstVisits   = 7
)

// TestTheFirstVisitIsSmall also prints the time of the first paint: the median of several first visits, each with a new
// profile.
func TestTheFirstVisitIsSmall(t *testing.T) {
	s := servicetest.Start(t)
	paints := []float64{}
	for range firstVisits {
		t.Run("visit", func(t *testing.T) {
			w := visit(t, s.URL, desktop)
			w.until("!document.querySelector('#welcome').hidden && performance.getEntriesByName('first-contentful-paint').length")
			const all = "performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))"
			sent, requests := eval[float64](w, all+".reduce((sum, e) => sum + e.transferSize, 0)"), eval[int](w, all+".length")
			if sent > firstLoad || sent < 20_000 || requests > firstRequests {
				t.Errorf("the first visit takes %.0f bytes in %d requests, at most %d in %d", sent, requests, firstLoad, firstRequests)
			}
			if waits := eval[int](w, "performance.getEntriesByType('resource').filter((e) => e.renderBlockingStatus === 'blocking').length"); waits != 1 {
				t.Errorf("the first paint waits for %d files, want the style sheet alone", waits)
			}
			paints = append(paints, eval[float64](w, "performance.getEntriesByName('first-contentful-paint')[0].startTime"))
			t.Logf("first contentful paint after %.0f ms; %.0f bytes in %d requests, headers included", paints[len(paints)-1], sent, requests)
			w.quiet(s.URL)
		})
	}
	slices.Sort(paints)
	t.Logf("first contentful paint: median %.0f ms of %d first visits, %.0f to %.0f", paints[len(paints)/2], len(paints), paints[0], paints[len(paints)-1])
}

// TestNothingMovesWhileCardsArrive uses a model that writes slowly, so that the cards arrive one by one.
func TestNothingMovesWhileCardsArrive(t *testing.T) {
	slow := fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{TokensPerSecond: 200}}, Answer: fakellm.StudyAnswer})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, slow.ServeHTTP)+"/v1")
	for _, l := range []look{desktop, looks[2]} {
		w := visit(t, s.URL, l)
		w.open("make")
		w.fill("#text", servicetest.Notes(t)+"\n"+l.name) // a unique text, so that no answer is cached
		eval[bool](w, `(() => {
			window.counts = new Set(); window.shift = 0; window.moved = [];
			new MutationObserver(() => counts.add(document.querySelectorAll("#aid .flash").length)).observe(document.querySelector("#aid"), { childList: true, subtree: true });
			new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) { shift += e.value; moved.push(...e.sources.map((s) => s.node?.id)); } }).observe({ type: "layout-shift" });
			return true;
		})()`)
		w.click("#go")
		w.until("document.querySelectorAll('#aid .flash').length > 2")
		w.shot("cards arrive " + l.name)
		w.until("document.querySelectorAll('#tools a').length === 2")
		if n := eval[int](w, "counts.size"); n < 5 {
			t.Errorf("%s: the cards came in %d steps", l.name, n)
		}
		if shift := eval[float64](w, "shift"); shift > 0 {
			t.Errorf("%s: the layout shifted by %f: %s", l.name, shift, eval[string](w, "moved.join()"))
		}
		w.quiet(s.URL)
	}
}

// speak makes the browser prefer a language.
func (w *window) speak(language string) {
	w.t.Helper()
	agent := eval[string](w, "navigator.userAgent")
	if _, err := chromedp.Call(w.ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language}); err != nil {
		w.t.Fatal(err)
	}
}

func TestTheInterfaceSpeaksTheBrowsersLanguage(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	for language, want := range map[string]struct{ tag, library, cancel string }{
		"de-AT,de;q=0.9,en;q=0.5": {"de", "Deine Bibliothek", "Abbrechen"}, "es": {"es", "Tu biblioteca", "Cancelar"},
		"fr-CA,fr": {"fr", "Ta bibliothèque", "Annuler"}, "en-GB": {"en", "Your library", "Cancel"}, "ja": {"en", "Your library", "Cancel"},
	} {
		w.speak(language)
		w.goTo(s.URL)
		for _, place := range []string{"study", "make", "library", "ask"} {
			w.open(place)
			if place == want.tag {
				w.shot(language + " " + place)
			}
			if text := w.text("body"); strings.Contains(text, "undefined") || strings.Contains(text, "{n}") {
				t.Errorf("%s, %s: %s", language, place, text)
			}
		}
		if title, tag := w.text("#library-title"), eval[string](w, "document.documentElement.lang"); tag != want.tag || eval[string](w, "document.querySelector('#library-title').textContent") != want.library {
			t.Errorf("%s: %q in %s", language, title, tag)
		}
		w.open("make")
		w.audit("make in " + want.tag)
	}
	w.quiet(s.URL)
}

// TestWithoutColoursAndMotionThePageWorks uses forced colours and reduced motion.
func TestWithoutColoursAndMotionThePageWorks(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: "active"}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(w.ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
	w.open("make")
	w.fill("#text", threeFacts)
	w.make("flashcard_generation")
	w.shot("forced colours")
	if style := eval[string](w, "getComputedStyle(document.querySelector('[data-place=make]')).outlineStyle"); style != "solid" {
		t.Errorf("the current place is marked by colour only: outline %s", style)
	}
	if style := eval[string](w, "getComputedStyle(document.querySelector('.tab input:checked + span')).outlineStyle"); style != "solid" {
		t.Errorf("the kind of aid is marked by colour only: outline %s", style)
	}
	if moving := eval[int](w, "document.getAnimations().length"); moving != 0 {
		t.Errorf("%d animations", moving)
	}
	w.quiet(s.URL)
}

// TestWarningsAndReasonsAreInTheLanguageOfThePage uses an aid with fewer items than requested, and a file that cannot
// be read.
func TestWarningsAndReasonsAreInTheLanguageOfThePage(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.speak("de")
	w.goTo(s.URL)
	w.open("make")
	w.fill("#text", threeFacts)
	w.make("flashcard_generation")
	w.until("/Hinweis: \\d von 10 erstellt: Mehr gibt der Text nicht her\\./.test(document.querySelector('#checked').innerText)")
	w.drop(map[string][]byte{"skript.pdf": []byte("no PDF at all")})
	w.until("document.querySelector('#files .failed')?.innerText.includes('Die Datei ist beschädigt oder nicht das, was ihr Name sagt.')")
	w.shot("de warnings")
}
