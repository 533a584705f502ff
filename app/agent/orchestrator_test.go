package agent

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

func TestRunAnswersEveryType(t *testing.T) {
	for _, typ := range study.Types() {
		t.Run(string(typ), func(t *testing.T) {
			b := newBench(agenttest.Says(agenttest.GoodAnswer(typ)), Options{})
			var w watched
			out, err := b.Run(t.Context(), agenttest.Asking(typ), &w)
			if err != nil {
				t.Fatal(err)
			}
			agenttest.CheckSteps(t, w.progress)
			if agent := w.progress[2].CurrentAgent; agent != agents[typ] {
				t.Errorf("step 3 is done by %q", agent)
			}
			r := out.Result
			if !r.Success || r.Intent != typ || r.Data.Type() != typ || r.UserID != agenttest.Alice || r.SessionID != agenttest.SessionID || r.Message == "" {
				t.Errorf("result %+v", r)
			}
			if r.IgnoredOptions == nil || r.Warnings == nil || len(r.Warnings) != 0 {
				t.Errorf("ignored %#v, warnings %#v", r.IgnoredOptions, r.Warnings)
			}
			if v := r.Validation; !v.Passed || v.Attempts != 1 || v.CheckedBy != "rules" || v.SafetyScore == nil || *v.SafetyScore != 1 || v.QualityScore != nil || v.Accuracy != nil {
				t.Errorf("validation %+v", v)
			}
			if r.Metadata.TokensUsed != 10 || r.Metadata.ModelUsed != "fake-1" || out.RunID == "" || out.FromCache {
				t.Errorf("metadata %+v, outcome %+v", r.Metadata, out)
			}
			checkKept(t, b, out, typ)
		})
	}
}

func checkKept(t *testing.T, b *bench, out Outcome, typ study.Type) {
	t.Helper()
	name, listed := study.ContentTypes()[typ]
	if listed != (out.Result.Saved != nil) || listed && (out.Result.Saved.ContentType != name || out.Result.Saved.ContentID != "content-1") {
		t.Errorf("saved %+v", out.Result.Saved)
	}
	if listed != (len(b.Store.Contents) == 1) {
		t.Errorf("%d contents saved", len(b.Store.Contents))
	}
	for _, c := range b.Store.Contents {
		if c.Type != typ || c.UserID != agenttest.Alice || c.SessionID != agenttest.SessionID || c.Title == "" || json.Unmarshal(c.Data, study.NewAid(typ)) != nil {
			t.Errorf("content %+v", c)
		}
	}
	talk := b.Store.Talks[agenttest.SessionID]
	if len(talk) != 2 || talk[0].Role != study.RoleUser || talk[0].Text != "Help me learn this." || talk[1].Role != study.RoleAssistant || talk[1].Text == "" {
		t.Errorf("messages %+v", talk)
	}
	if len(b.Store.Executions) != 1 {
		t.Fatalf("%d executions", len(b.Store.Executions))
	}
	if e := b.Store.Executions[0]; !e.Success || e.Type != typ || e.RunID != out.RunID || e.Tokens != 10 || e.Model != "fake-1" || e.UserID != agenttest.Alice || e.SessionID != agenttest.SessionID {
		t.Errorf("execution %+v", e)
	}
}

func TestAChatIsToldAsItComes(t *testing.T) {
	const text = "Mitosis divides a nucleus. Does that help?"
	b := newBench(agenttest.Says(text), Options{})
	b.Store.Sessions[agenttest.SessionID] = study.Session{ID: agenttest.SessionID, UserID: agenttest.Alice}
	b.Store.Talks[agenttest.SessionID] = []study.Message{{Role: study.RoleUser, Text: "hi"}, {Role: study.RoleAssistant, Text: "hello"}}
	var w watched
	out, err := b.Run(t.Context(), agenttest.Asking(study.Chat), &w)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.tokens; len(got) < 3 || strings.Join(got, "") != text {
		t.Errorf("tokens %q", got)
	}
	reply := out.Result.Data.(*study.Reply)
	if want := (study.ContextUsed{Notes: []study.NoteUsed{}, Messages: 2, Content: true, Share: 1}); reply.Response != text || !reflect.DeepEqual(reply.ContextUsed, want) {
		t.Errorf("reply %+v", reply)
	}
}

