package pages_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"studysharper/app/e2e/servicetest"
)

// tenCards makes ten cards of the standard notes and opens the place to study.
func (w *window) tenCards() {
	w.t.Helper()
	w.open("make")
	w.fill("#text", servicetest.Notes(w.t))
	w.make("flashcard_generation")
	w.until("document.querySelectorAll('#aid .flash').length === 10")
	w.open("study")
	w.until("document.querySelector('#due').innerText === '10 new'")
}

// reviews returns the number of reviews that the server has for the page's user, and the number of cards that it still
// shows as new.
func (w *window) reviews() (kept, fresh int) {
	w.t.Helper()
	const ask = `(async () => {
		const user = "user_id=" + localStorage.getItem("user"), get = async (path) => (await fetch("/api/review/" + path + user)).json();
		return [(await get("stats?days=2&")).reviews, (await get("queue?")).counts.new];
	})()`
	n := eval[[]int](w, ask)
	return n[0], n[1]
}

// expectReviews waits until no review is pending in the browser, and compares the server's counts.
func (w *window) expectReviews(kept, fresh int) {
	w.t.Helper()
	w.until("!Object.keys(localStorage).some((key) => key.startsWith('review waiting'))")
	if k, f := w.reviews(); k != kept || f != fresh {
		w.t.Errorf("the server has %d reviews and %d new cards, want %d and %d", k, f, kept, fresh)
	}
}

func (w *window) atCard(left int) {
	w.t.Helper()
	text := fmt.Sprintf("%d cards left", left)
	if left == 1 {
		text = "1 card left"
	}
	w.until("document.activeElement.matches('.front') && document.querySelector('.left').innerText === " + quoted(text))
}

func TestTenCardsAreReviewedByTheKeyboardAlone(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.tenCards()
	w.audit("study with due cards")
	w.tabTo("#due-go a")
	w.keys(kb.Enter)
	w.atCard(10)
	w.audit("review")
	w.keys(" ")
	w.until("document.activeElement.matches('.back') && document.querySelectorAll('.marks .grade small').length === 4")
	w.audit("review turned")
	w.keys("1")
	w.atCard(9)
	w.keys("u")
	w.atCard(10)
	w.keys("s")
	w.atCard(9)
	w.keys("u")
	w.atCard(10)
	for i := range 10 {
		w.atCard(10 - i)
		if i == 4 {
			s.Signal(syscall.SIGHUP) // the rest is sent to successors, or to workers that are about to stop
		}
		w.keys(" ", []string{"4", "3", "2", "1"}[min(i, 3)])
	}
	w.until("document.activeElement.matches('.reviewing h2') && document.activeElement.innerText === 'Done: 10 cards reviewed, 3 known.'")
	w.until("document.querySelector('.reviewing').innerText.includes('The next card is due in 60 sec.')")
	w.audit("review done")
	w.expectReviews(10, 0)
	w.tabTo(".reviewing .button")
	w.keys(kb.Enter)
	w.until("!document.querySelector('#day').hidden")
	w.quiet(s.URL)
}

// oldCache is the name of a cache of an older release.
const oldCache = "page 0123456789abcdef"

// cached returns the names of the page's caches and the addresses in them.
func (w *window) cached() string {
	w.t.Helper()
	return eval[string](w, `caches.keys().then(async (names) => {
		const own = names.filter((name) => name !== "`+oldCache+`"); // to open one that was removed meanwhile would make it again
		const kept = await Promise.all(own.map(async (name) => (await (await caches.open(name)).keys()).map((k) => k.url)));
		return [...names, ...kept.flat()].join("\n");
	})`)
}

// TestReviewsContinueWithoutTheNetwork cuts the network in the middle of a review: the page is reloaded without it, and
// everything reaches the server once.
func TestReviewsContinueWithoutTheNetwork(t *testing.T) {
	s := servicetest.Start(t)
	l := lineTo(s)
	for i, look := range []look{desktop, looks[2]} {
		w := visit(t, l.url, look)
		w.tenCards()
		w.until("navigator.serviceWorker.controller")
		s.Eventually("the words are kept", func() bool { return strings.Contains(w.cached(), "/en.json") })
		w.open("study/review")
		w.atCard(10)
		w.keys(" ", "4", " ", "4")
		w.atCard(8)
		w.expectReviews(2, 8)
		l.shut()
		w.keys(" ", "4", " ", "4")
		w.until("document.querySelector('.wait').innerText === '2 grades wait for the network.'")
		if i == 0 {
			w.audit("review offline")
		}
		w.goTo(l.url + "/?reload#/study/review")
		w.atCard(6)
		w.keys(" ", "4", " ", "4")
		w.until("document.querySelector('.wait').innerText === '4 grades wait for the network.'")
		w.keys("u")
		w.until("document.querySelector('.wait').innerText === '3 grades wait for the network.'")
		l.open()
		w.until("document.querySelector('#away').hidden && document.querySelector('.wait').innerText === ''")
		w.expectReviews(5, 5)
		w.atCard(5)
		w.keys(" ", "4", " ", "4", " ", "4", " ", "4", " ", "4")
		w.until("document.querySelector('.reviewing h2')")
		w.expectReviews(10, 0)
	}
}

