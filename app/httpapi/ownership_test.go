package httpapi

import (
	"strings"
	"testing"

	"studysharper/app/study"
)

// faulty sends a request and requires 422 with faults of exactly these fields.
func (f *face) faulty(method, path, body string, fields ...string) {
	f.t.Helper()
	r := f.ask(method, path, body)
	var named []string
	faults, _ := r.object(f.t)["faults"].([]any)
	for _, fault := range faults {
		named = append(named, fault.(map[string]any)["field"].(string))
	}
	if r.StatusCode != 422 || strings.Join(named, " ") != strings.Join(fields, " ") {
		f.t.Errorf("%s %s %s: %d %v, want 422 naming %v", method, path, body, r.StatusCode, named, fields)
	}
}

func TestEveryFieldThatIsWrongOrUnknownIsNamed(t *testing.T) {
	f := serve(t)
	id := f.ask("POST", "/api/notes", `{"user_id":"u","title":"a","content":"b"}`).object(t)["id"].(string)
	f.faulty("POST", "/api/ai/feedback", `{}`, "user_id", "rating", "content_type", "content_id")
	f.faulty("POST", "/api/ai/feedback?user_id=u", `{"content_type":"quizes","content_id":"`+session+`","rating":1}`, "content_type") //nolint:misspell // misspelt on purpose
	f.faulty("POST", "/api/ai/feedback?user_id=u", `{"content_type":"quizzes","content_id":"`+session+`","rating":1,"isues":[]}`, "isues")
	f.faulty("POST", "/api/notes", `{"user_id":"u","content":"b","titel":"a"}`, "titel")
	f.faulty("PUT", "/api/ai/preferences", `{"user_id":"u","dificulty":"hard"}`, "dificulty") //nolint:misspell // misspelt on purpose
	f.faulty("PATCH", "/api/notes/"+id, `{"contents":"c","id":"x"}`, "contents", "id")
	f.faulty("PATCH", "/api/notes/"+id, `{"a secret text":"c"}`, "(unnamed)")
	f.faulty("PATCH", "/api/notes/"+id, `{"content":""}`, "content")
	f.faulty("PATCH", "/api/notes/"+id, `{"content":" \n"}`, "content")
	f.faulty("PATCH", "/api/notes/"+id+"?user_id=u", `{"user_id":"v","title":"c"}`, "user_id")
	if note := f.ask("GET", "/api/notes/"+id, "").object(t); note["title"] != "a" || note["content"] != "b" {
		t.Errorf("the note is now %v", note)
	}
	if r := f.ask("PATCH", "/api/notes/"+id, `{"title":""}`); r.StatusCode != 200 || r.object(t)["content"] != "b" {
		t.Errorf("a note without a title: %d %s", r.StatusCode, r.body)
	}
}

// TestAnothersThingIsNotThere is for requests without user authentication: a request with a user_id gets only that
// user's data, and a request without one is not checked, as in the original API.
func TestAnothersThingIsNotThere(t *testing.T) {
	f := serve(t)
	id := f.ask("POST", "/api/notes", `{"user_id":"u","title":"a","content":"b"}`).object(t)["id"].(string)
	if err := f.store.AppendMessages(t.Context(), study.Session{ID: session, UserID: "u"}, study.Message{Role: study.RoleUser, Text: "x"}); err != nil {
		t.Fatal(err)
	}
	for _, another := range []struct{ method, path, body string }{
		{"GET", "/api/notes/" + id + "?user_id=v", ""},
		{"PATCH", "/api/notes/" + id + "?user_id=v", `{"title":"v"}`},
		{"PATCH", "/api/notes/" + id, `{"title":"v","user_id":"v"}`},
		{"DELETE", "/api/notes/" + id + "?user_id=v", ""},
		{"GET", "/api/ai/sessions/" + session + "?user_id=v", ""},
		{"GET", "/api/ai/sessions/" + session + "/messages?user_id=v", ""},
		{"GET", "/api/ai/stream/" + session + "?user_id=v", ""},
		{"DELETE", "/api/ai/sessions/" + session + "?user_id=v", ""},
		{"POST", "/api/ai/process", `{"type":"chat","user_id":"v","message":"hi","session_id":"` + session + `"}`},
		{"POST", "/api/ai/process-stream", `{"type":"chat","user_id":"v","message":"hi","session_id":"` + session + `"}`},
		{"GET", "/api/ai/sessions/" + session[:35] + "9/messages", ""},
	} {
		if r := f.ask(another.method, another.path, another.body); r.StatusCode != 404 {
			t.Errorf("%+v: %d %s", another, r.StatusCode, r.body)
		}
	}
	for _, own := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/ai/sessions/" + session + "/messages?user_id=u", 200},
		{"GET", "/api/ai/sessions/" + session + "/messages", 200},
		{"GET", "/api/ai/sessions/" + session + "?user_id=u", 200},
		{"DELETE", "/api/ai/sessions/" + session, 204},
		{"DELETE", "/api/notes/" + id, 204},
	} {
		if r := f.ask(own.method, own.path, ""); r.StatusCode != own.status {
			t.Errorf("%+v: %d %s", own, r.StatusCode, r.body)
		}
	}
}

func TestADateThatIsNotThereIsLeftOut(t *testing.T) {
	f := serve(t)
	for _, path := range []string{"/api/ai/preferences?user_id=u", "/api/notes?user_id=u", "/api/ai/sessions?user_id=u"} {
		if r := f.ask("GET", path, ""); r.StatusCode != 200 || strings.Contains(string(r.body), "0001-") {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.body)
		}
	}
}
