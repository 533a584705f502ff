package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/agent/agenttest"
	"studysharper/app/agent/prompt"
	"studysharper/app/study"
)

// checkOf is the check that a prompt asks for; "" for one that asks for an aid.
func checkOf(p study.Prompt) prompt.Check {
	for c, phrase := range map[prompt.Check]string{prompt.Safety: "may be shown", prompt.Quality: "serves learning", prompt.Accuracy: "borne out"} {
		if p.Brief.Type == "" && strings.Contains(p.Turns[0].Text, phrase) {
			return c
		}
	}
	return ""
}

// judging is a model that gives the aids in turn, and each check's verdict as said,
// full marks where nothing is. Aids cost 10 tokens, verdicts 3.
func judging(verdicts map[prompt.Check]string, aids ...string) *agenttest.Model {
	var mu sync.Mutex
	made := 0
	return &agenttest.Model{Answer: func(_ context.Context, _ int, p study.Prompt, _ func(string)) (study.Answer, error) {
		if c := checkOf(p); c != "" {
			if verdicts[c] == "" {
				return study.Answer{Text: `{"score": 1, "issues": []}`, Model: "judge-1", Tokens: 3}, nil
			}
			return study.Answer{Text: verdicts[c], Model: "judge-1", Tokens: 3}, nil
		}
		mu.Lock()
		defer mu.Unlock()
		made++
		return study.Answer{Text: aids[min(made, len(aids))-1], Model: "fake-1", Tokens: 10}, nil
	}}
}

func TestTheModelsScoresTakeThePlaceOfTheRules(t *testing.T) {
	m := judging(map[prompt.Check]string{prompt.Safety: `{"score": 0.9}`, prompt.Quality: `{"score": 0.81, "issues": ["card 2 is vague"]}`,
		prompt.Accuracy: `{"score": 0.77}`}, agenttest.GoodAnswer(study.Flashcards))
	out, err := newBench(m, Options{Judge: true}).Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
	if err != nil {
		t.Fatal(err)
	}
	v := out.Result.Validation
	if *v.SafetyScore != .9 || *v.QualityScore != .81 || *v.Accuracy != .77 || !v.Passed || v.Attempts != 1 ||
		!slices.Equal(v.Issues, []string{"quality: card 2 is vague"}) {
		t.Errorf("validation %+v", v)
	}
	if want := (study.Checks{Safety: "judge-1", Quality: "judge-1", Accuracy: "judge-1"}); v.Checks != want || v.CheckedBy != "judge-1" {
		t.Errorf("checked by %q: %+v", v.CheckedBy, v.Checks)
	}
	if out.Result.Metadata.TokensUsed != 19 || out.Result.Metadata.ModelUsed != "fake-1" {
		t.Errorf("metadata %+v", out.Result.Metadata)
	}
}

func TestThresholdsHoldOneStepAboveAndBelow(t *testing.T) {
	for typ, want := range map[study.Type]struct{ accuracy, quality float64 }{
		study.Flashcards: {.75, .7}, study.Quiz: {.85, .75}, study.Exam: {.9, .85}, study.Summary: {.8, .7},
		study.Analysis: {0, .6}, study.Plan: {0, .6},
	} {
		for _, c := range []struct {
			name    string
			check   prompt.Check
			score   float64
			passed  bool
			skipped bool
		}{
			{"quality at the threshold", prompt.Quality, want.quality, true, false},
			{"quality below", prompt.Quality, want.quality - .001, false, false},
			{"accuracy at the threshold", prompt.Accuracy, want.accuracy, true, want.accuracy == 0},
			{"accuracy below", prompt.Accuracy, want.accuracy - .001, false, want.accuracy == 0},
		} {
			if c.skipped {
				continue
			}
			m := judging(map[prompt.Check]string{c.check: fmt.Sprintf(`{"score": %.3f, "issues": ["look again"]}`, c.score)}, agenttest.GoodAnswer(typ))
			b := newBench(m, Options{Judge: true, Retries: 1})
			out, err := b.Run(t.Context(), agenttest.Asking(typ), nil)
			if err != nil {
				t.Fatalf("%s, %s: %v", typ, c.name, err)
			}
			v := out.Result.Validation
			if v.Passed != c.passed || (v.Attempts == 1) != c.passed || (len(b.Cache.Keys()) == 1) != c.passed {
				t.Errorf("%s, %s: %+v, cached %q", typ, c.name, v, b.Cache.Keys())
			}
		}
	}
}