func TestAChatWithoutAWatcherIsNotStreamed(t *testing.T) {
	b := newBench(&agenttest.Model{Answer: func(_ context.Context, _ int, _ study.Prompt, onText func(string)) (study.Answer, error) {
		if onText != nil {
			t.Error("the answer is streamed without a reader")
		}
		return study.Answer{Text: "Yes."}, nil
	}}, Options{})
	if _, err := b.Run(t.Context(), agenttest.Asking(study.Chat), nil); err != nil {
		t.Fatal(err)
	}
}

func TestAChatThatAsksForAnAidGetsOne(t *testing.T) {
	b := newBench(agenttest.Says(agenttest.CardSet(5)), Options{})
	req := agenttest.Asking(study.Chat)
	req.Message = "Please make me 3 flashcards on mitosis"
	req.Options = study.Options{Content: agenttest.Source, Length: study.Long}
	req.Given = []string{"content", "length"}
	out, err := b.Run(t.Context(), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, ok := out.Result.Data.(*study.FlashcardSet)
	if !ok || len(set.Flashcards) != 3 || set.TotalCount != 3 || out.Result.Intent != study.Flashcards {
		t.Errorf("got %+v", out.Result)
	}
	if !slices.Equal(out.Result.IgnoredOptions, []string{"length"}) {
		t.Errorf("ignored %q", out.Result.IgnoredOptions)
	}
	if b.Store.Executions[0].Type != study.Flashcards {
		t.Errorf("execution of type %s", b.Store.Executions[0].Type)
	}
}

func TestClassifyLeavesNamedTypesAlone(t *testing.T) {
	b := newBench(nil, Options{})
	for asked, want := range map[study.Type]study.Type{study.Summary: study.Summary, study.Chat: study.Quiz} {
		if got := b.reader(study.Request{Type: asked, Message: "quiz me"}).req.Type; got != want {
			t.Errorf("%s: got %s", asked, got)
		}
	}
}

func TestAFaultyAnswerIsSentBackForCorrection(t *testing.T) {
	b := newBench(agenttest.Says("I would rather talk.", agenttest.CardSet(2)), Options{})
	out, err := b.Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := out.Result.Validation; v.Attempts != 2 || !v.Passed || out.Result.Metadata.TokensUsed != 20 {
		t.Errorf("validation %+v, metadata %+v", v, out.Result.Metadata)
	}
	p := b.Model.Prompts[1]
	if said := p.Turns[1].Text; len(p.Turns) != 2 || !strings.Contains(said, "there is no JSON object in the answer") || strings.Contains(said, "rather talk") {
		t.Errorf("the correction says %+v", p.Turns)
	}
	if b.Model.Prompts[0].Skip != 0 || p.Skip != 1 {
		t.Errorf("the correction was requested from model %d", p.Skip)
	}
}

func TestAnAnswerThatStaysFaultyFailsTheRunAndSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name  string
		o     Options
		typ   study.Type
		text  string
		calls int
		says  string
	}{
		{"one correction", Options{}, study.Flashcards, `{"flashcards": "SECRET"}`, 2, "flashcards has a value of the wrong type"},
		{"no usable item", Options{}, study.Flashcards, `{"flashcards": [{"question": "SECRET"}]}`, 2, "flashcards[0].answer is empty"},
		{"as many calls as set", Options{MaxCalls: 1}, study.Flashcards, "SECRET", 1, "no JSON object"},
		{"a chat gets one", Options{}, study.Chat, "  ", 2, "response is empty"},
		{"the same call again is useless", Options{Deterministic: true}, study.Flashcards, "SECRET", 1, "no JSON object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(agenttest.Says(c.text), c.o)
			_, err := b.Run(t.Context(), agenttest.Asking(c.typ), nil)
			e := agenttest.FailsWith(t, err, study.CodeUpstreamFailed, "SECRET")
			if b.Model.Calls() != c.calls || !strings.Contains(e.Message, c.says) {
				t.Errorf("%d calls, want %d; %s", b.Model.Calls(), c.calls, e.Message)
			}
			if x := b.Store.Executions[0]; x.Success || x.ErrorCode != study.CodeUpstreamFailed || x.Tokens != 10*c.calls {
				t.Errorf("execution %+v", x)
			}
			if len(b.Cache.Keys()) != 0 || len(b.Store.Talks[agenttest.SessionID]) != 0 {
				t.Error("data of a failed run was stored")
			}
		})
	}
}

