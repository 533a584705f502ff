package pages_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"studysharper/app/e2e/servicetest"
)

// TestADeckIsEditedInItsPlace renames a deck, changes, adds and deletes cards, by the keyboard where that matters, and merges
// another deck into it.
func TestADeckIsEditedInItsPlace(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	for _, text := range []string{threeFacts, "Voltage is the difference in electric potential between two points."} {
		w.open("make")
		w.fill("#text", text)
		w.make("flashcard_generation")
	}
	deck := w.deckOf("osmosis")
	w.open("library/flashcards/" + deck)
	w.until("document.querySelector('#opened .tools')")
	w.audit("deck open")
	w.click("#opened .tools a[href$=edit]")
	w.until("document.activeElement.matches('#opened h2')")
	w.audit("deck edited")
	w.fill("#opened form input", "Membranes")
	w.fill("#opened form label:nth-of-type(2) input", "Biology")
	w.click("#opened form .main")
	w.until("document.querySelector('#opened form [role=status]').innerText === 'Saved.' && document.querySelector('#opened h2').innerText === 'Edit “Membranes”'")

	w.tabTo(".edits button")
	w.keys(kb.Enter)
	w.until("document.activeElement.matches('.item-form textarea')")
	w.audit("card edited")
	w.fill(".item-form textarea", "What moves in **osmosis**?")
	w.click(".item-form .main")
	w.until("document.activeElement.matches('.edits button') && document.querySelector('.flash .ask strong')?.innerText === 'osmosis'")
	w.click(".deck ~ button")
	w.fill(".item-form textarea", "What is a vacuole?")
	w.click(".item-form .main")
	w.until("document.querySelectorAll('.item-form textarea:invalid').length === 1")
	w.fill(".item-form label:nth-of-type(2) textarea", "A bag within a cell")
	w.click(".item-form .main")
	w.until("!document.querySelector('.item-form') && document.querySelectorAll('#opened .flash').length === 4")
	w.click("#opened .flash:nth-of-type(2) .edits button:last-child")
	w.click("dialog .main")
	w.until("document.querySelectorAll('#opened .flash').length === 3")

	w.click(".joined button")
	w.click("dialog .main")
	w.until("document.querySelector('#opened h2').innerText === 'Membranes' && document.querySelectorAll('#opened .flash').length === 4")
	if text := w.text("#opened"); !strings.Contains(text, "osmosis") || !strings.Contains(text, "A bag within a cell") || !strings.Contains(strings.ToLower(text), "voltage") {
		t.Errorf("the deck has %s", text)
	}
	w.open("library")
	w.until("document.querySelectorAll('#entries .entry').length === 1")
	w.open("library/flashcards/" + deck + "/edit")
	w.click("#opened > .row .stop")
	w.click("dialog .main")
	w.until("location.hash === '#/library' && document.querySelector('#library-said').innerText !== ''")
	w.quiet(s.URL)
}

// deckOf returns the id of the deck that contains a word.
func (w *window) deckOf(word string) string {
	w.t.Helper()
	return eval[string](w, `fetch("/api/ai/generated-content/flashcards?q=`+word+`&user_id=" + localStorage.getItem("user")).then(async (r) => (await r.json()).items[0].id)`)
}

// TestQuestionsAreEditedInTheirPlace changes a question of each type, and adds one.
func TestQuestionsAreEditedInTheirPlace(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", servicetest.Notes(t))
	w.make("quiz_generation")
	w.click("#tools a[href*=library]:not([href$=take])")
	w.click("#opened .tools a[href$=edit]")
	w.until("document.querySelectorAll('#opened .flash').length === 10")
	w.audit("quiz edited")
	const data = `fetch("/api/ai/generated-content/quizzes?user_id=" + localStorage.getItem("user")).then(async (r) => (await r.json()).items[0].data.quiz.questions)`
	at := eval[map[string]int](w, data+`.then((all) => Object.fromEntries(all.map((q, i) => [q.type, i])))`)
	for kind, change := range map[string]string{
		"multiple_choice": `f.querySelectorAll(".choice input:not([type=radio])").forEach((o, i) => { o.value = "Option number " + i; }), f.querySelectorAll("[type=radio]")[2].click()`,
		"true_false":      `f.querySelector("[type=radio]:not(:checked)").click()`,
		"short_answer":    `f.querySelectorAll("textarea")[1].value = "water\n\n the water "`,
	} {
		i, has := at[kind]
		if !has {
			t.Errorf("the quiz has no %s", kind)
			continue
		}
		before := eval[string](w, data+`.then((all) => JSON.stringify(all[`+strconv.Itoa(i)+`].correct_answer ?? null))`)
		w.click("#opened .flash:nth-of-type(" + strconv.Itoa(i+1) + ") .edits button")
		w.audit("question edited " + kind)
		eval[bool](w, `(() => { const f = document.querySelector(".item-form"); `+change+`; return true; })()`)
		w.click(".item-form .main")
		w.until("!document.querySelector('.item-form')")
		after := eval[string](w, data+`.then((all) => JSON.stringify(all[`+strconv.Itoa(i)+`].correct_answer ?? all[`+strconv.Itoa(i)+`].acceptable_answers))`)
		if want := map[string]string{"multiple_choice": `"Option number 2"`, "short_answer": `["water","the water"]`}[kind]; after == before || want != "" && after != want {
			t.Errorf("%s: %s became %s", kind, before, after)
		}
	}
	w.click(".deck ~ button")
	w.fill(".item-form select", "true_false")
	eval[bool](w, `(() => { const f = document.querySelector(".item-form"); f.querySelector("select").dispatchEvent(new Event("change")); f.querySelector("textarea").value = "Water is wet."; f.querySelector("[type=radio]").click(); return true; })()`)
	w.click(".item-form .main")
	w.until("document.querySelectorAll('#opened .flash').length === 11")
	w.open(eval[string](w, "location.hash.slice(2).replace('/edit', '/take')"))
	w.until("document.querySelectorAll('.question').length === 11 && document.querySelector('.questions').innerText.includes('Water is wet.')")
	w.quiet(s.URL)
}
