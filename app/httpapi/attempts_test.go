package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"studysharper/app/limit"
	"studysharper/app/study"
)

// keepQuiz saves a quiz of ada's with a question of each type, and returns the path of its attempts.
func (f *face) keepQuiz() (path, id string) {
	f.t.Helper()
	set := &study.QuizSet{TotalPoints: 25, EstimatedTimeMinutes: 3, Quiz: study.QuizBody{Title: "Cells", Questions: []study.Question{
		{Type: study.MultipleChoice, Question: "Which?", Options: []string{"Golgi", "Nucleus", "Ribosome", "Vacuole"}, CorrectAnswer: "Nucleus", Points: 10, Origin: study.Origin{ID: "mc"}},
		{Type: study.TrueFalse, Question: "Is it?", CorrectAnswer: false, Points: 5, Origin: study.Origin{ID: "tf"}},
		{Type: study.ShortAnswer, Question: "Where?", AcceptableAnswers: []string{"Mitochondria"}, Points: 10, Origin: study.Origin{ID: "sa"}},
	}}}
	data, err := json.Marshal(set)
	if err != nil {
		f.t.Fatal(err)
	}
	c, err := f.store.SaveContent(f.t.Context(), study.Content{UserID: "ada", Type: study.Quiz, Title: "Cells", Data: data})
	if err != nil {
		f.t.Fatal(err)
	}
	return "/api/ai/generated-content/quizzes/" + c.ID + "/attempts", c.ID
}

const threeAnswers = `{"answers":[{"item_id":"mc","answer":"nucleus"},{"item_id":"tf","answer":true},{"item_id":"sa","answer":"in the mitochondria"}],"duration_ms":90000}`

