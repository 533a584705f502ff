package pages_test

import (
	"strings"
	"testing"

	"studysharper/app/testkit/servicetest"
)

func TestTheDeskMakesAnAccountByItselfAndShowsItsStudyCodeOnce(t *testing.T) {
	s := servicetest.Start(t, "AUTH_MODE=account")
	w := visit(t, s.URL, desktop)
	w.until("!document.querySelector('#code').hidden")
	w.until("document.querySelector('#saved .hint')")
	if code := w.text("#code output"); len(code) != 29 || strings.Count(code, "-") != 4 {
		t.Errorf("the study code is %q", code)
	}
	if n := w.requests("/api/account"); n > 3 {
		t.Errorf("%d requests about the account", n)
	}
	w.audit("study code")
	w.click("#code button")
	w.fill("#text", "Osmosis is the movement of water through a membrane. Diffusion is the movement of particles.")
	w.make("flashcard_generation")
	w.until("document.querySelectorAll('#saved .item').length === 1")
	w.goTo(s.URL)
	w.until("document.querySelectorAll('#saved .item').length === 1 && document.querySelector('#code').hidden")
	if strings.Contains(s.Log.String(), "ticket=") {
		t.Error("the log has the address of a stream")
	}
}

func TestTheDeskWarnsWhereNobodyIsChecked(t *testing.T) {
	s := servicetest.Start(t, "ENVIRONMENT=production", "AUTH_MODE=none")
	w := visit(t, s.URL, desktop)
	w.until("!document.querySelector('#warning').hidden && document.querySelector('#warning').innerText.includes('anyone can read')")
	w.audit("warning")
}
