package pages_test

import (
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"studysharper/app/e2e/servicetest"
)

func TestTheDeskMakesAnAccountByItselfAndShowsItsStudyCodeOnce(t *testing.T) {
	s := servicetest.Start(t, "AUTH_MODE=account")
	w := visit(t, s.URL, desktop)
	w.until("!document.querySelector('#code').hidden")
	w.until("!document.querySelector('#welcome').hidden")
	if code := w.text("#code output"); len(code) != 35 || strings.Count(code, "-") != 5 {
		t.Errorf("the study code is %q", code)
	}
	if n := w.requests("/api/account"); n > 3 {
		t.Errorf("%d requests about the account", n)
	}
	w.audit("study code")
	w.click("#code button")
	w.open("make")
	w.fill("#text", threeFacts)
	w.make("flashcard_generation")
	w.goTo(s.URL)
	w.until("document.querySelectorAll('#continue .entry').length === 1 && document.querySelector('#code').hidden")
	w.open("account")
	w.until("document.querySelectorAll('#account .entry').length === 1")
	w.audit("account")
	w.click("#account .sheet button")
	w.until("document.querySelector('dialog[open]')")
	w.click("dialog .main")
	w.until("!document.querySelector('#code').hidden")
	code := w.text("#code output")
	other := visit(t, s.URL, looks[2])
	other.until("!document.querySelector('#code').hidden")
	other.open("account")
	other.until("document.querySelector('#study-code')")
	other.fill("#study-code", code)
	other.click("#account form button")
	s.Eventually("the other device is listed", func() bool { // its page may be reloaded meanwhile
		w.open("study")
		w.open("account")
		return eval[int](w, "document.querySelectorAll('#account .entry').length") == 2
	})
	other.goTo(s.URL)
	other.until("document.querySelectorAll('#continue .entry').length === 1")
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

// TestGradesThatWaitAreSentAsTheirUserAlone grades as one user without the network, and then signs in as another with
// the same browser.
func TestGradesThatWaitAreSentAsTheirUserAlone(t *testing.T) {
	s := servicetest.Start(t, "JWT_SECRET="+servicetest.JWTSecret)
	l := lineTo(s)
	w := visit(t, l.url, desktop)
	signIn := func(user string) {
		t.Helper()
		w.until("!document.querySelector('#signin').hidden")
		w.fill("#token", servicetest.TokenOf(t, user, jwt.SigningMethodHS256, []byte(servicetest.JWTSecret)))
		w.click("#signin .quiet")
		w.until("document.querySelector('#signin').hidden")
	}
	leave := func() {
		t.Helper()
		eval[bool](w, "sessionStorage.clear(), true") // as if the tab was closed
		w.goTo(l.url + "/?again")
	}
	signIn("ada")
	w.tenCards()
	w.open("make")
	w.fill("#text", "a draft of Ada's")
	w.until("navigator.serviceWorker.controller")
	s.Eventually("the words are kept", func() bool { return strings.Contains(w.cached(), "/en.json") })
	w.open("study/review")
	w.atCard(10)
	l.shut()
	w.keys(" ", "3")
	w.atCard(9)
	w.until("document.querySelector('.wait').innerText === '1 grade waits for the network.'")
	leave()
	w.open("make")
	if text := eval[string](w, "document.querySelector('#text').value"); text != "" {
		t.Errorf("before anybody signed in, the page shows %q", text)
	}
	l.open()
	signIn("bob")
	w.open("study")
	w.until("!document.querySelector('#welcome').hidden")
	kept := eval[string](w, "JSON.stringify(localStorage)")
	if !strings.Contains(kept, "review waiting of jwt ada") || strings.Contains(kept, "draft of Ada") || strings.Contains(kept, "Osmosis") {
		t.Errorf("the browser keeps %s", kept)
	}
	leave()
	signIn("ada")
	w.until("!document.querySelector('#due-box').hidden && !JSON.stringify(localStorage).includes('review waiting')")
	w.open("study/review")
	w.atCard(9)
}
