package agent

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
)

func TestRunAnswersEveryType(t *testing.T) {
	for _, typ := range study.Types() {
		t.Run(string(typ), func(t *testing.T) {
			b := newBench(says(goodAnswer(typ)), Options{})
			var w watched
			out, err := b.Run(t.Context(), asking(typ), w.emit)
			if err != nil {
				t.Fatal(err)
			}
			checkSteps(t, w.progress(t))
			if agent := w.progress(t)[2].CurrentAgent; agent != agents[typ] {
				t.Errorf("step 3 is done by %q", agent)
			}
			r := out.Result
			if !r.Success || r.Intent != typ || r.Data.Type() != typ || r.UserID != alice || r.SessionID != sessionID || r.Message == "" {
				t.Errorf("result %+v", r)
			}
			if r.IgnoredOptions == nil || r.Warnings == nil || len(r.Warnings) != 0 {
				t.Errorf("ignored %#v, warnings %#v", r.IgnoredOptions, r.Warnings)
			}
			if v := r.Validation; !v.Passed || v.Attempts != 1 || v.CheckedBy != "rules" || v.SafetyScore == nil || *v.SafetyScore != 1 {
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
	if listed != (len(b.store.contents) == 1) {
		t.Errorf("%d contents kept", len(b.store.contents))
	}
	for _, c := range b.store.contents {
		if c.Type != typ || c.UserID != alice || c.SessionID != sessionID || c.Title == "" || json.Unmarshal(c.Data, study.NewAid(typ)) != nil {
			t.Errorf("content %+v", c)
		}
	}
	talk := b.store.messages[sessionID]
	if len(talk) != 2 || talk[0].Role != study.RoleUser || talk[0].Text != "Help me learn this." || talk[1].Role != study.RoleAssistant || talk[1].Text == "" {
		t.Errorf("messages %+v", talk)
	}
	if len(b.store.executions) != 1 {
		t.Fatalf("%d executions", len(b.store.executions))
	}
	if e := b.store.executions[0]; !e.Success || e.Type != typ || e.RunID != out.RunID || e.Tokens != 10 || e.Model != "fake-1" || e.UserID != alice || e.SessionID != sessionID {
		t.Errorf("execution %+v", e)
	}
}

func TestAChatIsToldAsItComes(t *testing.T) {
	const text = "Mitosis divides a nucleus. Does that help?"
	b := newBench(says(text), Options{})
	b.store.sessions[sessionID] = study.Session{ID: sessionID, UserID: alice}
	b.store.messages[sessionID] = []study.Message{{Role: study.RoleUser, Text: "hi"}, {Role: study.RoleAssistant, Text: "hello"}}
	var w watched
	out, err := b.Run(t.Context(), asking(study.Chat), w.emit)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.tokens(t); len(got) < 3 || strings.Join(got, "") != text {
		t.Errorf("tokens %q", got)
	}
	reply := out.Result.Data.(*study.Reply)
	if want := (study.ContextUsed{Messages: 2, Content: true}); reply.Response != text || reply.ContextUsed != want {
		t.Errorf("reply %+v", reply)
	}
}

func TestAChatWithoutAWatcherIsNotStreamed(t *testing.T) {
	b := newBench(&model{answer: func(_ context.Context, _ int, _ study.Prompt, onText func(string)) (study.Answer, error) {
		if onText != nil {
			t.Error("the answer is streamed to nobody")
		}
		return study.Answer{Text: "Yes."}, nil
	}}, Options{})
	if _, err := b.Run(t.Context(), asking(study.Chat), nil); err != nil {
		t.Fatal(err)
	}
}

func TestAChatThatAsksForAnAidGetsOne(t *testing.T) {
	b := newBench(says(cardSet(5)), Options{})
	req := asking(study.Chat)
	req.Message = "Please make me 3 flashcards on mitosis"
	req.Options = study.Options{Content: source, Length: study.Long}
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
	if b.store.executions[0].Type != study.Flashcards {
		t.Errorf("execution of type %s", b.store.executions[0].Type)
	}
}

func TestClassifyLeavesNamedTypesAlone(t *testing.T) {
	req := study.Request{Type: study.Summary, Message: "quiz me"}
	if got := Classify(req); got != study.Summary {
		t.Errorf("got %s", got)
	}
	req.Type = study.Chat
	if got := Classify(req); got != study.Quiz {
		t.Errorf("got %s", got)
	}
}

func TestAFaultyAnswerIsSentBackForCorrection(t *testing.T) {
	b := newBench(says("I would rather talk.", `{"flashcards": [{"question": "q", "answer": ""}]}`, cardSet(2)), Options{})
	out, err := b.Run(t.Context(), asking(study.Flashcards), nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := out.Result.Validation; v.Attempts != 3 || !v.Passed || out.Result.Metadata.TokensUsed != 30 {
		t.Errorf("validation %+v, metadata %+v", v, out.Result.Metadata)
	}
	for call, want := range map[int]string{1: "there is no JSON object in the answer", 2: "flashcards[0].answer is empty"} {
		turns := b.model.prompts[call].Turns
		if len(turns) != 4 || !strings.Contains(turns[3].Text, want) {
			t.Errorf("call %d is not told %q: %+v", call+1, want, turns)
		}
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
		{"two corrections", Options{}, study.Flashcards, `{"flashcards": ["SECRET"]}`, 3, "flashcards has a value of the wrong type"},
		{"as many as set", Options{Retries: 4}, study.Flashcards, "SECRET", 5, "no JSON object"},
		{"a chat gets one", Options{}, study.Chat, "  ", 2, "response is empty"},
		{"the same call again is useless", Options{Deterministic: true}, study.Flashcards, "SECRET", 1, "no JSON object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(says(c.text), c.o)
			_, err := b.Run(t.Context(), asking(c.typ), nil)
			e := failsWith(t, err, study.CodeUpstreamFailed, "SECRET")
			if b.model.calls() != c.calls || !strings.Contains(e.Message, c.says) {
				t.Errorf("%d calls, want %d; %s", b.model.calls(), c.calls, e.Message)
			}
			if x := b.store.executions[0]; x.Success || x.ErrorCode != study.CodeUpstreamFailed || x.Tokens != 10*c.calls {
				t.Errorf("execution %+v", x)
			}
			if len(b.cache.keys()) != 0 || len(b.store.messages[sessionID]) != 0 {
				t.Error("something of a failed run was kept")
			}
		})
	}
}

const unsupported = `{"flashcards": [{"question": "Who lost at Waterloo?", "answer": "Napoleon Bonaparte", "topic": "t", "difficulty": "easy"},
	{"question": "Who won?", "answer": "Wellington with Blücher", "topic": "t", "difficulty": "easy"}]}`

func TestAnAnswerThatFailsValidationIsGivenButNotCached(t *testing.T) {
	for _, c := range []struct {
		o     Options
		calls int
	}{{Options{}, 3}, {Options{Deterministic: true}, 1}} {
		b := newBench(says(unsupported), c.o)
		out, err := b.Run(t.Context(), asking(study.Flashcards), nil)
		if err != nil {
			t.Fatal(err)
		}
		v := out.Result.Validation
		if v.Passed || v.Accuracy == nil || *v.Accuracy > .5 || len(v.Issues) != 2 || v.Attempts != c.calls || b.model.calls() != c.calls {
			t.Errorf("%d calls, validation %+v", b.model.calls(), v)
		}
		if len(b.cache.keys()) != 0 || out.Result.Saved == nil {
			t.Errorf("cached %q, saved %+v", b.cache.keys(), out.Result.Saved)
		}
	}
}

func TestTheBestAttemptIsTaken(t *testing.T) {
	b := newBench(says(unsupported, "no JSON at all"), Options{})
	out, err := b.Run(t.Context(), asking(study.Flashcards), nil)
	if err != nil || out.Result.Validation.Passed || out.Result.Validation.Attempts != 3 {
		t.Errorf("%v, %+v", err, out.Result.Validation)
	}
	failing := &model{answer: func(_ context.Context, call int, _ study.Prompt, _ func(string)) (study.Answer, error) {
		if call == 1 {
			return study.Answer{Text: unsupported, Model: "fake-1"}, nil
		}
		return study.Answer{}, study.Errorf(study.CodeUpstreamUnavailable, "busy")
	}}
	out, err = newBench(failing, Options{}).Run(t.Context(), asking(study.Flashcards), nil)
	if err != nil || study.Items(out.Result.Data) != 2 {
		t.Errorf("a failing correction lost the answer: %v", err)
	}
}

func TestAWorseCorrectionIsNotTaken(t *testing.T) {
	req := asking(study.Flashcards)
	req.Options.Count = 3
	out, err := newBench(says(cardSet(2), unsupported), Options{}).Run(t.Context(), req, nil)
	if err != nil || !out.Result.Validation.Passed {
		t.Errorf("%v, %+v", err, out.Result.Validation)
	}
}

func TestFewerItemsThanAskedAreAskedForAgainAndThenTold(t *testing.T) {
	req := asking(study.Flashcards)
	req.Options.Count = 5
	for _, c := range []struct {
		o     Options
		calls int
	}{{Options{}, 3}, {Options{Deterministic: true}, 1}} {
		b := newBench(says(cardSet(3)), c.o)
		out, err := b.Run(t.Context(), req, nil)
		if err != nil || !slices.Equal(out.Result.Warnings, []string{"made 3 of 5: the text holds no more"}) || !out.Result.Validation.Passed {
			t.Errorf("%v, %+v", err, out.Result)
		}
		if b.model.calls() != c.calls {
			t.Errorf("%d calls, want %d", b.model.calls(), c.calls)
		}
	}
	b := newBench(says(cardSet(3), cardSet(5)), Options{})
	out, err := b.Run(t.Context(), req, nil)
	if err != nil || study.Items(out.Result.Data) != 5 || len(out.Result.Warnings) != 0 {
		t.Errorf("%v, %+v", err, out.Result)
	}
}

func TestAnUnsafeAnswerIsWithheld(t *testing.T) {
	bad := strings.Replace(cardSet(2), "the chromosomes condense", "how to make a pipe bomb", 1)
	b := newBench(says(bad), Options{Deterministic: true})
	_, err := b.Run(t.Context(), asking(study.Flashcards), nil)
	failsWith(t, err, study.CodeWithheld, "pipe")
	if len(b.cache.keys()) != 0 || len(b.store.messages) != 0 || len(b.store.contents) != 0 {
		t.Error("something of a withheld answer was kept")
	}
	if x := b.store.executions[0]; x.Success || x.ErrorCode != study.CodeWithheld {
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
			b := newBench(&model{answer: func(ctx context.Context, _ int, _ study.Prompt, onText func(string)) (study.Answer, error) {
				for _, p := range pieces {
					if ctx.Err() != nil {
						after++
					}
					onText(p)
				}
				return study.Answer{Text: strings.Join(pieces, "")}, ctx.Err()
			}}, Options{})
			var w watched
			_, err := b.Run(t.Context(), asking(study.Chat), w.emit)
			failsWith(t, err, study.CodeWithheld)
			if told := strings.Join(w.tokens(t), ""); strings.Contains(told, "bomb") {
				t.Errorf("told %q", told)
			}
			if name == "in words" && after == 0 {
				t.Error("the model was not stopped")
			}
		})
	}
}

func TestStreamedWordsGoOutWholeInAnyScript(t *testing.T) {
	for _, text := range []string{
		"A spicy example: niggardly, Scunthorpe, assess.",
		strings.Repeat("光合作用", 200), strings.Repeat("x", 1000), "", "ends in a word", " \n ",
	} {
		var told []string
		g := &safetyFilter{say: func(s string) { told = append(told, s) }, stop: func(error) { t.Errorf("%q was stopped", text) }}
		for _, b := range []byte(text) { // even in the middle of a character
			g.add(string([]byte{b}))
		}
		g.flush()
		if strings.Join(told, "") != text {
			t.Errorf("%q became %q", text, told)
		}
		for _, s := range told {
			if !strings.ContainsRune(s, '\ufffd') && strings.ToValidUTF8(s, "") != s {
				t.Errorf("a character was cut in two: %q", s)
			}
		}
	}
}

func TestErrorsOfTheModelPassThrough(t *testing.T) {
	b := newBench(&model{answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
		return study.Answer{}, &study.Error{Code: study.CodeUpstreamUnavailable, Message: "busy", RetryAfter: time.Minute}
	}}, Options{})
	_, err := b.Run(t.Context(), asking(study.Quiz), nil)
	if e := failsWith(t, err, study.CodeUpstreamUnavailable); e.RetryAfter != time.Minute || b.model.calls() != 1 {
		t.Errorf("%+v after %d calls", e, b.model.calls())
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
				b := newBench(hangs(), Options{})
				ctx, cancel := c.end(t.Context())
				defer cancel()
				began := time.Now()
				_, err := b.Run(ctx, asking(study.Quiz), nil)
				failsWith(t, err, c.code)
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
		b := newBench(hangs(), Options{AnswerTimeout: 7 * time.Second})
		began := time.Now()
		_, err := b.Run(t.Context(), asking(study.Quiz), nil)
		failsWith(t, err, study.CodeTimeout)
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
	for name, spoil := range map[string]func(*bench) func(study.Event){
		"model": func(b *bench) func(study.Event) {
			b.model.answer = func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) { panic("SECRET model") }
			return nil
		},
		"nil map in the model": func(b *bench) func(study.Event) {
			b.model.answer = func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
				var m map[string]int
				m["SECRET"] = 1 //nolint:govet,staticcheck // the panic is the point
				return study.Answer{}, nil
			}
			return nil
		},
		"cache":           func(b *bench) func(study.Event) { b.cache.panics = true; return nil },
		"AppendMessages":  func(b *bench) func(study.Event) { b.store.fail = boom("AppendMessages"); return nil },
		"RecordExecution": func(b *bench) func(study.Event) { b.store.fail = boom("RecordExecution"); return nil },
		"emit":            func(*bench) func(study.Event) { return func(study.Event) { panic("SECRET emit") } },
		"emit, later": func(*bench) func(study.Event) {
			n := 0
			return func(study.Event) {
				if n++; n == 4 {
					panic("SECRET emit")
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(says(goodAnswer(study.Quiz)), Options{})
			emit := spoil(b)
			_, err := b.Run(t.Context(), asking(study.Quiz), emit)
			failsWith(t, err, study.CodeInternal, "SECRET")
			log := b.log.String()
			if strings.Contains(log, "SECRET") || !strings.Contains(log, "panic in a run") || !strings.Contains(log, ".go:") {
				t.Errorf("the log lacks the stack, or holds words: %s", log)
			}
			if name != "RecordExecution" && (len(b.store.executions) != 1 || b.store.executions[0].ErrorCode != study.CodeInternal) {
				t.Errorf("executions %+v", b.store.executions)
			}
		})
	}
}

func TestNeitherErrorsNorLogsHoldAStudentsWords(t *testing.T) {
	req := asking(study.Quiz)
	req.Message, req.Options.Content, req.Options.Topic = "SECRET message", "SECRET content", "SECRET topic"
	for name, m := range map[string]*model{
		"garbage":  says("SECRET answer"),
		"unsafe":   says(strings.Replace(goodAnswer(study.Quiz), "Mitosis", "SECRET: you deserve to die", 1)),
		"no shape": says(`{"quiz": {"title": "SECRET", "questions": [{"question": "SECRET", "type": "SECRET"}]}}`),
		"panic": {answer: func(_ context.Context, _ int, p study.Prompt, _ func(string)) (study.Answer, error) {
			panic(p.Turns[1].Text)
		}},
	} {
		b := newBench(m, Options{})
		b.store.fail = func(method string) error {
			if method == "Session" {
				return study.Errorf(study.CodeUnavailable, "locked")
			}
			return nil
		}
		_, err := b.Run(t.Context(), req, nil)
		if err == nil || strings.Contains(err.Error(), "SECRET") || strings.Contains(b.log.String(), "SECRET") {
			t.Errorf("%s: error %v, log %s", name, err, b.log)
		}
		if x := b.store.executions[0]; strings.Contains(asJSON(x), "SECRET") {
			t.Errorf("%s: the execution holds words: %+v", name, x)
		}
	}
}

func TestAnAnswerThatCannotBeSavedIsStillGiven(t *testing.T) {
	for _, method := range []string{"AppendMessages", "SaveContent"} {
		b := newBench(says(goodAnswer(study.Quiz)), Options{})
		b.store.fail = func(m string) error {
			if m == method {
				return study.Errorf(study.CodeUnavailable, "locked")
			}
			return nil
		}
		out, err := b.Run(t.Context(), asking(study.Quiz), nil)
		if err != nil || out.Result.Saved == nil || !out.Result.Saved.Failed || len(out.Result.Warnings) != 1 || !strings.HasPrefix(out.Result.Warnings[0], "not saved") {
			t.Errorf("%s: %v, %+v", method, err, out)
		}
	}
}

func TestSavingGoesOnWhenTheRunsTimeIsOver(t *testing.T) {
	b := newBench(says(goodAnswer(study.Quiz)), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	out, err := b.Run(ctx, asking(study.Quiz), func(e study.Event) {
		if strings.Contains(string(e.Fields), `"formatter"`) {
			cancel()
		}
	})
	if err != nil || out.Result.Saved == nil || len(b.store.messages[sessionID]) != 2 {
		t.Errorf("%v, saved %+v", err, out.Result.Saved)
	}
}

func TestARequestWithoutSessionOrWordsGetsOne(t *testing.T) {
	b := newBench(says(goodAnswer(study.Quiz)), Options{})
	req := asking(study.Quiz)
	req.SessionID, req.Message = "", ""
	out, err := b.Run(t.Context(), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	talk := b.store.messages[out.Result.SessionID]
	if len(out.Result.SessionID) != 36 || len(talk) != 1 || talk[0].Role != study.RoleAssistant {
		t.Errorf("session %q, messages %+v", out.Result.SessionID, talk)
	}
}

func BenchmarkRun(b *testing.B) {
	for _, typ := range []study.Type{study.Chat, study.Quiz} {
		for name, noCache := range map[string]bool{"made": true, "cached": false} {
			b.Run(string(typ)+"/"+name, func(b *testing.B) {
				o := newBench(says(goodAnswer(typ)), Options{})
				answer := study.Answer{Text: goodAnswer(typ), Model: "fake-1"}
				o.model.answer = func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) { return answer, nil }
				req := asking(typ)
				req.NoCache = noCache
				b.ReportAllocs()
				for b.Loop() {
					if _, err := o.Run(b.Context(), req, func(study.Event) {}); err != nil {
						b.Fatal(err)
					}
					o.model.prompts, o.store.contents, o.store.executions = nil, nil, nil
					clear(o.store.messages)
					clear(o.store.sessions)
				}
			})
		}
	}
}