const unsupported = `{"flashcards": [{"question": "Who lost at Waterloo?", "answer": "Napoleon Bonaparte", "evidence": "Napoleon lost at Waterloo"},
	{"question": "Who won?", "answer": "Wellington with Blücher", "evidence": "Wellington and Blücher won"}]}`

func TestAnAnswerWithFalseEvidenceIsCorrectedAndNotCached(t *testing.T) {
	for _, c := range []struct {
		o     Options
		calls int
	}{{Options{}, 2}, {Options{Deterministic: true}, 1}} {
		b := newBench(agenttest.Says(unsupported), c.o)
		out, err := b.Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
		if err != nil {
			t.Fatal(err)
		}
		v := out.Result.Validation
		if v.Passed || v.Accuracy != nil || len(v.Issues) != 2 || v.Attempts != c.calls || b.Model.Calls() != c.calls {
			t.Errorf("%d calls, validation %+v", b.Model.Calls(), v)
		}
		if len(b.Cache.Keys()) != 0 || out.Result.Saved == nil || strings.Contains(agenttest.JSON(out.Result), "evidence\":") {
			t.Errorf("cached %q, saved %+v", b.Cache.Keys(), out.Result.Saved)
		}
	}
}

func TestTheBestAttemptIsTaken(t *testing.T) {
	b := newBench(agenttest.Says(unsupported, "no JSON at all"), Options{})
	out, err := b.Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
	if err != nil || out.Result.Validation.Passed || out.Result.Validation.Attempts != 2 {
		t.Errorf("%v, %+v", err, out.Result.Validation)
	}
	failing := &agenttest.Model{Answer: func(_ context.Context, call int, _ study.Prompt, _ func(string)) (study.Answer, error) {
		if call == 1 {
			return study.Answer{Text: unsupported, Model: "fake-1"}, nil
		}
		return study.Answer{}, study.Errorf(study.CodeUpstreamUnavailable, "busy")
	}}
	out, err = newBench(failing, Options{}).Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
	if err != nil || study.Items(out.Result.Data) != 2 {
		t.Errorf("a failing correction lost the answer: %v", err)
	}
}

func TestItemsWithFalseEvidenceAreNotAdded(t *testing.T) {
	req := agenttest.Asking(study.Flashcards)
	req.Options.Count = 3
	out, err := newBench(agenttest.Says(agenttest.CardSet(2), unsupported), Options{}).Run(t.Context(), req, nil)
	if err != nil || !out.Result.Validation.Passed || study.Items(out.Result.Data) != 2 {
		t.Errorf("%v, %+v", err, out.Result.Validation)
	}
}

func TestMissingItemsAreAskedForAloneAndThenTold(t *testing.T) {
	req := agenttest.Asking(study.Flashcards)
	req.Options.Count = 5
	for _, c := range []struct {
		o     Options
		calls int
	}{{Options{}, 2}, {Options{Deterministic: true}, 1}} {
		b := newBench(agenttest.Says(agenttest.CardSet(3)), c.o)
		out, err := b.Run(t.Context(), req, nil)
		if err != nil || !slices.Equal(out.Result.Warnings, []string{"made 3 of 5: the text contains no more"}) || !out.Result.Validation.Passed {
			t.Errorf("%v, %+v", err, out.Result)
		}
		if b.Model.Calls() != c.calls {
			t.Errorf("%d calls, want %d", b.Model.Calls(), c.calls)
		}
	}
	b := newBench(agenttest.Says(agenttest.CardSet(3), agenttest.CardSet(5)), Options{})
	out, err := b.Run(t.Context(), req, nil)
	if err != nil || study.Items(out.Result.Data) != 5 || len(out.Result.Warnings) != 0 {
		t.Errorf("%v, %+v", err, out.Result)
	}
	if said := b.Model.Prompts[1].Turns[1].Text; !strings.Contains(said, "exactly 2 flashcards") || !strings.Contains(said, "make others:\n- Question 0?\n- Question 1?") {
		t.Errorf("requested more with %s", said)
	}
}

