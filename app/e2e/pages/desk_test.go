package pages_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"studysharper/app/e2e/servicetest"
)

// looks are the variants in which each page is checked.
var looks = []look{desktop, {name: "desktop dark", width: 1280, height: 900, dark: true, still: true},
	{name: "phone", width: 390, height: 844, still: true}, {name: "phone dark", width: 390, height: 844, dark: true, still: true},
	{name: "small", width: 320, height: 640, still: true}}

const threeFacts = "Osmosis is the movement of water through a membrane. Diffusion is the movement of particles from high to low concentration. " +
	"A membrane is a thin layer that separates two fluids."

// outcomes are the kinds of aid, each with an element that shows its result.
var outcomes = map[string]string{"flashcard_generation": ".flash .reply", "quiz_generation": "#tools a[href$=take]", "exam_generation": "#tools a[href$=take]",
	"summary_generation": "dl dt", "study_plan": ".plan li", "note_analysis": ".tags .tag"}

func TestEveryAidIsMadeFromPastedNotesAndOpensInTheLibrary(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.audit("make")
	w.fill("#text", servicetest.Notes(t))
	for kind, has := range outcomes {
		w.make(kind)
		w.until("document.querySelector('#result').querySelector('" + has + "')")
		if text := w.text("#result"); strings.Contains(text, "undefined") || strings.Contains(text, "[object") || strings.Contains(text, "offline-extractive") {
			t.Errorf("%s: %s", kind, text)
		}
		w.audit("made " + kind)
	}
	w.open("library")
	w.until("document.querySelectorAll('#entries .entry').length === 6")
	w.audit("library")
	for _, address := range eval[[]string](w, "[...document.querySelectorAll('#entries a')].map(a => a.hash.slice(2))") {
		w.open(address)
		w.until("document.querySelector('#opened article h2')")
		w.audit("open " + strings.Split(address, "/")[1])
	}
	w.open("study")
	w.until("document.querySelectorAll('#continue .entry').length === 6")
	w.audit("study")
	w.quiet(s.URL)
}

// tabTo presses Tab until the focus is on an element, and checks that the focus is visible on the way.
func (w *window) tabTo(selector string) {
	w.t.Helper()
	for range 40 {
		w.keys(kb.Tab)
		if !eval[bool](w, "getComputedStyle(document.activeElement).outlineStyle === 'solid' || document.activeElement.matches('.tab input, body')") {
			w.t.Errorf("the focus does not show at %s", eval[string](w, "document.activeElement.outerHTML.slice(0, 200)"))
		}
		if eval[bool](w, "document.activeElement.matches('"+selector+"')") {
			return
		}
	}
	w.t.Fatalf("Tab does not lead to %s", selector)
}

// TestFlashcardsByTheKeyboardAlone goes from an empty page to a finished deck.
func TestFlashcardsByTheKeyboardAlone(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.until("!document.querySelector('#welcome').hidden")
	w.audit("welcome")
	w.tabTo("#welcome .button")
	w.keys(kb.Enter)
	w.until("!document.querySelector('#make').hidden && document.activeElement.id === 'make-title'")
	w.tabTo("#text")
	w.keys(threeFacts)
	w.tabTo(".tab input")
	w.keys(kb.ArrowRight, kb.ArrowLeft)
	w.tabTo("input[name=count]")
	w.keys(kb.Backspace, kb.Backspace, "3")
	w.tabTo("#go")
	w.keys(kb.Enter)
	w.until("document.querySelector('#tools a') && document.activeElement.id === 'result'")
	w.tabTo("#tools a:nth-of-type(2)")
	w.keys(kb.Enter)
	w.until("document.activeElement.matches('#opened h2')")
	w.tabTo("#opened .tools a[href$=study]")
	w.keys(kb.Enter)
	w.until("document.activeElement.matches('.front')")
	front := w.text(".front")
	w.keys(" ")
	w.until("document.activeElement.matches('.back') && document.querySelector('.back').innerText.startsWith('Answer')")
	w.audit("card turned")
	w.keys("2")
	if now := w.text(".front"); now == front || w.text(".left") != "Card 2 of 3" {
		t.Errorf("the key 2 leads to %q, %q", now, w.text(".left"))
	}
	w.keys("u")
	w.until("document.querySelector('.left').innerText === 'Card 1 of 3'")
	w.keys(" ", "2", " ", "1", " ", "1")
	w.until("document.querySelector('.practise').innerText.includes('Deck finished: 1 of 3 known.')")
	w.tabTo(".practise button")
	w.keys(kb.Enter)
	w.until("document.querySelector('.left').innerText === 'Card 1 of 2'")
	w.quiet(s.URL)
}

