package pages_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver

	"studysharper/app/e2e/servicetest"
)

// refuseAids makes the database refuse new study aids, as with a full disk.
func refuseAids(s *servicetest.Service) {
	s.T.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.Dir, "data", "studysharper.db"))
	if err != nil {
		s.T.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TRIGGER refuse BEFORE INSERT ON contents BEGIN SELECT RAISE(FAIL, 'full'); END"); err != nil {
		s.T.Fatal(err)
	}
}

func TestAnAnswerThatCannotBeSavedSaysSo(t *testing.T) {
	s := servicetest.Start(t)
	refuseAids(s)
	const text = "Osmosis is the movement of water through a membrane. Diffusion is the movement of particles from high to low concentration. " +
		"A membrane is a thin layer that separates two fluids."
	body := servicetest.Request("flashcard_generation", "cards", map[string]any{"content": text, "count": 3})
	_, got := s.Ask("POST", "/api/ai/agent-test", body)
	_, begun := s.Ask("POST", "/api/ai/process-stream", body)
	events := s.Watch(begun["stream_url"].(string))
	for how, result := range map[string]any{"plain": got["result"], "streamed": events[len(events)-1]} {
		r := result.(map[string]any)
		if saved, has := r["saved"]; !has || saved != false || !strings.Contains(fmt.Sprint(r["warnings"]), "not saved: ") {
			t.Errorf("%s: saved %v, warnings %v", how, saved, r["warnings"])
		}
	}
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", text)
	w.make("flashcard_generation")
	if said := w.text("#result"); !strings.Contains(said, "not saved: the answer could not be stored") {
		t.Errorf("the desk shows no warning: %s", said)
	}
}

// TestPlacesThatWereNotOpenedYetOpenWithoutTheNetwork checks that the service worker provides their modules.
func TestPlacesThatWereNotOpenedYetOpenWithoutTheNetwork(t *testing.T) {
	s := servicetest.Start(t)
	l := lineTo(s)
	w := visit(t, l.url, desktop)
	w.until("navigator.serviceWorker.controller")
	s.Eventually("the words are kept", func() bool { return strings.Contains(w.cached(), "/en.json") })
	eval[bool](w, "window.stays = true")
	l.shut()
	w.open("make")
	w.until("document.querySelector('#wishes input') && !document.querySelector('#away').hidden")
	w.open("library")
	w.until("document.querySelector('#kinds button')")
	l.open()
	w.until("document.querySelector('#away').hidden && document.querySelector('#library-said').innerText === 'What you make is kept here.'")
	if !eval[bool](w, "window.stays === true") {
		t.Error("the page was loaded again")
	}
}
