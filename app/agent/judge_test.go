package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

var byModelToo = Options{Judge: JudgeModel}

// judging returns a model that gives the aids in turn, for 10 tokens each, and verdicts for 3.
func judging(verdict string, aids ...string) *agenttest.Model {
	made := 0
	return &agenttest.Model{Answer: func(_ context.Context, _ int, p study.Prompt, _ func(string)) (study.Answer, error) {
		if isJudge(p) {
			return study.Answer{Text: verdict, Model: "judge-1", Tokens: 3}, nil
		}
		made++
		return study.Answer{Text: aids[min(made, len(aids))-1], Model: "fake-1", Tokens: 10}, nil
	}}
}

// isJudge reports whether a prompt requests a verdict: its brief is empty.
func isJudge(p study.Prompt) bool { return p.Brief.Type == "" }

const fullMarks = `{"safety": 1, "quality": 1, "accuracy": 1, "issues": []}`

func TestRulesGiveNoScoresAndAskNoModel(t *testing.T) {
	for _, judge := range []string{"", JudgeRules, JudgeOff} {
		for _, typ := range study.Types() {
			b := newBench(agenttest.Says(agenttest.GoodAnswer(typ)), Options{Judge: judge})
			out, err := b.Run(t.Context(), agenttest.Asking(typ), nil)
			if err != nil {
				t.Fatal(err)
			}
			v := out.Result.Validation
			if b.Model.Calls() != 1 || v.QualityScore != nil || v.Accuracy != nil || *v.SafetyScore != 1 || v.CheckedBy != "rules" || !v.Passed ||
				v.Checks != (study.Checks{Safety: "rules"}) {
				t.Errorf("%q, %s: %d calls, %+v", judge, typ, b.Model.Calls(), v)
			}
		}
	}
}

func TestTheModelsScoresStandInTheResult(t *testing.T) {
	m := judging(`{"safety": 0.9, "quality": 0.81, "accuracy": 0.77, "issues": ["card 2 is vague"]}`, agenttest.GoodAnswer(study.Flashcards))
	out, err := newBench(m, byModelToo).Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
	if err != nil {
		t.Fatal(err)
	}
	v := out.Result.Validation
	if *v.SafetyScore != .9 || *v.QualityScore != .81 || *v.Accuracy != .77 || !v.Passed || v.Attempts != 1 ||
		!slices.Equal(v.Issues, []string{"card 2 is vague"}) {
		t.Errorf("validation %+v", v)
	}
	if want := (study.Checks{Safety: "judge-1", Quality: "judge-1", Accuracy: "judge-1"}); v.Checks != want || v.CheckedBy != "judge-1" {
		t.Errorf("checked by %q: %+v", v.CheckedBy, v.Checks)
	}
	if out.Result.Metadata.TokensUsed != 13 || out.Result.Metadata.ModelUsed != "fake-1" {
		t.Errorf("metadata %+v", out.Result.Metadata)
	}
}

func TestAnotherModelMayJudge(t *testing.T) {
	b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Quiz)), byModelToo)
	judge := judging(fullMarks)
	b.deps.Judge = judge
	out, err := b.Run(t.Context(), agenttest.Asking(study.Quiz), nil)
	if err != nil || b.Model.Calls() != 1 || judge.Calls() != 1 || out.Result.Validation.CheckedBy != "judge-1" {
		t.Errorf("%v, %d and %d calls, %+v", err, b.Model.Calls(), judge.Calls(), out.Result.Validation)
	}
}

func TestThresholdsHoldOneStepAboveAndBelow(t *testing.T) {
	for typ, want := range map[study.Type]struct{ accuracy, quality float64 }{
		study.Flashcards: {.75, .7}, study.Quiz: {.85, .75}, study.Exam: {.9, .85}, study.Summary: {.8, .7},
		study.Analysis: {0, .6}, study.Plan: {0, .6},
	} {
		for _, c := range []struct {
			name              string
			accuracy, quality float64
			passed            bool
		}{
			{"at the threshold", want.accuracy, want.quality, true},
			{"quality below", want.accuracy, want.quality - .001, false},
			{"accuracy below", want.accuracy - .001, want.quality, want.accuracy == 0},
		} {
			m := judging(fmt.Sprintf(`{"safety": 1, "quality": %.3f, "accuracy": %.3f, "issues": ["look again"]}`, c.quality, c.accuracy), agenttest.GoodAnswer(typ))
			b := newBench(m, byModelToo)
			out, err := b.Run(t.Context(), agenttest.Asking(typ), nil)
			if err != nil {
				t.Fatalf("%s, %s: %v", typ, c.name, err)
			}
			if v := out.Result.Validation; (v.Attempts == 1) != c.passed || (len(b.Cache.Keys()) == 1) != c.passed {
				t.Errorf("%s, %s: %+v, cached %q", typ, c.name, v, b.Cache.Keys())
			}
		}
	}
}

