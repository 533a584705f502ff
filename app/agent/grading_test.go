package agent

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

var openAnswers = []study.OpenAnswer{
	{ItemID: "a", Question: "Where?", Accepted: []string{"mitochondria"}, Answer: "inside the mitochondria"},
	{ItemID: "b", Question: "Why?", Accepted: []string{"energy"}, Rubric: "Names energy.", Answer: "no idea"},
}

func TestTheModelGradesShortAnswersInOneCall(t *testing.T) {
	b := newBench(agenttest.Says(`{"grades":[{"n":1,"correct":true},{"n":2,"correct":false},{"n":3,"correct":true}]}`), Options{})
	spent := ""
	b.deps.Spend = func(_ context.Context, user string, clients []string) error {
		spent = user + strings.Join(clients, ",")
		return nil
	}
	right, model, err := b.GradeAnswers(t.Context(), "run-1", study.Request{UserID: agenttest.Alice, Clients: []string{"c"}}, openAnswers)
	if err != nil || model != "fake-1" || !maps.Equal(right, map[string]bool{"a": true, "b": false}) || b.Model.Calls() != 1 || spent != "alicec" {
		t.Fatalf("%v, %q, %v, %d calls, spent %q", err, model, right, b.Model.Calls(), spent)
	}
	e := b.Store.Executions[0]
	if e.RunID != "run-1" || e.Type != study.Grading || !e.Success || e.Tokens != 10 || e.UserID != agenttest.Alice || e.Model != "fake-1" {
		t.Errorf("%+v", e)
	}
}

func TestAGradingThatFailsIsAnExecutionToo(t *testing.T) {
	limit := study.Errorf(study.CodeRateLimited, "too many")
	for name, c := range map[string]struct {
		model *agenttest.Model
		spend error
		code  study.Code
		calls int
	}{
		"no grades":       {agenttest.Says(`{"grades":[]}`), nil, study.CodeUpstreamFailed, 1},
		"prose":           {agenttest.Says(`All right.`), nil, study.CodeUpstreamFailed, 1},
		"a limit":         {agenttest.Says(`{}`), limit, study.CodeRateLimited, 0},
		"the model fails": {failing(study.Errorf(study.CodeUpstreamUnavailable, "away")), nil, study.CodeUpstreamUnavailable, 1},
		"a panic": {&agenttest.Model{Answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
			panic("SECRET")
		}}, nil, study.CodeInternal, 1},
	} {
		b := newBench(c.model, Options{JudgeTimeout: time.Hour})
		b.deps.Spend = func(context.Context, string, []string) error { return c.spend }
		_, _, err := b.GradeAnswers(t.Context(), "run", study.Request{UserID: agenttest.Alice}, openAnswers)
		if !study.IsCode(err, c.code) || b.Model.Calls() != c.calls || len(b.Store.Executions) != 1 || b.Store.Executions[0].ErrorCode != c.code || strings.Contains(b.Log.String(), "SECRET") {
			t.Errorf("%s: %v, %d calls, %+v", name, err, b.Model.Calls(), b.Store.Executions)
		}
	}
}

func failing(err error) *agenttest.Model {
	return &agenttest.Model{Answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
		return study.Answer{}, err
	}}
}