func TestAnAttemptIsGradedKeptAndOverruled(t *testing.T) {
	f := serve(t)
	path, id := f.keepQuiz()
	r := f.ask("POST", path+"?user_id=ada", threeAnswers)
	got := r.object(t)
	if r.StatusCode != 201 || r.Header.Get("Location") != path+"/1" || got["n"] != 1.0 || got["points"] != 10.0 || got["total_points"] != 25.0 || fmt.Sprint(got["wrong"]) != "[tf sa]" ||
		got["content_id"] != id || got["duration_ms"] != 90000.0 || got["warnings"] != nil || fmt.Sprint(got["topics"]) != "map[Cells:map[points:10 possible:25]]" {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if r = f.ask("PATCH", path+"/1", `{"item_id":"sa","correct":true}`); r.StatusCode != 200 || r.object(t)["points"] != 20.0 || !strings.Contains(string(r.body), `"checked_by":"student"`) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	again := f.ask("POST", path, `{"answers":[{"item_id":"tf","answer":"false"}]}`)
	if got := again.object(t); again.StatusCode != 201 || got["user_id"] != "ada" || got["points"] != 5.0 || got["total_points"] != 5.0 {
		t.Errorf("the wrong one again: %d %s", again.StatusCode, again.body)
	}
	one := f.ask("GET", path+"/1?user_id=ada", "")
	if string(one.body) != string(r.body) {
		t.Errorf("kept %s", one.body)
	}
	list := f.ask("GET", path+"?user_id=ada&limit=1", "").object(t)
	first := list["attempts"].([]any)[0].(map[string]any)
	if list["count"] != 1.0 || first["n"] != 2.0 {
		t.Fatalf("%v", list)
	}
	rest := f.ask("GET", path+"?before="+list["next_cursor"].(string), "").object(t)
	if rest["count"] != 1.0 || rest["attempts"].([]any)[0].(map[string]any)["n"] != 1.0 || rest["next_cursor"] != nil {
		t.Errorf("%v", rest)
	}
}

func TestAttemptsThatCannotBe(t *testing.T) {
	f := serve(t)
	path, id := f.keepQuiz()
	f.ask("POST", path, threeAnswers)
	deck, err := f.store.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Flashcards, Data: []byte(`{"flashcards":[],"total_count":0,"topics_covered":[]}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", path, `{"answers":[]}`, 422},
		{"POST", path, `{}`, 422},
		{"POST", path, `{"answers":[{"item_id":"mc","answer":"a"},{"item_id":"mc","answer":"a"}]}`, 422},
		{"POST", path, `{"answers":[{"item_id":"nothing"}]}`, 422},
		{"POST", path, `{"answers":[{"item_id":"sa","answer":{"a":1}}]}`, 422},
		{"POST", path, `{"answers":[{"item_id":"sa","answer":"x"}],"duration_ms":-1}`, 422},
		{"POST", path, `{"answers":"all"}`, 422},
		{"POST", path, `[`, 400},
		{"POST", path + "?user_id=bob", threeAnswers, 404},
		{"POST", "/api/ai/generated-content/exams/" + id + "/attempts", threeAnswers, 404},
		{"POST", "/api/ai/generated-content/flashcards/" + deck.ID + "/attempts", threeAnswers, 404},
		{"POST", "/api/ai/generated-content/quizzes/" + anID + "/attempts", threeAnswers, 404},
		{"GET", path + "?user_id=bob", "", 404},
		{"GET", path + "?before=x", "", 422},
		{"GET", path + "/1?user_id=bob", "", 404},
		{"GET", path + "/2", "", 404},
		{"GET", path + "/0", "", 422},
		{"GET", path + "/x", "", 422},
		{"PATCH", path + "/1?user_id=bob", `{"item_id":"sa","correct":true}`, 404},
		{"PATCH", path + "/1", `{"item_id":"mc","correct":true}`, 422},
		{"PATCH", path + "/1", `{"item_id":"nothing","correct":true}`, 422},
		{"PATCH", path + "/1", `{"item_id":"sa"}`, 422},
		{"PATCH", path + "/9", `{"item_id":"sa","correct":true}`, 404},
	} {
		if r := f.ask(c.method, c.path, c.body); r.StatusCode != c.status {
			t.Errorf("%s %s %s: %d %s, want %d", c.method, c.path, c.body, r.StatusCode, r.body, c.status)
		}
	}
	if got := f.ask("GET", path, "").object(t); got["count"] != 1.0 {
		t.Errorf("kept %v", got)
	}
}

func TestTheModelGradesWhatRulesCallWrong(t *testing.T) {
	f := serve(t, func(o *Options) { o.Provider, o.Admission.Calls = "openai", &limit.Runs{} })
	path, _ := f.keepQuiz()
	for _, c := range []struct {
		name    string
		grades  map[string]bool
		err     error
		points  float64
		by      string
		warning bool
	}{
		{"right", map[string]bool{"sa": true}, nil, 20, "m-1", false},
		{"wrong", map[string]bool{"sa": false}, nil, 10, "m-1", false},
		{"not said", map[string]bool{}, nil, 10, "rules", true},
		{"the model fails", nil, study.Errorf(study.CodeUpstreamFailed, "no"), 10, "rules", true},
		{"over a limit", nil, &study.Error{Code: study.CodeRateLimited, Message: "too many"}, 10, "rules", true},
	} {
		f.runs.grade = func(q study.Request, answers []study.OpenAnswer) (map[string]bool, string, error) {
			if q.UserID != "ada" || len(q.Clients) == 0 || len(answers) != 1 || answers[0].ItemID != "sa" || answers[0].Answer != "in the mitochondria" {
				t.Errorf("asked %+v of %+v", answers, q)
			}
			return c.grades, "m-1", c.err
		}
		r := f.ask("POST", path+"?user_id=ada", threeAnswers)
		got := r.object(t)
		by := got["answers"].([]any)[2].(map[string]any)["checked_by"]
		if r.StatusCode != 201 || got["points"] != c.points || by != c.by || (got["warnings"] != nil) != c.warning {
			t.Errorf("%s: %d %s", c.name, r.StatusCode, r.body)
		}
	}
	f.runs.grade = nil // the model is not called if the rules suffice, or for blank answers
	if r := f.ask("POST", path, `{"answers":[{"item_id":"sa","answer":" the MITOCHONDRIA!"},{"item_id":"mc","answer":"Golgi"}]}`); r.StatusCode != 201 || r.object(t)["points"] != 10.0 {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if r := f.ask("POST", path, `{"answers":[{"item_id":"sa","answer":null},{"item_id":"mc"}]}`); r.StatusCode != 201 || fmt.Sprint(r.object(t)["wrong"]) != "[mc sa]" {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

func TestAnAttemptThatIsSentTwiceIsKeptOnce(t *testing.T) {
	f := serve(t)
	path, _ := f.keepQuiz()
	first := f.ask("POST", path+"?user_id=ada", threeAnswers, keyHeader, "k")
	again := f.ask("POST", path+"?user_id=ada", threeAnswers, keyHeader, "k")
	if string(first.body) != string(again.body) || again.StatusCode != 201 || again.Header.Get(replayed) != "true" || again.Header.Get("Location") != path+"/1" {
		t.Errorf("%s, then %d %s", first.body, again.StatusCode, again.body)
	}
	if got := f.ask("GET", path, "").object(t); got["count"] != 1.0 {
		t.Errorf("kept %v", got)
	}
}