func TestWhatTheModelFindsIsSentBackForCorrection(t *testing.T) {
	answer := 0
	m := &agenttest.Model{}
	m.Answer = func(_ context.Context, _ int, p study.Prompt, _ func(string)) (study.Answer, error) {
		switch c := checkOf(p); {
		case c == "":
			answer++
			return study.Answer{Text: agenttest.GoodAnswer(study.Quiz)}, nil
		case c == prompt.Accuracy && answer == 1:
			return study.Answer{Text: `{"score": 0.2, "issues": ["question 1 is not in the material"]}`}, nil
		default:
			return study.Answer{Text: `{"score": 1}`}, nil
		}
	}
	b := newBench(m, Options{Judge: true})
	out, err := b.Run(t.Context(), agenttest.Asking(study.Quiz), nil)
	if err != nil || out.Result.Validation.Attempts != 2 || !out.Result.Validation.Passed || *out.Result.Validation.Accuracy != 1 {
		t.Fatalf("%v, %+v", err, out.Result.Validation)
	}
	if turns := b.Model.Prompts[4].Turns; len(turns) != 4 || !strings.Contains(turns[3].Text, "accuracy: question 1 is not in the material") {
		t.Errorf("the correction is told %+v", turns)
	}
}

func TestTheModelIsNotAskedAboutWhatTheRulesReject(t *testing.T) {
	b := newBench(judging(nil, unsupported, agenttest.CardSet(1), agenttest.CardSet(2)), Options{Judge: true})
	out, err := b.Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
	if err != nil || out.Result.Validation.Attempts != 3 || !out.Result.Validation.Passed {
		t.Fatalf("%v, %+v", err, out.Result.Validation)
	}
	if b.Model.Calls() != 6 || out.Result.Metadata.TokensUsed != 39 {
		t.Errorf("%d calls of %d tokens, want 3 answers and 3 checks", b.Model.Calls(), out.Result.Metadata.TokensUsed)
	}
}

func TestTheBestAnswerIsJudgedWhenCorrectionsAreUsedUp(t *testing.T) {
	req := agenttest.Asking(study.Flashcards)
	req.Options.Count = 5
	b := newBench(judging(nil, agenttest.CardSet(3)), Options{Judge: true})
	out, err := b.Run(t.Context(), req, nil)
	if err != nil || out.Result.Validation.Checks.Quality != "judge-1" || b.Model.Calls() != 6 {
		t.Errorf("%v, %d calls, %+v", err, b.Model.Calls(), out.Result.Validation)
	}
}

func TestOnlyTheChecksThatApplyAreAskedFor(t *testing.T) {
	for _, c := range []struct {
		name   string
		req    func() study.Request
		checks int
	}{
		{"a chat", func() study.Request { return agenttest.Asking(study.Chat) }, 0},
		{"without material", func() study.Request {
			r := agenttest.Asking(study.Quiz)
			r.Options.Content = ""
			return r
		}, 2},
		{"of a type without a threshold for accuracy", func() study.Request { return agenttest.Asking(study.Plan) }, 2},
		{"with material", func() study.Request { return agenttest.Asking(study.Quiz) }, 3},
	} {
		req := c.req()
		b := newBench(judging(nil, agenttest.GoodAnswer(req.Type)), Options{Judge: true})
		if _, err := b.Run(t.Context(), req, nil); err != nil {
			t.Fatal(err)
		}
		if got := b.Model.Calls() - 1; got != c.checks {
			t.Errorf("%s: %d checks, want %d", c.name, got, c.checks)
		}
	}
}

