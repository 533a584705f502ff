package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// refuseAids makes the database refuse new study aids, as one does whose disk is full.
func (s *service) refuseAids() {
	s.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "data", "studysharper.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TRIGGER refuse BEFORE INSERT ON contents BEGIN SELECT RAISE(FAIL, 'full'); END"); err != nil {
		s.t.Fatal(err)
	}
}

func TestAnAnswerThatCannotBeSavedSaysSo(t *testing.T) {
	s := start(t)
	s.refuseAids()
	const text = "Osmosis is the movement of water through a membrane. Diffusion is the movement of particles from high to low concentration. " +
		"A membrane is a thin layer that separates two fluids."
	body := request("flashcard_generation", "cards", map[string]any{"content": text, "count": 3})
	_, got := s.ask("POST", "/api/ai/agent-test", body)
	_, begun := s.ask("POST", "/api/ai/process-stream", body)
	events := s.watch(begun["stream_url"].(string))
	for how, result := range map[string]any{"plain": got["result"], "streamed": events[len(events)-1]} {
		r := result.(map[string]any)
		if saved, has := r["saved"]; !has || saved != false || !strings.Contains(fmt.Sprint(r["warnings"]), "not saved: ") {
			t.Errorf("%s: saved %v, warnings %v", how, saved, r["warnings"])
		}
	}
	w := visit(t, s.url, desktop)
	w.until("document.querySelector('#saved .hint')")
	w.fill("#text", text)
	w.make("flashcard_generation")
	if said := w.text("#result"); !strings.Contains(said, "not saved: the answer could not be kept") {
		t.Errorf("the desk shows no warning: %s", said)
	}
}