func TestWhatTheModelFindsIsCorrectedOnceWithinThreeCalls(t *testing.T) {
	m := judging(`{"safety": 1, "quality": 1, "accuracy": 0.2, "issues": ["question 1 is not in the material"]}`, agenttest.GoodAnswer(study.Quiz))
	b := newBench(m, byModelToo)
	out, err := b.Run(t.Context(), agenttest.Asking(study.Quiz), nil)
	v := out.Result.Validation
	if err != nil || b.Model.Calls() != 3 || v.Attempts != 2 || v.CheckedBy != "rules" || v.Accuracy != nil {
		t.Fatalf("%v, %d calls, %+v", err, b.Model.Calls(), v)
	}
	if said := m.Prompts[2].Turns[1].Text; !strings.Contains(said, "question 1 is not in the material") {
		t.Errorf("the correction's prompt is %s", said)
	}
	if !warns(out, "did not check the corrected answer") || len(b.Cache.Keys()) != 0 {
		t.Errorf("warnings %q, cached %q", out.Result.Warnings, b.Cache.Keys())
	}
}

func TestTheModelJudgesBeforeAnythingIsAskedAgain(t *testing.T) {
	req := agenttest.Asking(study.Flashcards)
	req.Options.Count = 5
	m := judging(fullMarks, agenttest.CardSet(3), agenttest.CardSet(5))
	out, err := newBench(m, byModelToo).Run(t.Context(), req, nil)
	if err != nil || m.Calls() != 3 || !isJudge(m.Prompts[1]) || study.Items(out.Result.Data) != 5 {
		t.Errorf("%v, %d calls, %+v", err, m.Calls(), out.Result)
	}
}

func TestOnlyTheScoresThatApplyAreTaken(t *testing.T) {
	bare := agenttest.Asking(study.Quiz)
	bare.Options.Content = ""
	for _, c := range []struct {
		name   string
		req    study.Request
		calls  int
		checks study.Checks
	}{
		{"a chat", agenttest.Asking(study.Chat), 1, study.Checks{Safety: "rules"}},
		{"without material", bare, 2, study.Checks{Safety: "judge-1", Quality: "judge-1"}},
		{"of a type without a threshold for accuracy", agenttest.Asking(study.Plan), 2, study.Checks{Safety: "judge-1", Quality: "judge-1"}},
		{"with material", agenttest.Asking(study.Quiz), 2, study.Checks{Safety: "judge-1", Quality: "judge-1", Accuracy: "judge-1"}},
	} {
		b := newBench(judging(fullMarks, agenttest.GoodAnswer(c.req.Type)), byModelToo)
		out, err := b.Run(t.Context(), c.req, nil)
		if err != nil || b.Model.Calls() != c.calls || out.Result.Validation.Checks != c.checks {
			t.Errorf("%s: %v, %d calls, %+v", c.name, err, b.Model.Calls(), out.Result.Validation.Checks)
		}
	}
}

