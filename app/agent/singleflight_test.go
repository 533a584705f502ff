package agent

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
)

func TestTheSameQuestionAgainIsAnsweredFromTheCache(t *testing.T) {
	for _, typ := range study.Types() {
		b := newBench(says(goodAnswer(typ)), Options{})
		first, err := b.Run(t.Context(), asking(typ), nil)
		if err != nil {
			t.Fatal(err)
		}
		again := asking(typ)
		again.SessionID = strings.Replace(sessionID, "1", "2", 1)
		again.Message = "  Help me\n learn this. "
		var w watched
		out, err := b.Run(t.Context(), again, w.emit)
		if err != nil {
			t.Fatal(err)
		}
		if !out.FromCache || out.Age != 3*time.Second || b.model.calls() != 1 || !reflect.DeepEqual(out.Result.Data, first.Result.Data) {
			t.Errorf("%s: %d calls, %+v", typ, b.model.calls(), out)
		}
		if !reflect.DeepEqual(out.Result.Validation, first.Result.Validation) {
			t.Errorf("%s: validation %+v became %+v", typ, first.Result.Validation, out.Result.Validation)
		}
		checkSteps(t, w.progress(t))
		if m := out.Result.Metadata; m.TokensUsed != 0 || m.ModelUsed != "fake-1" || out.Result.SessionID != again.SessionID {
			t.Errorf("%s: metadata %+v, session %s", typ, m, out.Result.SessionID)
		}
		if len(b.store.messages[again.SessionID]) != 2 || len(b.store.executions) != 2 || out.RunID == first.RunID {
			t.Errorf("%s: the second run was not kept as its own", typ)
		}
		if got := w.tokens(t); typ == study.Chat && !slices.Equal(got, []string{goodAnswer(typ)}) || typ != study.Chat && got != nil {
			t.Errorf("%s: tokens %q", typ, got)
		}
	}
}

func TestWhatTheAnswerDependsOnIsInTheKey(t *testing.T) {
	base := asking(study.Quiz)
	keyOf := func(change func(*study.Request, *bench)) string {
		b := newBench(says(goodAnswer(study.Quiz)), Options{Deterministic: true})
		req := base
		b.store.notes = []study.Note{note(noteID, "Cells", "All of mitosis."), {ID: noteID, UserID: "bob", Title: "Cells", Content: "All of mitosis."}}
		change(&req, b)
		r := &run{Orchestrator: b.Orchestrator, req: req, asChat: req.Type == study.Chat}
		r.classify()
		if err := r.fetchContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return r.keyOf()
	}
	same := func(*study.Request, *bench) {}
	talk := func(text string) func(*study.Request, *bench) {
		return func(r *study.Request, b *bench) {
			r.Type = study.Chat
			b.store.sessions[sessionID] = study.Session{ID: sessionID, UserID: alice}
			b.store.messages[sessionID] = []study.Message{{Role: study.RoleUser, Text: text}}
		}
	}
	if keyOf(same) != keyOf(same) {
		t.Fatal("equal requests have different keys")
	}
	if !strings.HasPrefix(keyOf(same), "answer/quiz_generation/") {
		t.Errorf("got %s", keyOf(same))
	}
	seen := map[string]string{keyOf(same): "the base"}
	for name, change := range map[string]func(*study.Request, *bench){
		"type":             func(r *study.Request, _ *bench) { r.Type = study.Summary },
		"message":          func(r *study.Request, _ *bench) { r.Message += "!" },
		"option":           func(r *study.Request, _ *bench) { r.Options.QuestionCount++ },
		"material":         func(r *study.Request, _ *bench) { r.Options.Content += "." },
		"note":             func(r *study.Request, _ *bench) { r.NoteIDs = []string{noteID} },
		"another's note":   func(r *study.Request, _ *bench) { r.NoteIDs, r.UserID = []string{noteID}, "bob" },
		"conversation":     talk("one"),
		"conversation two": talk("two"),
		"chat":             func(r *study.Request, _ *bench) { r.Type = study.Chat },
		"model":            func(_ *study.Request, b *bench) { b.Model = renamed{b.model} },
	} {
		key := keyOf(change)
		if other, taken := seen[key]; taken {
			t.Errorf("%s and %s share a key", name, other)
		}
		seen[key] = name
	}
	for name, change := range map[string]func(*study.Request, *bench){
		"user":    func(r *study.Request, _ *bench) { r.UserID = "bob" },
		"session": func(r *study.Request, _ *bench) { r.SessionID = noteID },
		"spaces":  func(r *study.Request, _ *bench) { r.Message = " " + strings.ReplaceAll(r.Message, " ", "  ") },
		"ignored": func(r *study.Request, _ *bench) { r.Options.Length = study.Long },
	} {
		if keyOf(change) != keyOf(same) {
			t.Errorf("%s is in the key, though the answer does not depend on it", name)
		}
	}
}

