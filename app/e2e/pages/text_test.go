package pages_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

// nasty is text that would be executed if it were interpreted as markup.
const nasty = `<img src=x onerror="window.planted=1"><script>window.planted=1</script>` +
	`<svg onload="window.planted=1"></svg>"><a href="javascript:window.planted=1">**<b>osmosis</b>**</a>`

// unharmed checks that the page has not interpreted any text as markup, and that it shows the text.
func (w *window) unharmed(selector string) {
	w.t.Helper()
	w.until("document.querySelector('" + selector + "')?.innerText.includes('onerror=')")
	if n := eval[int](w, "document.querySelectorAll('img:not(.brand img), a[href^=javascript], [onerror], [onload], main script, main b, main svg, main iframe').length"); n != 0 {
		w.t.Errorf("%d elements in %s are the text's", n, selector)
	}
	if eval[bool](w, "'planted' in window") {
		w.t.Errorf("the text of %s was run", selector)
	}
}

func TestNotesAndWhatIsMadeOfThemAreShownAsText(t *testing.T) {
	s := servicetest.Start(t)
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", nasty+"\nOsmosis is the movement of "+nasty+" through a membrane.")
	w.click("#keep")
	w.unharmed("#notes label")
	user := eval[string](w, "localStorage.getItem('user')")
	body, err := json.Marshal(map[string]string{"user_id": user, "title": nasty, "content": nasty})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := s.Ask("POST", "/api/notes", string(body)); status != 201 {
		t.Fatalf("the note was answered %d", status)
	}
	w.goTo(s.URL)
	w.open("make")
	w.until("document.querySelectorAll('#notes label').length === 2")
	w.unharmed("#notes")
	w.click("#notes a")
	w.until("document.querySelector('#opened .reading')")
	w.unharmed("#opened")
	w.quiet(s.URL)
}

// answers returns the answers of a model that was told to attack the page, by type.
func answers() map[string]any {
	question := func(points int) map[string]any {
		return map[string]any{"type": "multiple_choice", "question": nasty, "options": []string{nasty, "b", "c", "d"},
			"correct_answer": nasty, "explanation": nasty, "points": points}
	}
	return map[string]any{
		"flashcard_generation": map[string]any{"flashcards": []any{map[string]any{"question": nasty, "answer": "A " + nasty, "topic": nasty, "difficulty": "easy"}},
			"total_count": 1, "topics_covered": []string{nasty}},
		"quiz_generation": map[string]any{"quiz": map[string]any{"title": nasty, "questions": []any{question(1)}}, "total_points": 1, "estimated_time_minutes": 1},
		"exam_generation": map[string]any{"exam": map[string]any{"title": nasty, "duration_minutes": 60, "total_points": 100,
			"sections": []any{map[string]any{"section_name": nasty, "instructions": nasty, "time_estimate_minutes": 60, "questions": []any{question(100)}}}}},
		"summary_generation": map[string]any{"summary": map[string]any{"title": nasty, "text": nasty, "main_points": []any{map[string]any{"point": nasty, "details": nasty, "importance": "high"}},
			"key_terms": []any{map[string]any{"term": nasty, "definition": nasty}}}, "word_count": 9, "estimated_reading_time_minutes": 1},
		"study_plan":    map[string]any{"plan": map[string]any{"title": nasty, "sessions": []any{map[string]any{"day": 1, "topic": nasty, "activities": []string{nasty}, "minutes": 5}}}},
		"note_analysis": map[string]any{"analysis": map[string]any{"strengths": []string{nasty}, "gaps": []string{nasty}, "key_concepts": []string{nasty}, "suggestions": []string{nasty}}},
	}
}

// attack returns the model's answer: full marks for a call that judges an aid, and every aid at once for any other
// call.
func attack(t *testing.T) func(fakellm.Request) string {
	t.Helper()
	all := map[string]any{}
	for _, data := range answers() {
		maps.Copy(all, data.(map[string]any))
	}
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return func(r fakellm.Request) string {
		if r.Checks() {
			return fakellm.StudyAnswer(r)
		}
		return string(raw)
	}
}

func TestEveryAidOfAModelIsShownAsText(t *testing.T) {
	upstream := fakellm.New(fakellm.Options{Answer: attack(t)})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, upstream.ServeHTTP)+"/v1")
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", nasty+"\nOsmosis is "+nasty+".")
	for kind := range answers() {
		w.make(kind)
		if said := w.text("#said"); said != "" {
			t.Errorf("%s: %s", kind, said)
		}
		w.unharmed("#result")
		if said := w.text("#checked"); !strings.Contains(said, "AI model") {
			t.Errorf("%s of a model: the page says %q of who made it", kind, said)
		}
	}
	w.open("library")
	w.until("document.querySelectorAll('#entries .entry').length === 6")
	for i := range 6 {
		w.click(fmt.Sprintf("#entries li:nth-child(%d) a", i+1))
		w.until("document.querySelector('#opened article')")
		w.unharmed("#opened")
		if start := eval[string](w, "document.querySelector('#opened .tools a.main')?.hash ?? ''"); start != "" {
			w.open(start[2:])
			w.until("[...document.querySelectorAll('main .one, main .question')].some((n) => n.checkVisibility())")
			w.unharmed("main")
		}
		w.open("library")
		w.until("document.querySelectorAll('#entries .entry').length === 6")
	}
	w.quiet(s.URL)
}

func TestAChatAnswerIsShownAsText(t *testing.T) {
	answer := "Here: " + nasty + "\n\n- " + nasty + "\n- two\n\n# " + nasty
	upstream := fakellm.New(fakellm.Options{Answer: func(fakellm.Request) string { return answer }})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, upstream.ServeHTTP)+"/v1")
	w := visit(t, s.URL, desktop)
	w.say("What is " + nasty + "?")
	w.until("document.querySelector('.said.assistant .prose:not(.growing)')")
	w.unharmed(".said.user")
	w.unharmed(".said.assistant")
	if items := eval[int](w, "document.querySelectorAll('.prose li').length"); items != 2 {
		t.Errorf("the list has %d items", items)
	}
	if text := w.text(".said.assistant"); strings.Count(text, "<script>") != 3 {
		t.Errorf("the answer is shown as %q", text)
	}
	w.goTo(s.URL)
	w.open("ask")
	w.until("document.querySelectorAll('.said').length === 2")
	w.unharmed(".said.assistant")
	w.quiet(s.URL)
}
