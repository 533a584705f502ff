package contract_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

const cardsOfCells = `{"type":"flashcard_generation","user_id":"u","message":"cards please","options":{"count":2,"content":` +
	`"Mitosis divides the nucleus of a cell. The chromosomes condense in the prophase. New membranes form in the telophase."}}`

func TestAModelsVerdictsReachTheStudent(t *testing.T) {
	fake := fakellm.New(fakellm.Options{})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_JUDGE=model", "LLM_MODEL=judge-1", "LLM_BASE_URL="+testkit.HTTPServer(t, fake.ServeHTTP)+"/v1", "RATE_LIMIT_PER_MINUTE=0")
	for i, c := range []struct {
		name   string
		rules  []fakellm.Rule
		status int
		calls  int
		by     string // what checked the student's result
	}{
		{"full marks", nil, http.StatusOK, 2, "judge-1"},
		// The third call is the correction, which is checked by rules only, since three calls are the maximum.
		{"a score below every threshold but the safety's", []fakellm.Rule{{Checks: true, Score: new(0.6)}}, http.StatusOK, 3, "rules"},
		{"a score below them all", []fakellm.Rule{{Checks: true, Score: new(0.4)}}, http.StatusUnprocessableEntity, 2, ""},
	} {
		fake.Reset()
		if err := fake.SetRules(c.rules...); err != nil {
			t.Fatal(err)
		}
		status, body := s.Ask("POST", "/api/ai/agent-test", strings.Replace(cardsOfCells, "cards please", fmt.Sprint("cards ", i), 1)) // each has its own cache entry
		if calls := fake.Counts().Calls; status != c.status || calls != c.calls {
			t.Fatalf("%s: status %d, %d calls: %v", c.name, status, calls, body)
		}
		if status != http.StatusOK {
			continue
		}
		result := body["result"].(map[string]any)
		validation := result["validation"].(map[string]any)
		checks := validation["checks"].(map[string]any)
		if validation["validation_passed"] != true || validation["checked_by"] != c.by || checks["safety"] != c.by {
			t.Errorf("%s: %v", c.name, validation)
		}
		if warned := strings.Contains(fmt.Sprint(result["warnings"]), "only rules did"); warned != (c.by == "rules") || (c.by == "rules") != (validation["quality_score"] == nil) {
			t.Errorf("%s: warnings %v, %v", c.name, result["warnings"], validation)
		}
	}
}