func TestNeverMoreThanThreeCalls(t *testing.T) {
	req := agenttest.Asking(study.Flashcards)
	req.Options.Count = 5
	b := newBench(agenttest.Says("no JSON", agenttest.CardSet(3)), Options{})
	out, err := b.Run(t.Context(), req, nil)
	if err != nil || b.Model.Calls() != 3 || study.Items(out.Result.Data) != 3 {
		t.Errorf("%v, %d calls, %+v", err, b.Model.Calls(), out.Result)
	}
	for calls, limit := range map[int]int{0: 8, 1: 2, 2: 1} {
		if calls < len(b.Model.Prompts) && b.Model.Prompts[calls].MaxCalls != limit {
			t.Errorf("call %d may make %d HTTP calls, want %d", calls+1, b.Model.Prompts[calls].MaxCalls, limit)
		}
	}
	retried := &agenttest.Model{Answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
		return study.Answer{Text: "no JSON", Calls: 3}, nil
	}}
	_, err = newBench(retried, Options{}).Run(t.Context(), req, nil)
	if agenttest.FailsWith(t, err, study.CodeUpstreamFailed); retried.Calls() != 1 {
		t.Errorf("the model was called again after 3 HTTP calls")
	}
}

func TestWhatIsWholeOfABrokenStreamIsKept(t *testing.T) {
	whole := agenttest.CardSet(2)
	for _, c := range []struct {
		name   string
		text   string
		code   study.Code
		breaks int // the number of calls that break off
		limit  int // Options.MaxCalls
		calls  int
		items  int
	}{
		{"one card of two", whole[:len(whole)*3/4], study.CodeUpstreamUnavailable, 1, 0, 2, 2},
		{"nothing", whole[:20], study.CodeUpstreamUnavailable, 1, 0, 2, 2},
		{"nothing twice", whole[:20], study.CodeUpstreamUnavailable, 2, 0, 2, 0},
		{"nothing, and no call is left", whole[:20], study.CodeUpstreamUnavailable, 1, 1, 1, 0},
		{"not even a word", "", study.CodeUpstreamUnavailable, 1, 0, 1, 0},
		{"withheld", whole[:20], study.CodeWithheld, 1, 0, 1, 0},
	} {
		m := agenttest.Says(whole)
		good := m.Answer
		m.Answer = func(ctx context.Context, call int, p study.Prompt, onText func(string)) (study.Answer, error) {
			if call <= c.breaks {
				return study.Answer{Text: c.text, Model: "fake-1"}, study.Errorf(c.code, "reset")
			}
			return good(ctx, call, p, onText)
		}
		out, err := newBench(m, Options{MaxCalls: c.limit}).Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
		if m.Calls() != c.calls || (err == nil) != (c.items > 0) {
			t.Fatalf("%s: %v, %d calls", c.name, err, m.Calls())
		}
		if c.items == 0 {
			agenttest.FailsWith(t, err, c.code)
			continue
		}
		if study.Items(out.Result.Data) != c.items || len(out.Result.Warnings) != 0 {
			t.Errorf("%s: %+v", c.name, out.Result)
		}
		if m.Calls() > 1 && strings.Contains(c.name, "nothing") && m.Prompts[1].Skip != 1 {
			t.Errorf("%s: requested from model %d", c.name, m.Prompts[1].Skip)
		}
	}
}

func TestMaterialThatIsTooLongForTheModelIsHalved(t *testing.T) {
	m := agenttest.Says(agenttest.CardSet(2))
	good := m.Answer
	m.Answer = func(ctx context.Context, call int, p study.Prompt, onText func(string)) (study.Answer, error) {
		if call == 1 {
			return study.Answer{Calls: 1}, study.Errorf(study.CodeTooLong, "too long")
		}
		return good(ctx, call, p, onText)
	}
	req := agenttest.Asking(study.Flashcards)
	req.Options.Content = strings.Repeat(agenttest.Source+"\n", 40)
	b := newBench(m, Options{})
	out, err := b.Run(t.Context(), req, nil)
	if err != nil || !warns(out, "too long for the model") || len(b.Cache.Keys()) != 0 {
		t.Fatalf("%v, %q", err, out.Result.Warnings)
	}
	if before, after := len(m.Prompts[0].Turns[1].Text), len(m.Prompts[1].Turns[1].Text); after > before*2/3 {
		t.Errorf("%d bytes after %d", after, before)
	}
	m = agenttest.Says("")
	m.Answer = func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
		return study.Answer{Calls: 1}, study.Errorf(study.CodeTooLong, "too long")
	}
	_, err = newBench(m, Options{}).Run(t.Context(), req, nil)
	if agenttest.FailsWith(t, err, study.CodeTooLong); m.Calls() != 2 {
		t.Errorf("%d calls", m.Calls())
	}
}