func TestAQuizIsScoredAndExplainedAndTheWrongOnesComeAgain(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", servicetest.Notes(t))
	w.make("quiz_generation")
	w.click("#tools a")
	w.until("document.querySelectorAll('.question').length === 10")
	points := eval[float64](w, `(async () => {
		const user = localStorage.getItem("user");
		const {items: [{data}]} = await (await fetch("/api/ai/generated-content/quizzes?user_id=" + user)).json();
		let points = 0;
		document.querySelectorAll(".question").forEach((box, i) => {
			const q = data.quiz.questions[i];
			if (i === 0) return; // is left open
			points += q.points;
			const right = typeof q.correct_answer === "boolean" ? (q.correct_answer ? "True" : "False") : q.correct_answer;
			const option = [...box.querySelectorAll(".option")].find((o) => o.innerText === right);
			if (option) option.click();
			else box.querySelector("textarea").value = "  THE " + q.acceptable_answers[0].toLowerCase().replace(/^(an?|the) /, "") + "! ";
		});
		return points;
	})()`)
	w.click(".questions .main")
	w.until("document.activeElement.matches('.score')")
	if score := w.text(".score p"); !strings.HasPrefix(score, fmt.Sprintf("%v of ", points)) || !strings.HasSuffix(score, "9 of 10 right.") {
		t.Errorf("the score is %q, %v points expected", score, points)
	}
	if explained := eval[int](w, "document.querySelectorAll('.verdict p + div').length"); explained < 8 {
		t.Errorf("only %d questions are explained", explained)
	}
	if marked := eval[int](w, "[...document.querySelectorAll('.option.correct')].filter(o => o.innerText.includes('right')).length"); marked < 5 {
		t.Errorf("only %d right options say so in words", marked)
	}
	w.audit("quiz checked")
	w.click(".score .main")
	w.until("document.querySelectorAll('.question').length === 1")
	w.quiet(s.URL)
}

func TestAnExamHasAClockAndIsCheckedWhenItRunsOut(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", servicetest.Notes(t))
	w.make("exam_generation")
	w.click("#tools a")
	w.until("document.querySelector('.clock')?.innerText.includes('left')")
	w.click(".questions .mode:last-child")
	w.until("[...document.querySelectorAll('.question')].filter(q => q.checkVisibility()).length === 1 && document.querySelector('.questions .left').innerText.startsWith('Question 1 of')")
	w.audit("exam one at a time")
	eval[bool](w, "(() => { const f = document.querySelector('.question input, .question textarea'); f.value = 'my answer'; return f.type === 'radio' ? (f.click(), true) : f.dispatchEvent(new Event('input', {bubbles: true})); })()")
	before := w.text(".clock")
	eval[bool](w, `(() => {
		const kept = JSON.parse(sessionStorage.getItem("taking"));
		sessionStorage.setItem("taking", JSON.stringify({ ...kept, began: kept.began - 20 * 60e3 })); // twenty minutes ago
		location.reload();
		return true;
	})()`)
	w.until("document.body?.className === '' && document.querySelector('.clock')?.innerText.includes('left') && document.querySelector('.clock').innerText !== " + quoted(before))
	w.until("[...document.querySelectorAll('.question')].some((q) => q.querySelector('input:checked') || q.querySelector('textarea')?.value === 'my answer')")
	eval[bool](w, "(() => { const real = Date.now; Date.now = () => real() + 9 * 3600e3; return true; })()")
	w.until("document.querySelector('.score p')")
	w.quiet(s.URL)
}