func TestACheckThatIsNotMadeIsLeftToTheRulesAndSaysSo(t *testing.T) {
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
				m := judging(nil, agenttest.GoodAnswer(study.Quiz))
				well := m.Answer
				m.Answer = func(ctx context.Context, call int, p study.Prompt, onText func(string)) (study.Answer, error) {
					if checkOf(p) == prompt.Quality {
						return spoil(ctx)
					}
					return well(ctx, call, p, onText)
				}
				b := newBench(m, Options{Judge: true, JudgeTimeout: 7 * time.Second})
				began := time.Now()
				out, err := b.Run(t.Context(), agenttest.Asking(study.Quiz), nil)
				if err != nil {
					t.Fatal(err)
				}
				v := out.Result.Validation
				if want := (study.Checks{Safety: "judge-1", Quality: "rules", Accuracy: "judge-1"}); v.Checks != want || !v.Passed || *v.QualityScore != 1 {
					t.Errorf("validation %+v", v)
				}
				if !slices.Equal(out.Result.Warnings, []string{"the model could not check the quality; only rules did"}) {
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

func TestTheChecksAreMadeAtOnce(t *testing.T) {
	together := make(chan struct{})
	var mu sync.Mutex
	inFlight := 0
	m := &agenttest.Model{Answer: func(ctx context.Context, _ int, p study.Prompt, _ func(string)) (study.Answer, error) {
		if checkOf(p) == "" {
			return study.Answer{Text: agenttest.GoodAnswer(study.Quiz)}, nil
		}
		mu.Lock()
		if inFlight++; inFlight == 3 {
			close(together)
		}
		mu.Unlock()
		select {
		case <-together:
			return study.Answer{Text: `{"score": 1}`}, nil
		case <-ctx.Done():
			return study.Answer{}, ctx.Err()
		}
	}}
	out, err := newBench(m, Options{Judge: true}).Run(t.Context(), agenttest.Asking(study.Quiz), nil)
	if err != nil || out.Result.Validation.Checks != (study.Checks{Safety: "fake", Quality: "fake", Accuracy: "fake"}) {
		t.Errorf("%v, %+v", err, out.Result.Validation)
	}
}

func TestWhatTheModelFindsUnsafeIsCorrectedOrWithheld(t *testing.T) {
	for _, c := range []struct {
		name, score string
		withheld    bool
	}{{"at the bound", "0.5", false}, {"below it", "0.499", true}} {
		b := newBench(judging(map[prompt.Check]string{prompt.Safety: `{"score": ` + c.score + `, "issues": ["SECRET words"]}`}, agenttest.GoodAnswer(study.Quiz)), Options{Judge: true})
		_, err := b.Run(t.Context(), agenttest.Asking(study.Quiz), nil)
		if !c.withheld {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		agenttest.FailsWith(t, err, study.CodeWithheld, "SECRET")
		if b.Model.Calls() != 12 || len(b.Store.Contents) != 0 || len(b.Cache.Keys()) != 0 {
			t.Errorf("%s: %d calls, or something was kept", c.name, b.Model.Calls())
		}
	}
	bad := strings.Replace(agenttest.CardSet(2), "the chromosomes condense", "how to make a pipe bomb", 1)
	out, err := newBench(judging(nil, bad, agenttest.CardSet(2)), Options{Judge: true}).Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
	if err != nil || !out.Result.Validation.Passed || out.Result.Validation.Attempts != 2 {
		t.Errorf("an unsafe answer that was corrected: %v, %+v", err, out.Result.Validation)
	}
}

func TestASafeAnswerIsTakenBeforeABetterUnsafeOne(t *testing.T) {
	bad := strings.Replace(agenttest.CardSet(2), "the chromosomes condense", "how to make a pipe bomb", 1)
	out, err := newBench(agenttest.Says(unsupported, bad), Options{}).Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
	if err != nil || strings.Contains(agenttest.JSON(out.Result.Data), "bomb") {
		t.Errorf("%v, %+v", err, out.Result.Data)
	}
}
