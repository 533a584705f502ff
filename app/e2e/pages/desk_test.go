package pages_test

import (
	"fmt"
	"strings"
	"testing"

	"studysharper/app/testkit/servicetest"

	"github.com/chromedp/chromedp/kb"
)

// looks are those that each page is looked at in.
var looks = []look{desktop, {name: "desktop dark", width: 1280, height: 900, dark: true, still: true},
	{name: "phone", width: 390, height: 844, still: true}, {name: "phone dark", width: 390, height: 844, dark: true, still: true}}

func TestTheDeskMakesEveryAidFromPastedNotes(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.until("document.querySelector('#saved .hint')")
	t.Logf("first paint after %.0f ms, %d requests", eval[float64](w, "performance.getEntriesByName('first-contentful-paint')[0].startTime"), w.requests("/"))
	w.audit("desk")
	w.fill("#text", servicetest.Notes(t))
	for kind, has := range map[string]string{
		"flashcard_generation": ".card", "quiz_generation": ".question", "exam_generation": ".question",
		"summary_generation": "dl dt", "study_plan": ".plan li", "note_analysis": ".tags .tag",
	} {
		w.make(kind)
		w.until("document.querySelector('#aid " + has + "')")
		if text := w.text("#result"); strings.Contains(text, "undefined") || strings.Contains(text, "[object") {
			t.Errorf("%s: %s", kind, text)
		}
		w.audit(kind)
	}
	if steps := eval[int](w, "document.querySelectorAll('#steps .done').length"); steps != 6 {
		t.Errorf("%d of 6 steps were told", steps)
	}
	w.until("document.querySelectorAll('#saved .item').length === 4")
	w.quiet(s.URL)
}

// TestFlashcardsByTheKeyboardAlone goes from an empty page to a pile that is gone through,
// and sees where the focus is on the way.
func TestFlashcardsByTheKeyboardAlone(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.until("document.querySelector('.tab')")
	tabTo := func(selector string) {
		t.Helper()
		for range 30 {
			w.keys(kb.Tab)
			if !eval[bool](w, "getComputedStyle(document.activeElement).outlineStyle === 'solid' || document.activeElement.matches('.tab input')") {
				t.Errorf("the focus does not show at %s", eval[string](w, "document.activeElement.outerHTML"))
			}
			if eval[bool](w, "document.activeElement.matches('"+selector+"')") {
				return
			}
		}
		t.Fatalf("Tab does not lead to %s", selector)
	}
	tabTo("#text")
	w.keys("Osmosis is the movement of water through a membrane. ", "Diffusion is the movement of particles from high to low concentration. ",
		"A membrane is a thin layer that separates two fluids. ")
	tabTo(".tab input")
	w.keys(kb.ArrowRight, kb.ArrowLeft)
	tabTo("input[name=count]")
	w.keys(kb.Backspace, kb.Backspace, "3")
	tabTo("#go")
	w.keys(kb.Enter)
	w.until("document.querySelector('.card') && document.activeElement.id === 'result'")
	tabTo(".card")
	front := w.text(".front")
	w.keys(" ")
	w.until("document.querySelector('.card.turned')")
	if said := eval[string](w, "document.querySelector('.cards [role=status]').textContent"); !strings.HasPrefix(said, "Answer: ") {
		t.Errorf("the answer is not told: %q", said)
	}
	w.audit("card turned")
	w.keys(kb.ArrowRight)
	if now := w.text(".front"); now == front || !strings.HasPrefix(w.text(".place"), "Card 2 of 3") {
		t.Errorf("the right arrow leads to %q", now)
	}
	w.keys(kb.ArrowLeft, kb.ArrowUp)
	w.until("document.querySelector('.card.turned')")
	tabTo(".marks button:last-child")
	w.keys(kb.Enter)
	w.keys(kb.ArrowRight, kb.ArrowRight)
	w.until("document.querySelector('.cards').innerText.includes('1 of 3 cards known')")
	w.keys(kb.Enter)
	w.until("document.querySelector('.place').innerText.startsWith('Card 1 of 2')")
	w.quiet(s.URL)
}

func TestAQuizIsScoredAndExplained(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.until("document.querySelector('.tab')")
	w.fill("#text", servicetest.Notes(t))
	w.make("quiz_generation")
	points := eval[float64](w, `(async () => {
		const user = localStorage.getItem("user");
		const {items: [{data}]} = await (await fetch("/api/ai/generated-content/quizzes?user_id=" + user)).json();
		let points = 0;
		document.querySelectorAll(".question").forEach((box, i) => {
			const q = data.quiz.questions[i];
			if (i === 0) return; // is left open
			points += q.points;
			const right = typeof q.correct_answer === "boolean" ? (q.correct_answer ? "True" : "False") : q.correct_answer;
			const option = [...box.querySelectorAll("input")].find((o) => o.value === right);
			if (option) option.click();
			else box.querySelector("textarea").value = "  THE " + q.acceptable_answers[0].toLowerCase().replace(/^(an?|the) /, "") + "! ";
		});
		return points;
	})()`)
	w.click(".questions .main")
	w.until("document.activeElement.matches('.score')")
	if score := w.text(".score"); !strings.HasPrefix(score, fmt.Sprintf("%v of ", points)) || !strings.HasSuffix(score, "9 of 10 right.") {
		t.Errorf("the score is %q, %v points expected", score, points)
	}
	if explained := eval[int](w, "document.querySelectorAll('.verdict p + p').length"); explained < 8 {
		t.Errorf("only %d questions are explained", explained)
	}
	w.audit("quiz checked")
	w.quiet(s.URL)
}

func TestNotesAreKeptPickedSearchedAndDeleted(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.until("document.querySelector('.tab')")
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
	if card := w.text(".cards"); !strings.Contains(strings.ToLower(card), "osmosis") {
		t.Errorf("the card is not of the note that was picked: %s", card)
	}
	w.click("#notes .remove")
	w.click("dialog .main")
	w.until("document.querySelectorAll('#notes label').length === 1")
	w.goTo(s.URL)
	w.until("document.querySelectorAll('#notes label').length === 1 && document.querySelectorAll('#saved .item').length === 1")
	w.click("#saved .item")
	w.until("document.querySelector('.card')")
	w.quiet(s.URL)
}
