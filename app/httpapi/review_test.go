package httpapi

import (
	"fmt"
	"testing"

	"studysharper/app/study"
)

func TestACardIsReviewedUndoneSuspendedAndReset(t *testing.T) {
	f := serve(t)
	f.put(study.Flashcards, "Cells", aDeck)
	const queue = "/api/review/queue?user_id=u"
	first := f.want(200, "GET", queue, "")
	cards := first["cards"].([]any)
	if len(cards) != 1 || first["counts"].(map[string]any)["new"] != 1.0 {
		t.Fatalf("queue: %v", first)
	}
	card := cards[0].(map[string]any)
	if i := card["intervals"].(map[string]any); card["question"] != "What is osmosis?" || card["state"] != "new" || i["again"] != 60.0 || i["good"] != 600.0 {
		t.Errorf("card: %v", card)
	}
	path := "/api/review/" + card["card_id"].(string)
	body := fmt.Sprintf(`{"rating":3,"review_id":%q,"duration_ms":1500}`, newID())
	once := f.want(200, "POST", path+"?user_id=u", body)
	again := f.want(200, "POST", path+"?user_id=u", body)
	if once["state"] != "learning" || once["reps"] != 1.0 || fmt.Sprint(once) != fmt.Sprint(again) {
		t.Errorf("reviewed: %v and %v", once, again)
	}
	id := newID()
	if got := f.want(200, "POST", path, fmt.Sprintf(`{"rating":4,"review_id":%q}`, id)); got["state"] != "review" {
		t.Errorf("easy: %v", got)
	}
	stats := f.want(200, "GET", "/api/review/stats?user_id=u&days=7", "")
	if days := stats["due_by_day"].([]any); stats["reviews"] != 2.0 || stats["streak_days"] != 1.0 || len(days) != 7 || stats["retention"] != nil {
		t.Errorf("stats: %v", stats)
	}
	if got := f.want(200, "DELETE", path+"/"+id, ""); got["state"] != "learning" || got["reps"] != 1.0 {
		t.Errorf("undone: %v", got)
	}
	f.want(404, "DELETE", path+"/"+id, "")
	f.want(409, "POST", path, fmt.Sprintf(`{"rating":3,"review_id":%q,"reviewed_at":"2000-01-01T00:00:00Z"}`, newID()))
	if got := f.want(200, "POST", path+"/suspend", `{}`); got["suspended"] != true {
		t.Errorf("suspended: %v", got)
	}
	const suspended = "/api/review/suspended?user_id=u"
	if got := f.want(200, "GET", suspended, "")["cards"].([]any); len(got) != 1 || got[0].(map[string]any)["card_id"] != card["card_id"] || got[0].(map[string]any)["question"] != card["question"] {
		t.Errorf("suspended cards: %v", got)
	}
	for _, query := range []string{suspended + "&deck=" + newID(), "/api/review/suspended?user_id=another"} {
		if got := f.want(200, "GET", query, "")["cards"].([]any); len(got) != 0 {
			t.Errorf("%s: %v", query, got)
		}
	}
	if got := f.want(200, "POST", path+"/suspend", `{"suspended":false}`); got["suspended"] != false {
		t.Errorf("put back: %v", got)
	}
	if got := f.want(200, "GET", suspended, "")["cards"].([]any); len(got) != 0 {
		t.Errorf("suspended cards: %v", got)
	}
	if got := f.want(200, "POST", path+"/reset", ""); got["state"] != "new" {
		t.Errorf("reset: %v", got)
	}
	f.faulty("POST", path, `{"rating":5,"review_id":"x"}`, "rating", "review_id")
	f.faulty("POST", path, fmt.Sprintf(`{"rating":3,"review_id":%q,"reviewed_at":"2100-01-01T00:00:00Z"}`, newID()), "reviewed_at")
	f.faulty("GET", queue+"&deck=x", "", "deck")
	f.faulty("GET", "/api/review/queue", "", "user_id")
	f.faulty("GET", suspended+"&deck=x", "", "deck")
}

func TestAnothersCardIsNotThere(t *testing.T) {
	f := serve(t)
	f.put(study.Flashcards, "Cells", aDeck)
	card := f.want(200, "GET", "/api/review/queue?user_id=u", "")["cards"].([]any)[0].(map[string]any)["card_id"].(string)
	for path, method := range map[string]string{"": "POST", "/suspend": "POST", "/reset": "POST", "/" + newID(): "DELETE"} {
		body := ""
		switch path {
		case "/suspend":
			body = `{}`
		case "":
			body = fmt.Sprintf(`{"rating":3,"review_id":%q}`, newID())
		}
		f.want(404, method, "/api/review/"+card+path+"?user_id=v", body)
	}
	if got := f.want(200, "GET", "/api/review/queue?user_id=v", ""); len(got["cards"].([]any)) != 0 {
		t.Errorf("another's queue: %v", got)
	}
}

func TestReviewSettingsAreChangedInPart(t *testing.T) {
	f := serve(t)
	const path = "/api/review/settings"
	if got := f.want(200, "GET", path+"?user_id=u", ""); got["desired_retention"] != .9 || got["new_per_day"] != 20.0 {
		t.Errorf("defaults: %v", got)
	}
	if got := f.want(200, "PUT", path, `{"user_id":"u","new_per_day":0}`); got["desired_retention"] != .9 || got["new_per_day"] != 0.0 {
		t.Errorf("changed: %v", got)
	}
	f.put(study.Flashcards, "Cells", aDeck)
	if got := f.want(200, "GET", "/api/review/queue?user_id=u", ""); len(got["cards"].([]any)) != 0 {
		t.Errorf("no new cards a day: %v", got)
	}
	f.faulty("PUT", path, `{"user_id":"u","desired_retention":0.5}`, "desired_retention")
	f.faulty("PUT", path, `{"user_id":"u","desired_retention":"high"}`, "desired_retention")
	f.faulty("PUT", path, `{}`, "user_id")
}
