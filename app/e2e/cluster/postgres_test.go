package cluster_test

import (
	"bytes"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/store/postgrestest"
)

func TestTheServiceKeepsEverythingInPostgreSQLAndOutlivesItsAbsence(t *testing.T) {
	server := postgrestest.Start(t)
	s := servicetest.Start(t, "DATABASE_URL="+server.Database(t))
	status, note := s.Ask("POST", "/api/notes", `{"user_id":"ada","title":"Light","content":"Chlorophyll absorbs blue light. Carotene absorbs violet light."}`)
	if status != 201 {
		t.Fatalf("%d %v", status, note)
	}
	status, made := s.Ask("POST", "/api/ai/process", `{"type":"flashcard_generation","user_id":"ada","message":"cards on chlorophyll","explicit_note_ids":["`+note["id"].(string)+`"],"options":{"count":1}}`)
	if status != 200 {
		t.Fatalf("%d %v", status, made)
	}
	if _, got := s.Ask("GET", "/api/ai/content-stats/ada", ""); got["total_items"] != 1.0 {
		t.Errorf("kept: %v", got)
	}
	server.Stop(t)
	s.Eventually("not ready without a database", func() bool { status, _ := s.Ask("GET", "/readyz", ""); return status == 503 })
	if status, got := s.Ask("GET", "/api/notes?user_id=ada", ""); status != 503 {
		t.Errorf("a listing without a database: %d %v", status, got)
	}
	server.Resume(t)
	s.Eventually("ready again", func() bool { status, _ := s.Ask("GET", "/readyz", ""); return status == 200 })
	s.Eventually("both workers find the note", func() bool { // each has its own connection pool
		_, first := s.Ask("GET", "/api/notes?user_id=ada&q=chlorophyll", "")
		_, second := s.Ask("GET", "/api/notes?user_id=ada&q=chlorophyll", "")
		return first["count"] == 1.0 && second["count"] == 1.0
	})
	if strings.Contains(s.Log.String(), postgrestest.Password) {
		t.Errorf("the password was logged:\n%s", s.Log)
	}
}

func TestADatabaseThatCannotBeReachedStopsTheStartWithoutTellingItsPassword(t *testing.T) {
	cmd := servicetest.Program(t, []string{"PORT=0", "DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/x"}, "serve")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != servicetest.ExitBoot {
		t.Errorf("status %v, want %d", err, servicetest.ExitBoot)
	}
	if !strings.Contains(said.String(), "the database cannot be reached") || strings.Contains(said.String(), "hunter2") {
		t.Errorf("said:\n%s", &said)
	}
}