func TestItemsAreShownWhileTheyArrive(t *testing.T) {
	for _, c := range []struct {
		typ  study.Type
		kind string
		n    int
	}{{study.Flashcards, study.ItemCard, 2}, {study.Quiz, study.ItemQuestion, 2}, {study.Exam, study.ItemQuestion, 2},
		{study.Summary, study.ItemPoint, 1}, {study.Plan, study.ItemSession, 2}, {study.Analysis, "", 0}, {study.Chat, "", 0}} {
		var w watched
		out, err := newBench(agenttest.Says(agenttest.GoodAnswer(c.typ)), Options{}).Run(t.Context(), agenttest.Asking(c.typ), &w)
		if err != nil || len(w.items) != c.n {
			t.Fatalf("%s: %v, items %+v", c.typ, err, w.items)
		}
		whole := agenttest.JSON(out.Result.Data)
		for _, item := range w.items {
			if item.Kind != c.kind || !strings.Contains(whole, agenttest.JSON(item.Item)) && c.typ != study.Exam {
				t.Errorf("%s: %+v is not in %s", c.typ, item, whole)
			}
		}
	}
	bad := strings.Replace(agenttest.CardSet(2), "the chromosomes condense", "how to make a pipe bomb", 1)
	var w watched
	if _, err := newBench(agenttest.Says(bad), Options{}).Run(t.Context(), agenttest.Asking(study.Flashcards), &w); err == nil || strings.Contains(agenttest.JSON(w.items), "bomb") {
		t.Errorf("%v, an unsafe item was shown: %+v", err, w.items)
	}
}

func TestAnItemIsShownOnceInARun(t *testing.T) {
	plan := agenttest.GoodAnswer(study.Plan)
	for name, c := range map[string]struct {
		typ     study.Type
		answers []string
		asked   int
		shown   int
	}{
		"missing cards":          {study.Flashcards, []string{agenttest.CardSet(2), agenttest.CardSet(4)}, 4, 4},
		"the same again":         {study.Flashcards, []string{agenttest.CardSet(2)}, 3, 2},
		"a plan's same sessions": {study.Plan, []string{plan}, 3, 2},
		"a topic twice a day":    {study.Plan, []string{strings.ReplaceAll(strings.ReplaceAll(plan, "anaphase", "prophase"), `"day":2`, `"day":1`)}, 2, 2},
	} {
		req := agenttest.Asking(c.typ)
		req.Options.Count = c.asked
		var w watched
		_, err := newBench(agenttest.Says(c.answers...), Options{}).Run(t.Context(), req, &w)
		if err != nil || len(w.items) != c.shown {
			t.Errorf("%s: %v, items %+v", name, err, w.items)
		}
	}
}

func TestAnUnsafeAnswerIsWithheld(t *testing.T) {
	bad := strings.Replace(agenttest.CardSet(2), "the chromosomes condense", "how to make a pipe bomb", 1)
	b := newBench(agenttest.Says(bad), Options{Deterministic: true})
	_, err := b.Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
	agenttest.FailsWith(t, err, study.CodeWithheld, "pipe")
	if len(b.Cache.Keys()) != 0 || len(b.Store.Talks) != 0 || len(b.Store.Contents) != 0 {
		t.Error("data of a withheld answer was stored")
	}
	if x := b.Store.Executions[0]; x.Success || x.ErrorCode != study.CodeWithheld {
		t.Errorf("execution %+v", x)
	}
}

func TestAChatThatTurnsUnsafeIsCutBeforeItsWords(t *testing.T) {
	for name, pieces := range map[string][]string{
		"in words":        strings.SplitAfter("Well, here is how to make a pipe bomb: take some", " "),
		"in letters":      strings.Split("Well, here is how to make a pipe bomb: take some", ""),
		"at once":         {"Well, here is how to make a pipe bomb: take some"},
		"as the last one": strings.SplitAfter("Well, here is how to make a pipe bomb", " "),
	} {
		t.Run(name, func(t *testing.T) {
			var after int
			b := newBench(&agenttest.Model{Answer: func(ctx context.Context, _ int, _ study.Prompt, onText func(string)) (study.Answer, error) {
				for _, p := range pieces {
					if ctx.Err() != nil {
						after++
					}
					onText(p)
				}
				return study.Answer{Text: strings.Join(pieces, "")}, ctx.Err()
			}}, Options{})
			var w watched
			_, err := b.Run(t.Context(), agenttest.Asking(study.Chat), &w)
			agenttest.FailsWith(t, err, study.CodeWithheld)
			if told := strings.Join(w.tokens, ""); strings.Contains(told, "bomb") {
				t.Errorf("received %q", told)
			}
			if name == "in words" && after == 0 {
				t.Error("the model was not stopped")
			}
		})
	}
}

