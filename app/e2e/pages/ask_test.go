package pages_test

import (
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

// TestAnAnswerShowsItsQuotesAndAClickOpensTheNoteThere also checks the conversation after it is reopened.
func TestAnAnswerShowsItsQuotesAndAClickOpensTheNoteThere(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, looks[2])
	w.open("make")
	w.fill("#text", strings.Join(lecture, "\n\n"))
	w.click("#keep")
	w.until("document.querySelector('#notes input:checked')")
	w.open("ask")
	w.fill("#question", "What is osmosis?")
	w.click("#send")
	const quote = "document.querySelector('#log .assistant a.source q')?.innerText.includes('movement of water')"
	w.until(quote)
	w.shot("quotes under an answer")
	w.audit("quotes under an answer")
	w.goTo(s.URL + "/#/study")
	w.open("ask")
	w.until(quote)
	w.click("#log .assistant a.source")
	w.until("document.querySelector('.cited')?.innerText.includes('Osmosis is the movement of water')")
	if eval[bool](w, "document.querySelector('.cited').innerText.includes('Diffusion')") || !strings.HasPrefix(eval[string](w, "location.hash"), "#/library/notes/") {
		t.Errorf("%s shows %q", eval[string](w, "location.hash"), w.text(".cited"))
	}
	eval[bool](w, "history.back(), true")
	w.until(quote + " && !document.querySelector('#ask').hidden")
	w.quiet(s.URL)
}

// TestAnAddressThatLeadsNowhereSaysSo also navigates back from it.
func TestAnAddressThatLeadsNowhereSaysSo(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL+"/#/library/flashcards/xyz", desktop)
	const gone = "document.querySelector('#opened h2')?.innerText === 'This is not in your library any more.'"
	w.until(gone)
	for _, address := range []string{"library/notes/xyz", "library/nothing/xyz/take"} {
		w.open("make")
		w.open(address)
		w.until(gone)
	}
	w.open("ask/xyz")
	w.until("document.querySelector('#ask-said').innerText === '' && !document.querySelector('#empty').hidden")
	eval[bool](w, "history.back(), true")
	w.until("!document.querySelector('#library').hidden && " + gone)
	eval[bool](w, "location.hash = '#/nowhere/at/all?x', true")
	w.until("!document.querySelector('#study').hidden && document.title.startsWith('Study')")
}

// TestAnAnswerNamesTheNotesThatItWasDrawnFrom uses a model that quotes nothing.
func TestAnAnswerNamesTheNotesThatItWasDrawnFrom(t *testing.T) {
	model := fakellm.New(fakellm.Options{Answer: func(fakellm.Request) string { return "It is about how cells drink." }})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, model.ServeHTTP)+"/v1")
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", "Osmosis in cells\nOsmosis is the movement of water through a membrane.")
	w.click("#keep")
	w.until("document.querySelector('#text').value === ''")
	w.say("What is osmosis?")
	w.until("document.querySelector('.said.assistant .source a')")
	w.audit("answer with notes")
	w.click(".said.assistant .source a")
	w.until("document.querySelector('#opened .reading')?.innerText.includes('movement of water')")
	w.quiet(s.URL)
}
