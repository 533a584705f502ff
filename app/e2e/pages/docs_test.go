package pages_test

import (
	"fmt"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
)

func TestTheAPIPageShowsEveryOperation(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL+"/docs", desktop)
	total := len(servicetest.Document().Operations())
	w.until(fmt.Sprintf("document.querySelector('#found').innerText === '%d operations'", total))
	if n := eval[int](w, "document.querySelectorAll('.op').length"); n != total {
		t.Errorf("%d operations of %d", n, total)
	}
	eval[bool](w, "document.querySelectorAll('.op').forEach((op) => { op.open = true }), true")
	w.until("[...document.querySelectorAll('.op')].every((op) => op.querySelector('pre')?.innerText.startsWith('curl '))")
	eval[bool](w, "document.querySelectorAll('.op details').forEach((box) => { box.open = true }), true")
	w.until("document.querySelectorAll('.op details pre').length > 50")
	if text := w.text("#groups"); strings.Contains(text, "undefined") || strings.Contains(text, "[object") {
		t.Errorf("the page says %.300s", text[max(0, strings.Index(text, "undefined")-100):])
	}
	w.quiet(s.URL)
}

func TestTheAPIPageIsSearchedAndLinkedTo(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL+"/docs#createNote", desktop)
	w.until("document.querySelector('#createNote')?.open")
	text := w.text("#createNote")
	for _, want := range []string{"POST", "/api/notes", "Idempotency-Key", "content", "required", "at most 200 characters", `"subject": "Biology"`,
		"curl -X POST '" + s.URL + "/api/notes'", "201", "422", "well formed but invalid"} {
		if !strings.Contains(text, want) {
			t.Errorf("the operation does not show %q: %s", want, text)
		}
	}
	w.audit("docs")
	w.fill("#find", "review UNDO")
	w.until("document.querySelector('#found').innerText.startsWith('1 of ')")
	if shown := eval[string](w, "[...document.querySelectorAll('.op')].filter((op) => op.checkVisibility()).map((op) => op.id).join()"); shown != "undoReview" {
		t.Errorf("the search shows %s", shown)
	}
	w.fill("#find", "nothing of the kind")
	w.until("document.querySelector('#found').innerText.startsWith('0 of ')")
	w.quiet(s.URL)
}