func TestErrorsOfTheModelPassThrough(t *testing.T) {
	b := newBench(&agenttest.Model{Answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
		return study.Answer{}, &study.Error{Code: study.CodeUpstreamUnavailable, Message: "busy", RetryAfter: time.Minute}
	}}, Options{})
	_, err := b.Run(t.Context(), agenttest.Asking(study.Quiz), nil)
	if e := agenttest.FailsWith(t, err, study.CodeUpstreamUnavailable); e.RetryAfter != time.Minute || b.Model.Calls() != 1 {
		t.Errorf("%+v after %d calls", e, b.Model.Calls())
	}
}

func TestARunEndsWhenItsContextDoes(t *testing.T) {
	mine := study.Errorf(study.CodeUnavailable, "going down")
	for name, c := range map[string]struct {
		end  func(context.Context) (context.Context, context.CancelFunc)
		code study.Code
	}{
		"a deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, study.CodeTimeout},
		"cancelled": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, study.CodeUnavailable},
		"a cause of ours": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, time.Second, mine)
		}, study.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(agenttest.Hangs(), Options{})
				ctx, cancel := c.end(t.Context())
				defer cancel()
				began := time.Now()
				_, err := b.Run(ctx, agenttest.Asking(study.Quiz), nil)
				agenttest.FailsWith(t, err, c.code)
				if name == "a cause of ours" && !errors.Is(err, mine) {
					t.Errorf("the cause is lost: %v", err)
				}
				if took := time.Since(began); took != time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

func TestOneAnswerHasItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(agenttest.Hangs(), Options{AnswerTimeout: 7 * time.Second})
		began := time.Now()
		_, err := b.Run(t.Context(), agenttest.Asking(study.Quiz), nil)
		agenttest.FailsWith(t, err, study.CodeTimeout)
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestPanicsAnywhereBecomeErrorsWithoutWords(t *testing.T) {
	boom := func(method string) func(string) error {
		return func(m string) error {
			if m == method {
				panic("SECRET " + m)
			}
			return nil
		}
	}
	for name, spoil := range map[string]func(*bench) Observer{
		"model": func(b *bench) Observer {
			b.Model.Answer = func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) { panic("SECRET model") }
			return Observer{}
		},
		"nil map in the model": func(b *bench) Observer {
			b.Model.Answer = func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
				var m map[string]int
				m["SECRET"] = 1 //nolint:govet,staticcheck // the panic is the point
				return study.Answer{}, nil
			}
			return Observer{}
		},
		"cache":           func(b *bench) Observer { b.Cache.Panics = true; return Observer{} },
		"AppendMessages":  func(b *bench) Observer { b.Store.Fail = boom("AppendMessages"); return Observer{} },
		"RecordExecution": func(b *bench) Observer { b.Store.Fail = boom("RecordExecution"); return Observer{} },
		"observer":        func(*bench) Observer { return Observer{Progress: func(study.Progress) { panic("SECRET observer") }} },
		"observer, later": func(*bench) Observer {
			return Observer{Progress: func(p study.Progress) {
				if p.Step == 4 {
					panic("SECRET observer")
				}
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Quiz)), Options{})
			observer := spoil(b)
			_, err := b.Orchestrator.Run(t.Context(), NewID(), agenttest.Asking(study.Quiz), observer)
			agenttest.FailsWith(t, err, study.CodeInternal, "SECRET")
			log := b.Log.String()
			if strings.Contains(log, "SECRET") || !strings.Contains(log, "panic in a run") || !strings.Contains(log, ".go:") {
				t.Errorf("the log lacks the stack, or contains text of the student: %s", log)
			}
			if name != "RecordExecution" && (len(b.Store.Executions) != 1 || b.Store.Executions[0].ErrorCode != study.CodeInternal) {
				t.Errorf("executions %+v", b.Store.Executions)
			}
		})
	}
}