func TestTextBeyondTheBudgetIsNotInTheKey(t *testing.T) {
	b := newBench(says(goodAnswer(study.Quiz)), Options{Deterministic: true, MaterialRunes: 100})
	keyOf := func(tail string) string {
		r := &run{Orchestrator: b.Orchestrator, req: asking(study.Quiz)}
		r.req.Options.Content += tail
		if err := r.fetchContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return r.keyOf()
	}
	if keyOf("") != keyOf(" And more.") {
		t.Error("text that is not used is in the key")
	}
}

type renamed struct{ *model }

func (renamed) Name() string { return "other" }

func TestNoCacheAsksAnewAndStillCaches(t *testing.T) {
	b := newBench(says(cardSet(2), strings.Replace(cardSet(2), "Question 0?", "Another?", 1)), Options{})
	req := asking(study.Flashcards)
	if _, err := b.Run(t.Context(), req, nil); err != nil {
		t.Fatal(err)
	}
	req.NoCache = true
	gets := b.cache.gets
	if out, err := b.Run(t.Context(), req, nil); err != nil || out.FromCache || b.model.calls() != 2 || b.cache.gets != gets {
		t.Errorf("%v, %d calls, %d reads", err, b.model.calls(), b.cache.gets-gets)
	}
	req.NoCache = false
	out, err := b.Run(t.Context(), req, nil)
	if err != nil || !out.FromCache || out.Result.Data.(*study.FlashcardSet).Flashcards[0].Question != "Another?" {
		t.Errorf("the newer answer was not cached: %v, %+v", err, out.Result.Data)
	}
}

func TestABrokenCacheEntryIsAMiss(t *testing.T) {
	for _, broken := range []string{"", "{", `{}`, `null`, `{"data": null}`, `{"data": {"flashcards": []}}`, `{"data": "text"}`} {
		b := newBench(says(cardSet(2)), Options{})
		if _, err := b.Run(t.Context(), asking(study.Flashcards), nil); err != nil {
			t.Fatal(err)
		}
		b.cache.entries[b.cache.keys()[0]] = []byte(broken)
		out, err := b.Run(t.Context(), asking(study.Flashcards), nil)
		if err != nil || out.FromCache || b.model.calls() != 2 {
			t.Errorf("%q: %v, from cache %v", broken, err, out.FromCache)
		}
	}
}

// gated is a model that answers when told to.
func gated(text string) (m *model, open func()) {
	gate := make(chan struct{})
	m = &model{answer: func(ctx context.Context, _ int, _ study.Prompt, onText func(string)) (study.Answer, error) {
		if onText != nil {
			onText("Mitosis ")
		}
		select {
		case <-gate:
		case <-ctx.Done():
			return study.Answer{}, study.Wrap(ctx.Err(), study.CodeUnavailable, "cancelled")
		}
		if onText != nil {
			onText(strings.TrimPrefix(text, "Mitosis "))
		}
		return study.Answer{Text: text, Model: "fake-1", Tokens: 10}, nil
	}}
	return m, sync.OnceFunc(func() { close(gate) })
}

// crowd starts n runs of a request, each under its own context, and waits till they wait.
type crowd struct {
	cancel []context.CancelFunc
	out    []Outcome
	errs   []error
	seen   []watched
	wg     sync.WaitGroup
}

