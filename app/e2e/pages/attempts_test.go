package pages_test

import (
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

// quizOfAModel has two questions to be answered in free text, and one with options.
const quizOfAModel = `{"quiz":{"title":"Water","questions":[
	{"type":"short_answer","question":"What is osmosis?","acceptable_answers":["the movement of water through a membrane"],"explanation":"","points":10,"evidence":"Osmosis is the movement of water through a membrane."},
	{"type":"short_answer","question":"What is diffusion?","acceptable_answers":["the movement of particles from high to low concentration"],"explanation":"","points":10,"evidence":"Diffusion is the movement of particles from high to low concentration."},
	{"type":"multiple_choice","question":"What separates two fluids?","options":["A wall","A membrane","A river","A fluid"],"correct_index":1,"explanation":"","points":10,"evidence":"A membrane is a thin layer that separates two fluids."}]}}`

const waterNotes = "Osmosis is the movement of water through a membrane. Diffusion is the movement of particles from high to low concentration. " +
	"A membrane is a thin layer that separates two fluids."

// grader answers like a model that finds the first short answer right and all others wrong.
func grader(r fakellm.Request) string {
	if strings.Contains(r.Messages[len(r.Messages)-1].Content, "<<<ANSWERS ") {
		return `{"grades":[{"n":1,"correct":true},{"n":2,"correct":false}]}`
	}
	return quizOfAModel
}

// untilKept waits until ok accepts the attempts that the server has stored for the open quiz: "points/total who,who;
// …".
func (w *window) untilKept(ok func(kept string) bool) {
	w.t.Helper()
	kept := ""
	if !testkit.Poll(func() bool {
		kept = eval[string](w, `(async () => {
			const [, kind, id] = location.hash.slice(2).split("/");
			const {attempts} = await (await fetch("/api/ai/generated-content/" + kind + "/" + id + "/attempts?user_id=" + localStorage.getItem("user"))).json();
			return attempts.map((a) => a.points + "/" + a.total_points + " " + a.answers.map((g) => g.checked_by).join()).join("; ");
		})()`)
		return ok(kept)
	}) {
		w.t.Fatalf("kept is %q", kept)
	}
}

func TestAnAttemptIsGradedByTheServerOverruledAndKept(t *testing.T) {
	upstream := fakellm.New(fakellm.Options{Answer: grader})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, upstream.ServeHTTP)+"/v1")
	w := visit(t, s.URL, desktop)
	w.open("make")
	w.fill("#text", waterNotes)
	w.make("quiz_generation")
	w.click("#tools a")
	w.until("document.querySelectorAll('.question').length === 3")
	w.fill(".question:nth-of-type(1) textarea", "water moves across membranes")
	w.fill(".question:nth-of-type(2) textarea", "particles spread out")
	w.click(".questions .main")
	w.until("document.querySelector('.score p')?.innerText === '10 of 30 points: 1 of 3 right.'")
	if said := w.text(".question:nth-of-type(1) .verdict"); !strings.HasPrefix(said, "Right.") || !strings.Contains(said, "Graded by the AI service.") {
		t.Errorf("the answer that the model finds right: %q", said)
	}
	w.audit("quiz graded")
	w.click(".question:nth-of-type(2) .verdict button")
	w.until("document.querySelector('.score p').innerText === '20 of 30 points: 2 of 3 right.'")
	w.untilKept(func(kept string) bool {
		return strings.HasPrefix(kept, "20/30 ") && strings.HasSuffix(kept, ",student,rules") && !strings.HasPrefix(kept, "20/30 rules")
	})
	w.click(".score .main") // retry the wrong one
	w.until("document.querySelectorAll('.question').length === 1")
	w.click(".question .option:nth-of-type(2)")
	w.click(".questions .main")
	w.until("document.querySelector('.score p')?.innerText === '10 of 10 points: 1 of 1 right.'")
	w.untilKept(func(kept string) bool { return strings.HasPrefix(kept, "10/10 rules; 20/30 ") })
	w.click(".crumb a")
	w.until("document.querySelectorAll('.past li').length === 2")
	if first := w.text(".past li"); !strings.Contains(first, "10 of 10 points") {
		t.Errorf("the newest attempt is %q", first)
	}
	w.audit("quiz with attempts")
	w.quiet(s.URL)
}
