package workers_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"studysharper/app/e2e/servicetest"
)

const twoSections = `# Osmosis

Osmosis is the movement of water through a membrane. Water moves from a dilute solution to a concentrated solution. A membrane is a thin layer that separates two fluids.
The pressure that stops osmosis is called osmotic pressure. Cells swell when water enters through the membrane.

# Photosynthesis

Photosynthesis is the process by which plants make sugar from light. Chlorophyll is a green pigment that absorbs light. The light reactions make oxygen from water.
A chloroplast is the part of a plant cell that contains chlorophyll. Plants store sugar as starch.
`

// A student fails a quiz in the second section of a text at one worker. A plan from the other worker must begin with
// that section, although that worker has cached that the student has no weak topics.
func TestWhatWasAnsweredWronglyAtOneWorkerIsPlannedFirstByTheOther(t *testing.T) {
	s := servicetest.Start(t)
	here, there := s.Pair()
	ask := func(worker int, method, path string, body any) map[string]any {
		t.Helper()
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		status, got := s.Exchange(worker, method, path, string(raw))
		if status/100 != 2 {
			t.Fatalf("%s %s: %d %v", method, path, status, got)
		}
		return got
	}
	run := func(worker int, kind string, options map[string]any) map[string]any {
		t.Helper()
		options["content"] = twoSections
		got := ask(worker, "POST", "/api/ai/process", map[string]any{"type": kind, "user_id": "ada", "message": "please", "options": options})
		return got["result"].(map[string]any)
	}
	topics := func() (list []string) {
		for _, session := range run(there, "study_plan", map[string]any{"count": 2})["data"].(map[string]any)["plan"].(map[string]any)["sessions"].([]any) {
			list = append(list, session.(map[string]any)["topic"].(string))
		}
		return list
	}
	if got := topics(); !slices.Equal(got, []string{"Osmosis", "Photosynthesis"}) {
		t.Fatalf("at first the plan is of %q", got)
	}
	quiz := run(here, "quiz_generation", map[string]any{"question_count": 8})
	var answers []map[string]any
	for _, q := range quiz["data"].(map[string]any)["quiz"].(map[string]any)["questions"].([]any) {
		q := q.(map[string]any)
		answer := map[string]any{"item_id": q["id"], "answer": nil}
		if source, _ := q["source"].(map[string]any); source["section"] == "Osmosis" {
			answer["answer"] = q["correct_answer"]
			if accepted, _ := q["acceptable_answers"].([]any); len(accepted) > 0 {
				answer["answer"] = accepted[0]
			}
		}
		answers = append(answers, answer)
	}
	path := fmt.Sprint("/api/ai/generated-content/quizzes/", quiz["saved"].(map[string]any)["content_id"], "/attempts?user_id=ada")
	attempt := ask(here, "POST", path, map[string]any{"answers": answers})
	if points := attempt["topics"].(map[string]any)["Photosynthesis"].(map[string]any); attempt["points"] == 0.0 || points["points"] != 0.0 || points["possible"] == 0.0 {
		t.Fatalf("graded %v", attempt)
	}
	if got := topics(); !slices.Equal(got, []string{"Photosynthesis", "Osmosis"}) {
		t.Errorf("the plan is of %q", got)
	}
}