func gatherCrowd(t *testing.T, b *bench, n int, req study.Request) *crowd {
	c := &crowd{out: make([]Outcome, n), errs: make([]error, n), seen: make([]watched, n)}
	for i := range n {
		ctx, cancel := context.WithCancel(t.Context())
		c.cancel = append(c.cancel, cancel)
		c.wg.Go(func() { c.out[i], c.errs[i] = b.Run(ctx, req, c.seen[i].emit) })
		synctest.Wait() // the first one leads
	}
	return c
}

func TestEqualRequestsInFlightShareOneCall(t *testing.T) {
	for _, typ := range []study.Type{study.Chat, study.Quiz} {
		synctest.Test(t, func(t *testing.T) {
			text := goodAnswer(typ)
			m, open := gated(text)
			b := newBench(m, Options{})
			c := gatherCrowd(t, b, 100, asking(typ))
			open()
			c.wg.Wait()
			tokens := 0
			for i := range c.out {
				if c.errs[i] != nil || c.out[i].FromCache {
					t.Fatalf("run %d: %v, %+v", i, c.errs[i], c.out[i])
				}
				tokens += c.out[i].Result.Metadata.TokensUsed
				checkSteps(t, c.seen[i].progress(t))
				if got := strings.Join(c.seen[i].tokens(t), ""); typ == study.Chat && got != text {
					t.Errorf("run %d was told %q", i, got)
				}
			}
			if m.calls() != 1 || tokens != 10 || len(b.store.executions) != 100 || len(b.flights) != 0 {
				t.Errorf("%d calls, %d tokens, %d executions, %d flights left", m.calls(), tokens, len(b.store.executions), len(b.flights))
			}
		})
	}
}

func TestFollowersOutliveTheirLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, open := gated(goodAnswer(study.Chat))
		b := newBench(m, Options{})
		c := gatherCrowd(t, b, 3, asking(study.Chat))
		c.cancel[0]()
		synctest.Wait()
		open()
		c.wg.Wait()
		failsWith(t, c.errs[0], study.CodeUnavailable)
		for i := 1; i < 3; i++ {
			if c.errs[i] != nil || strings.Join(c.seen[i].tokens(t), "") != goodAnswer(study.Chat) {
				t.Errorf("run %d: %v, told %q", i, c.errs[i], c.seen[i].tokens(t))
			}
		}
		if m.calls() != 1 {
			t.Errorf("%d calls", m.calls())
		}
	})
}

func TestACallNobodyWaitsForIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := gated(goodAnswer(study.Quiz))
		b := newBench(m, Options{})
		c := gatherCrowd(t, b, 2, asking(study.Quiz))
		c.cancel[1]()
		c.cancel[0]()
		c.wg.Wait()
		synctest.Wait() // synctest fails the test if the flight's goroutine stays
		for _, err := range c.errs {
			failsWith(t, err, study.CodeUnavailable)
		}
		if len(b.flights) != 0 || len(b.cache.keys()) != 0 {
			t.Errorf("%d flights, %d entries left", len(b.flights), len(b.cache.keys()))
		}
	})
}

func TestAPanicInAFlightReachesAllAsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		b := newBench(&model{answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
			<-gate
			panic("SECRET")
		}}, Options{})
		c := gatherCrowd(t, b, 3, asking(study.Quiz))
		close(gate)
		c.wg.Wait()
		for _, err := range c.errs {
			failsWith(t, err, study.CodeInternal, "SECRET")
		}
	})
}

func TestWhoWantsNoCacheWantsNoFlightEither(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, open := gated(goodAnswer(study.Quiz))
		b := newBench(m, Options{})
		req := asking(study.Quiz)
		req.NoCache = true
		c := gatherCrowd(t, b, 2, req)
		follower := gatherCrowd(t, b, 1, asking(study.Quiz))
		open()
		c.wg.Wait()
		follower.wg.Wait()
		if m.calls() != 2 || follower.errs[0] != nil || len(b.flights) != 0 {
			t.Errorf("%d calls, %v, %d flights", m.calls(), follower.errs[0], len(b.flights))
		}
	})
}