func TestNeitherErrorsNorLogsHoldAStudentsWords(t *testing.T) {
	req := agenttest.Asking(study.Quiz)
	req.Message, req.Options.Content, req.Options.Topic = "SECRET message", "SECRET content", "SECRET topic"
	for name, m := range map[string]*agenttest.Model{
		"garbage":  agenttest.Says("SECRET answer"),
		"unsafe":   agenttest.Says(strings.Replace(agenttest.GoodAnswer(study.Quiz), "Mitosis", "SECRET: you deserve to die", 1)),
		"no shape": agenttest.Says(`{"quiz": {"title": "SECRET", "questions": [{"question": "SECRET", "type": "SECRET"}]}}`),
		"panic": {Answer: func(_ context.Context, _ int, p study.Prompt, _ func(string)) (study.Answer, error) {
			panic(p.Turns[1].Text)
		}},
	} {
		b := newBench(m, Options{})
		b.Store.Fail = func(method string) error {
			if method == "Session" {
				return study.Errorf(study.CodeUnavailable, "locked")
			}
			return nil
		}
		_, err := b.Run(t.Context(), req, nil)
		if err == nil || strings.Contains(err.Error(), "SECRET") || strings.Contains(b.Log.String(), "SECRET") {
			t.Errorf("%s: error %v, log %s", name, err, b.Log)
		}
		if x := b.Store.Executions[0]; strings.Contains(agenttest.JSON(x), "SECRET") {
			t.Errorf("%s: the execution contains text of the student: %+v", name, x)
		}
	}
}

func TestAnAnswerThatCannotBeSavedIsStillGiven(t *testing.T) {
	for _, method := range []string{"AppendMessages", "SaveContent"} {
		b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Quiz)), Options{})
		b.Store.Fail = func(m string) error {
			if m == method {
				return study.Errorf(study.CodeUnavailable, "locked")
			}
			return nil
		}
		out, err := b.Run(t.Context(), agenttest.Asking(study.Quiz), nil)
		if err != nil || out.Result.Saved == nil || !out.Result.Saved.Failed || len(out.Result.Warnings) != 1 || !strings.HasPrefix(out.Result.Warnings[0], "not saved") {
			t.Errorf("%s: %v, %+v", method, err, out)
		}
	}
}

func TestSavingGoesOnWhenTheRunsTimeIsOver(t *testing.T) {
	b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Quiz)), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	out, err := b.Orchestrator.Run(ctx, NewID(), agenttest.Asking(study.Quiz), Observer{Progress: func(p study.Progress) {
		if p.CurrentAgent == "formatter" {
			cancel()
		}
	}})
	if err != nil || out.Result.Saved == nil || len(b.Store.Talks[agenttest.SessionID]) != 2 {
		t.Errorf("%v, saved %+v", err, out.Result.Saved)
	}
}

func TestARequestWithoutSessionOrWordsGetsOne(t *testing.T) {
	b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Quiz)), Options{})
	req := agenttest.Asking(study.Quiz)
	req.SessionID, req.Message = "", ""
	out, err := b.Run(t.Context(), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	talk := b.Store.Talks[out.Result.SessionID]
	if len(out.Result.SessionID) != 36 || len(talk) != 1 || talk[0].Role != study.RoleAssistant {
		t.Errorf("session %q, messages %+v", out.Result.SessionID, talk)
	}
}

func BenchmarkRun(b *testing.B) {
	for _, typ := range []study.Type{study.Chat, study.Quiz} {
		for name, noCache := range map[string]bool{"made": true, "cached": false} {
			b.Run(string(typ)+"/"+name, func(b *testing.B) {
				o := newBench(agenttest.Says(agenttest.GoodAnswer(typ)), Options{})
				answer := study.Answer{Text: agenttest.GoodAnswer(typ), Model: "fake-1"}
				o.Model.Answer = func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) { return answer, nil }
				req := agenttest.Asking(typ)
				req.NoCache = noCache
				b.ReportAllocs()
				for b.Loop() {
					if _, err := o.Run(b.Context(), req, &watched{}); err != nil {
						b.Fatal(err)
					}
					o.Model.Prompts, o.Store.Contents, o.Store.Executions = nil, nil, nil
					clear(o.Store.Talks)
					clear(o.Store.Sessions)
				}
			})
		}
	}
}