func TestNotesAreKeptPickedSearchedEditedAndDeleted(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.click("#go")
	w.until("document.querySelector('#said').innerText.includes('Paste some notes')")
	for _, note := range []string{"Osmosis\nOsmosis is the movement of water through a membrane.", "Voltage\nVoltage is the difference in electric potential between two points."} {
		w.fill("#text", note)
		w.click("#keep")
		w.until("document.querySelector('#text').value === ''")
	}
	w.until("document.querySelectorAll('#notes input:checked').length === 2")
	w.audit("notes")
	w.fill("#find", "potential")
	w.until("document.querySelectorAll('#notes label').length === 1")
	w.click("#notes input")
	w.fill("#find", "")
	w.until("document.querySelectorAll('#notes label').length === 2")
	w.make("flashcard_generation")
	if card := w.text("#aid"); !strings.Contains(strings.ToLower(card), "osmosis") || strings.Contains(strings.ToLower(card), "voltage") {
		t.Errorf("the card is not of the note that was picked: %s", card)
	}
	w.open("library?kind=notes")
	w.until("document.querySelectorAll('#entries .entry').length === 2")
	w.fill("#library-find", "potential")
	w.until("document.querySelectorAll('#entries .entry').length === 1")
	w.click("#entries a")
	w.until("document.querySelector('#opened .reading')?.innerText.includes('electric potential')")
	w.click("#opened .tools button")
	w.fill("#opened textarea", "# Volts\n\nVoltage is measured in **volts**.")
	w.audit("note edited")
	w.click("#opened .main")
	w.until("document.querySelector('#opened .reading strong')?.innerText === 'volts'")
	w.audit("note")
	w.click("#opened .tools button:last-child")
	w.click("dialog .main")
	w.until("location.hash === '#/library?kind=notes' && document.querySelector('#library-find').value === 'potential'")
	w.fill("#library-find", "")
	w.until("document.querySelectorAll('#entries .entry').length === 1")
	w.quiet(s.URL)
}

func TestPlacesHaveAddressesAndTheBackButtonWorks(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL+"/#/library?kind=notes", desktop)
	w.until("!document.querySelector('#library').hidden && document.querySelector('#kinds [value=notes]').getAttribute('aria-pressed') === 'true'")
	w.open("make")
	w.fill("#text", threeFacts)
	w.make("flashcard_generation")
	w.click("#tools a")
	w.until("document.querySelector('.one')")
	eval[bool](w, "history.back(), true")
	w.until("!document.querySelector('#make').hidden && document.querySelector('#aid .flash').checkVisibility()")
	eval[bool](w, "history.forward(), true")
	w.until("document.querySelector('.one')?.checkVisibility()")
	eval[bool](w, "location.reload(), true")
	w.until("document.querySelector('.one')?.checkVisibility()")
	for _, wrong := range []string{"#/nothing", "#/library/flashcards/" + sessionOfNobody, "#/library/notes/x", "#/%zz"} {
		eval[bool](w, "location.hash = "+quoted(wrong)+", true")
		w.until("[...document.querySelectorAll('main > section')].filter(s => !s.hidden).length === 1")
	}
	w.open("library/flashcards/" + sessionOfNobody)
	w.until("document.querySelector('#opened h2')?.innerText.includes('not in your library')")
}

// TestAnItemsSourceLeadsToItsPlaceInTheNote uses a note with characters of two UTF-16 units before the passage.
func TestAnItemsSourceLeadsToItsPlaceInTheNote(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", "# Cells \U0001F600\n\nIntroduction \U0001F600 to the matter at hand.\n\n## Transport\n\nOsmosis is the movement of water through a membrane.\n\nDiffusion is the movement of particles from high to low concentration.\n")
	w.click("#keep")
	w.until("document.querySelector('#text').value === ''")
	w.make("flashcard_generation")
	w.until("document.querySelector('#aid a.source')")
	w.audit("sources")
	quote := eval[string](w, "[...document.querySelectorAll('#aid .flash')].find(f => f.innerText.includes('osmosis')).querySelector('.source q').textContent")
	eval[bool](w, "[...document.querySelectorAll('#aid .flash')].find(f => f.innerText.includes('osmosis')).querySelector('.source').click(), true")
	w.until("document.activeElement.matches('.cited')")
	if cited := eval[[]string](w, "[...document.querySelectorAll('.cited')].map(c => c.innerText)"); len(cited) != 1 || !strings.Contains(cited[0], quote) || !strings.Contains(quote, "movement of water") {
		t.Errorf("the source %q leads to %q", quote, cited)
	}
	w.audit("note cited")
	eval[bool](w, "history.back(), true")
	w.until("!document.querySelector('#make').hidden")
	w.quiet(s.URL)
}

// TestTheLibraryFindsWordsWithinCardsAndNotes searches for words that occur in no title.
func TestTheLibraryFindsWordsWithinCardsAndNotes(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", "# Cells\n\n"+strings.Repeat("A line that fills the note. ", 20)+"\n\nA vacuole is a bag of water within a plant cell.")
	w.click("#keep")
	w.until("document.querySelector('#notes input:checked')")
	w.make("flashcard_generation")
	w.open("library?find=vacuole")
	w.until("document.querySelectorAll('#entries .entry').length === 2")
	w.fill("#library-find", "no such word")
	w.until("document.querySelector('#library-said').innerText.includes('Nothing in your library')")
	w.fill("#library-find", "")
	w.until("document.querySelectorAll('#entries .entry').length === 2 && location.hash === '#/library'")
	w.quiet(s.URL)
}