func TestACheckThatFailsIsLeftToTheRulesAndSaysSo(t *testing.T) {
	for name, spoil := range map[string]func(context.Context) (study.Answer, error){
		"it hangs": func(ctx context.Context) (study.Answer, error) {
			<-ctx.Done()
			return study.Answer{}, study.Wrap(ctx.Err(), study.CodeUpstreamTimeout, "late")
		},
		"it fails": func(context.Context) (study.Answer, error) {
			return study.Answer{}, study.Errorf(study.CodeUpstreamFailed, "no")
		},
		"it is garbage": func(context.Context) (study.Answer, error) {
			return study.Answer{Text: "SECRET: perfect!", Tokens: 3}, nil
		},
		"it panics": func(context.Context) (study.Answer, error) { panic("SECRET") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := judging("", agenttest.GoodAnswer(study.Quiz))
				well := m.Answer
				m.Answer = func(ctx context.Context, call int, p study.Prompt, onText func(string)) (study.Answer, error) {
					if isJudge(p) {
						return spoil(ctx)
					}
					return well(ctx, call, p, onText)
				}
				b := newBench(m, Options{Judge: JudgeModel, JudgeTimeout: 7 * time.Second})
				began := time.Now()
				out, err := b.Run(t.Context(), agenttest.Asking(study.Quiz), nil)
				if err != nil {
					t.Fatal(err)
				}
				if v := out.Result.Validation; v.Checks != (study.Checks{Safety: "rules"}) || !v.Passed || v.QualityScore != nil {
					t.Errorf("validation %+v", v)
				}
				if !slices.Equal(out.Result.Warnings, []string{"the model could not check the answer; only rules did"}) {
					t.Errorf("warnings %q", out.Result.Warnings)
				}
				if took := time.Since(began); took > 7*time.Second || (name == "it hangs") != (took == 7*time.Second) {
					t.Errorf("it took %s", took)
				}
				if len(b.Cache.Keys()) != 0 || strings.Contains(b.Log.String(), "SECRET") {
					t.Errorf("cached %q, log %s", b.Cache.Keys(), b.Log)
				}
			})
		})
	}
}

func TestAScoreThatIsMissingKeepsTheAnswerFromTheCache(t *testing.T) {
	b := newBench(judging(`{"safety": 1, "quality": 1}`, agenttest.GoodAnswer(study.Quiz)), byModelToo)
	out, err := b.Run(t.Context(), agenttest.Asking(study.Quiz), nil)
	if err != nil || out.Result.Validation.Accuracy != nil || len(b.Cache.Keys()) != 0 {
		t.Errorf("%v, %+v, cached %q", err, out.Result.Validation, b.Cache.Keys())
	}
}

func TestWhatTheModelFindsUnsafeIsWithheld(t *testing.T) {
	for _, c := range []struct {
		name, score string
		withheld    bool
	}{{"at the bound", "0.5", false}, {"below it", "0.499", true}} {
		b := newBench(judging(`{"quality": 1, "accuracy": 1, "safety": `+c.score+`, "issues": ["SECRET words"]}`, agenttest.GoodAnswer(study.Quiz)), byModelToo)
		_, err := b.Run(t.Context(), agenttest.Asking(study.Quiz), nil)
		if !c.withheld {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		agenttest.FailsWith(t, err, study.CodeWithheld, "SECRET")
		if b.Model.Calls() != 2 || len(b.Store.Contents) != 0 || len(b.Cache.Keys()) != 0 {
			t.Errorf("%s: %d calls, or something was cached", c.name, b.Model.Calls())
		}
	}
}

func TestWhatTheRulesFindUnsafeIsCorrectedOrWithheld(t *testing.T) {
	bad := strings.Replace(agenttest.CardSet(2), "the chromosomes condense", "how to make a pipe bomb", 1)
	for _, o := range []Options{{}, byModelToo} {
		m := judging(fullMarks, bad, agenttest.CardSet(2))
		out, err := newBench(m, o).Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
		if err != nil || !out.Result.Validation.Passed || out.Result.Validation.Attempts != 2 || m.Calls() != 2 {
			t.Errorf("an unsafe answer that was corrected: %v, %+v", err, out.Result.Validation)
		}
	}
	_, err := newBench(agenttest.Says(bad), Options{}).Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
	agenttest.FailsWith(t, err, study.CodeWithheld, "bomb")
}

func TestASafeAnswerIsTakenBeforeABetterUnsafeOne(t *testing.T) {
	bad := strings.Replace(agenttest.CardSet(2), "the chromosomes condense", "how to make a pipe bomb", 1)
	out, err := newBench(agenttest.Says(unsupported, bad), Options{}).Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
	if err != nil || strings.Contains(agenttest.JSON(out.Result.Data), "bomb") {
		t.Errorf("%v, %+v", err, out.Result.Data)
	}
}