// TestAGradeOfAClockThatIsAheadIsKept makes the server refuse the time of a review at first.
func TestAGradeOfAClockThatIsAheadIsKept(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.tenCards()
	eval[bool](w, "(() => { const real = Date; Date = class extends real { constructor(...at) { at.length ? super(...at) : super(real.now() + 9 * 3600e3); } }; return true; })()")
	w.open("study/review")
	w.atCard(10)
	w.keys(" ", "3")
	w.atCard(9)
	w.expectReviews(1, 9)
	s.Eventually("the console tells the refusal", func() bool { return strings.Contains(strings.Join(w.console(), "\n"), "422") })
}

// TestOldFilesOfThePageAreNotKept gives the browser a cache as another release would have left it.
func TestOldFilesOfThePageAreNotKept(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL+"/admin", desktop)
	eval[bool](w, "caches.open('"+oldCache+"').then(() => true)")
	w.goTo(s.URL)
	s.Eventually("this release's files are kept, and no other's", func() bool {
		kept := w.cached()
		return strings.Contains(kept, "/en.json") && !strings.Contains(kept, oldCache)
	})
	if kept := w.cached(); strings.Contains(kept, "/api/") || !strings.Contains(kept, "/study.js") {
		t.Errorf("the browser keeps\n%s", kept)
	}
	w.quiet(s.URL)
}

// lecture is a text that makes ten cards.
var lecture = []string{
	"Osmosis is the movement of water through a membrane.", "Diffusion is the movement of particles from high to low concentration.",
	"A membrane is a thin layer that separates two fluids.", "Voltage is the difference in electric potential between two points.",
	"Inertia is the resistance of a body to a change of its motion.", "A catalyst is a substance that speeds up a reaction without being used up.",
	"Photosynthesis is the process by which plants make sugar from light.", "A vacuole is a bag of water within a plant cell.",
	"Erosion is the removal of soil by wind and water.", "A monopoly is a market with one seller.",
	"Inflation is a rise of the general level of prices.", "A treaty is a written agreement between states.",
}

// TestFromAFileToAnAnkiDeckInSevenClicks drops a file, reviews a card and saves the deck: each step is one click, of
// the eight allowed.
func TestFromAFileToAnAnkiDeckInSevenClicks(t *testing.T) {
	s := servicetest.StartImporting(t)
	for _, look := range []look{desktop, looks[2]} {
		w := visit(t, s.URL, look)
		w.until("!document.querySelector('#welcome').hidden")
		w.drop(map[string][]byte{"lecture.pdf": pdfOf(lecture)})
		w.until("document.querySelectorAll('#notes input:checked').length === 1")
		for _, step := range []struct{ click, then string }{
			{"#go", "document.querySelectorAll('#aid .flash').length === 10"},
			{"#tools .main", "document.querySelector('.left')?.innerText === '10 cards left'"},
			{".marks .main", "document.querySelectorAll('.marks .grade').length === 4"},
			{".marks .main", "document.querySelector('.left').innerText === '9 cards left'"},
			{"#review .crumb a", "document.querySelector('#opened summary')"},
			{"#opened summary", "document.querySelector('#opened .menu a').checkVisibility()"},
			{"#opened .menu a", "window.saved"},
		} {
			if step.then == "window.saved" { // the click on the file's link, without the browser's download window
				eval[bool](w, `document.querySelector("#opened .menu a").addEventListener("click", async (e) => {
					e.preventDefault();
					const r = await fetch(e.target.href);
					window.saved = r.status + " " + r.headers.get("Content-Disposition");
				}) ?? true`)
			}
			w.click(step.click)
			w.until(step.then)
		}
		if saved := eval[string](w, "saved"); !strings.HasPrefix(saved, "200 ") || !strings.Contains(saved, ".apkg") {
			t.Errorf("the link gives %s", saved)
		}
		w.expectReviews(1, 9)
	}
}

// TestASuspendedCardIsPutBack finds the card from the study page and from its deck.
func TestASuspendedCardIsPutBack(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, looks[2])
	w.tenCards()
	if !eval[bool](w, "document.querySelector('#suspended').hidden") {
		t.Error("the page leads to suspended cards, of which there are none")
	}
	w.open("study/review")
	w.atCard(10)
	question := w.text(".front .prose")
	w.keys("s")
	w.atCard(9)
	w.expectReviews(0, 9)
	w.open("study")
	w.click("#suspended a")
	w.until("document.activeElement.textContent === 'Suspended cards' && document.querySelectorAll('#review .flash').length === 1")
	if text := w.text("#review .flash .ask"); text != question {
		t.Errorf("suspended is %q, want %q", text, question)
	}
	w.shot("suspended cards")
	w.audit("suspended cards")
	w.open("study")
	w.click("#continue a")
	w.click("#opened a[href*=suspended]")
	w.click("#review .edits button")
	w.until("document.querySelector('#review .sheet').innerText.includes('No card is suspended.')")
	w.open("study")
	w.until("document.querySelector('#due').innerText === '10 new' && document.querySelector('#suspended').hidden")
	w.quiet(s.URL)
}
