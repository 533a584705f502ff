package httpapi

import (
	"context"
	"fmt"
	"testing"

	"studysharper/app/study"
)

const session = "01890000-0000-7000-8000-000000000001"

// keep adds three rows to every list of the user u.
func (f *face) keep() {
	f.t.Helper()
	for i := range 3 {
		_, err := f.store.CreateNote(f.t.Context(), study.Note{UserID: "u", Title: fmt.Sprint(i)})
		if err == nil {
			_, err = f.store.SaveContent(f.t.Context(), study.Content{UserID: "u", Type: study.Quiz, Data: []byte("{}")})
		}
		if err == nil {
			v := study.Session{ID: session[:35] + fmt.Sprint(i+1), UserID: "u"}
			err = f.store.AppendMessages(f.t.Context(), v, make3(study.Message{Role: study.RoleUser, Text: "x"})...)
		}
		if err != nil {
			f.t.Fatal(err)
		}
		f.store.RecordExecution(study.Execution{RunID: fmt.Sprint(i), UserID: "u", Type: study.Chat})
	}
	ended, cancel := context.WithCancel(f.t.Context())
	cancel()
	if err := f.store.Run(ended); err != nil { // writes what was recorded
		f.t.Fatal(err)
	}
}

func make3[T any](v T) []T { return []T{v, v, v} }

func TestEveryListSaysHowItGoesOn(t *testing.T) {
	f := serve(t)
	f.keep()
	for path, field := range map[string]string{
		"/api/notes?user_id=u":                        "notes",
		"/api/ai/sessions?user_id=u":                  "sessions",
		"/api/ai/sessions/" + session + "/messages?":  "messages",
		"/api/ai/generated-content/quizzes?user_id=u": "items",
		"/api/admin/errors?":                          "errors",
		"/api/admin/user-activity/u?":                 "activity",
	} {
		first := f.ask("GET", path+"&limit=2", "", "X-Admin-Token", token).object(t)
		cursor, _ := first["next_cursor"].(string)
		if rows, _ := first[field].([]any); len(rows) != 2 || first["count"] != 2.0 || cursor == "" {
			t.Errorf("%s: %v, want two rows and a cursor", path, first)
			continue
		}
		rest := f.ask("GET", path+"&limit=2&before="+cursor, "", "X-Admin-Token", token).object(t)
		if rows, _ := rest[field].([]any); len(rows) != 1 || rest["next_cursor"] != nil || rest["status"] != "success" {
			t.Errorf("%s: %v, want the last row and no cursor", path, rest)
		}
		if r := f.ask("GET", path+"&before=x", "", "X-Admin-Token", token); r.StatusCode != 422 {
			t.Errorf("%s: an invalid cursor: %d %s", path, r.StatusCode, r.body)
		}
	}
}

func TestPreferencesAreReplacedAndRead(t *testing.T) {
	f := serve(t)
	const path = "/api/ai/preferences"
	for _, step := range []struct {
		method, query, body string
		status              int
		difficulty, detail  string
	}{
		{"GET", "?user_id=u", "", 200, "", ""},
		{"PUT", "", `{"user_id":"u","difficulty":"hard","detail":"short"}`, 200, "hard", "short"},
		{"PUT", "", `{"user_id":"u","difficulty":"easy"}`, 200, "easy", ""},
		{"PUT", "", `{"user_id":"u","difficulty":"terrible"}`, 422, "", ""},
		{"PUT", "", `{"difficulty":"easy"}`, 422, "", ""},
		{"PUT", "", `[]`, 400, "", ""},
		{"GET", "", "", 422, "", ""},
		{"GET", "?user_id=u", "", 200, "easy", ""},
	} {
		r := f.ask(step.method, path+step.query, step.body)
		if r.StatusCode != step.status {
			t.Errorf("%+v: status %d", step, r.StatusCode)
			continue
		}
		if kept, _ := r.object(t)["preferences"].(map[string]any); step.status == 200 &&
			(kept["user_id"] != "u" || kept["difficulty"] != step.difficulty || kept["detail"] != step.detail) {
			t.Errorf("%+v: %v", step, kept)
		}
	}
}
