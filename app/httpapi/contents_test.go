package httpapi

import (
	"strings"
	"testing"

	"studysharper/app/study"
)

const aDeck = `{"flashcards":[{"question":"What is osmosis?","answer":"Diffusion of water","topic":"Cells","difficulty":"easy"}],"total_count":1,"topics_covered":["Cells"]}`

// put saves an aid of the user u and returns its path.
func (f *face) put(of study.Type, title, data string) (path, id string) {
	f.t.Helper()
	v, err := f.store.SaveContent(f.t.Context(), study.Content{UserID: "u", Type: of, Title: title, Data: []byte(data)})
	if err != nil {
		f.t.Fatal(err)
	}
	return "/api/ai/generated-content/" + study.ContentTypes()[of] + "/" + v.ID, v.ID
}

// want sends a request and requires a status.
func (f *face) want(status int, method, path, body string) map[string]any {
	f.t.Helper()
	r := f.ask(method, path, body)
	if r.StatusCode != status {
		f.t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, r.StatusCode, r.body, status)
	}
	if status == 204 {
		return nil
	}
	return r.object(f.t)
}

func TestADeckIsOpenedRenamedEditedMergedAndDeleted(t *testing.T) {
	f := serve(t)
	path, id := f.put(study.Flashcards, "Cells", aDeck)
	if got := f.want(200, "GET", path+"?user_id=u", ""); got["title"] != "Cells" || got["content_type"] != "flashcards" || got["item_count"] != 1.0 || got["data"] == nil {
		t.Errorf("opened: %v", got)
	}
	if got := f.want(200, "PATCH", path, `{"title":"Water","subject":"Biology"}`); got["title"] != "Water" || got["subject"] != "Biology" {
		t.Errorf("renamed: %v", got)
	}
	f.want(422, "PATCH", path, `{"title":" "}`)
	r := f.ask("POST", path+"/items", `{"question":"What is a vacuole?","answer":"A bag"}`)
	added := r.object(t)["id"].(string)
	if at := r.Header.Get("Location"); r.StatusCode != 201 || at != path+"/items/"+added {
		t.Errorf("added: %d at %s, %s", r.StatusCode, at, r.body)
	}
	if got := f.want(200, "PATCH", path+"/items/1", `{"answer":"Water moving"}`); got["answer"] != "Water moving" || got["question"] != "What is osmosis?" || got["id"] != "1" {
		t.Errorf("changed: %v", got)
	}
	f.faulty("POST", path+"/items", `{"question":"What?"}`, "answer")
	f.faulty("PATCH", path+"/items/1", `{"answr":"x"}`, "answr")
	f.want(404, "PATCH", path+"/items/none", `{"answer":"x"}`)
	f.want(204, "DELETE", path+"/items/1", "")
	f.want(404, "DELETE", path+"/items/1", "")
	_, other := f.put(study.Flashcards, "More", strings.Replace(aDeck, "osmosis", "diffusion", 1))
	if got := f.want(200, "POST", path+"/merge", `{"from":["`+other+`"]}`); got["item_count"] != 2.0 || got["id"] != id {
		t.Errorf("merged: %v", got)
	}
	f.faulty("POST", path+"/merge", `{"from":[]}`, "from")
	f.want(204, "DELETE", path, "")
	f.want(404, "GET", path, "")
}

func TestTheLibraryIsListedOverAllKinds(t *testing.T) {
	f := serve(t)
	f.put(study.Flashcards, "Cells", aDeck)
	f.put(study.Analysis, "My notes", `{"analysis":{"strengths":["clear"],"gaps":[],"key_concepts":["osmosis"],"suggestions":["read"]}}`)
	f.put(study.Plan, "A week", `{"plan":{"title":"A week","sessions":[{"day":1,"topic":"Roots","activities":["read"],"minutes":30}]}}`)
	const base = "/api/ai/generated-content"
	for query, want := range map[string]float64{"": 3, "&q=osmosis": 2, "&q=roots": 1, "&subject=x": 0, "&limit=2": 2} {
		got := f.want(200, "GET", base+"?user_id=u"+query, "")
		if got["count"] != want {
			t.Errorf("%q: %v, want %v", query, got["count"], want)
		}
		for _, item := range got["items"].([]any) {
			if _, has := item.(map[string]any)["data"]; has {
				t.Errorf("%q: an item with its data", query)
			}
		}
	}
	for kind, want := range map[string]float64{"plans": 1, "analyses": 1, "flashcards": 1, "quizzes": 0} {
		if got := f.want(200, "GET", base+"/"+kind+"?user_id=u", ""); got["count"] != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
	f.want(404, "GET", base+"/poems?user_id=u", "")
	f.want(422, "GET", base, "")
	if stats := f.want(200, "GET", "/api/ai/content-stats/u", ""); stats["total_items"] != 3.0 {
		t.Errorf("stats %v", stats)
	}
}

func TestAnothersAidIsNotThere(t *testing.T) {
	f := serve(t)
	path, _ := f.put(study.Flashcards, "Cells", aDeck)
	_, other := f.put(study.Flashcards, "More", aDeck)
	for _, another := range []struct{ method, path, body string }{
		{"GET", "", ""}, {"PATCH", "", `{"title":"x"}`}, {"DELETE", "", ""}, {"POST", "/items", `{"question":"a?","answer":"b"}`},
		{"PATCH", "/items/1", `{"answer":"x"}`}, {"DELETE", "/items/1", ""}, {"POST", "/merge", `{"from":["` + other + `"]}`},
	} {
		f.want(404, another.method, path+another.path+"?user_id=v", another.body)
		f.want(404, another.method, strings.Replace(path, "flashcards", "quizzes", 1)+another.path+"?user_id=u", another.body)
		f.want(422, another.method, "/api/ai/generated-content/flashcards/x"+another.path, another.body)
	}
	if got := f.want(200, "GET", path, ""); got["title"] != "Cells" || got["item_count"] != 1.0 {
		t.Errorf("it is now %v", got)
	}
}

func TestANoteHasASubjectAndTags(t *testing.T) {
	f := serve(t)
	made := f.want(201, "POST", "/api/notes", `{"user_id":"u","content":"x","subject":"Biology","tags":["exam"]}`)
	path := "/api/notes/" + made["id"].(string)
	if got := f.want(200, "PATCH", path, `{"tags":["a","b"]}`); got["subject"] != "Biology" || len(got["tags"].([]any)) != 2 {
		t.Errorf("%v", got)
	}
	f.want(201, "POST", "/api/notes", `{"user_id":"u","content":"y"}`)
	if got := f.want(200, "GET", "/api/notes?user_id=u&subject=Biology", ""); got["count"] != 1.0 {
		t.Errorf("%v", got)
	}
	f.faulty("PATCH", path, `{"tags":[""]}`, "tags")
}
