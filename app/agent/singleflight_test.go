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

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

func TestTheSameQuestionAgainIsAnsweredFromTheCache(t *testing.T) {
	for _, typ := range study.Types() {
		b := newBench(agenttest.Says(agenttest.GoodAnswer(typ)), Options{})
		first, err := b.Run(t.Context(), agenttest.Asking(typ), nil)
		if err != nil {
			t.Fatal(err)
		}
		again := agenttest.Asking(typ)
		again.SessionID = strings.Replace(agenttest.SessionID, "1", "2", 1)
		again.Message = "  Help me\n learn this. "
		var w watched
		out, err := b.Run(t.Context(), again, &w)
		if err != nil {
			t.Fatal(err)
		}
		if !out.FromCache || out.Age != 3*time.Second || b.Model.Calls() != 1 || !reflect.DeepEqual(out.Result.Data, first.Result.Data) {
			t.Errorf("%s: %d calls, %+v", typ, b.Model.Calls(), out)
		}
		if !reflect.DeepEqual(out.Result.Validation, first.Result.Validation) {
			t.Errorf("%s: validation %+v became %+v", typ, first.Result.Validation, out.Result.Validation)
		}
		agenttest.CheckSteps(t, w.progress)
		if m := out.Result.Metadata; m.TokensUsed != 0 || m.ModelUsed != "fake-1" || out.Result.SessionID != again.SessionID {
			t.Errorf("%s: metadata %+v, session %s", typ, m, out.Result.SessionID)
		}
		if len(b.Store.Talks[again.SessionID]) != 2 || len(b.Store.Executions) != 2 || out.RunID == first.RunID {
			t.Errorf("%s: the second run was not saved separately", typ)
		}
		if got := w.tokens; typ == study.Chat && !slices.Equal(got, []string{agenttest.GoodAnswer(typ)}) || typ != study.Chat && got != nil {
			t.Errorf("%s: tokens %q", typ, got)
		}
	}
}

// keyFor returns the key of the answer to a request.
func keyFor(t *testing.T, b *bench, req study.Request) string {
	t.Helper()
	known, err := b.reader(req).fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b.newTask(t.Context(), "run", known, false).key
}

func TestWhatTheAnswerDependsOnIsInTheKey(t *testing.T) {
	base := agenttest.Asking(study.Quiz)
	keyOf := func(change func(*study.Request, *bench)) string {
		b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Quiz)), Options{Deterministic: true})
		req := base
		b.Store.Notes = []study.Note{note(noteID, "Cells", "All of mitosis."), {ID: noteID, UserID: "bob", Title: "Cells", Content: "All of mitosis."}}
		change(&req, b)
		return keyFor(t, b, req)
	}
	same := func(*study.Request, *bench) {}
	talk := func(text string) func(*study.Request, *bench) {
		return func(r *study.Request, b *bench) {
			r.Type = study.Chat
			b.Store.Sessions[agenttest.SessionID] = study.Session{ID: agenttest.SessionID, UserID: agenttest.Alice}
			b.Store.Talks[agenttest.SessionID] = []study.Message{{Role: study.RoleUser, Text: text}}
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
		"model":            func(_ *study.Request, b *bench) { b.deps.Model = renamed{b.Model} },
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
	b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Chat)), Options{Deterministic: true, MaterialRunes: 100})
	keyOf := func(tail string) string {
		req := agenttest.Asking(study.Chat)
		req.Options.Content += tail
		return keyFor(t, b, req)
	}
	if keyOf("") != keyOf(" And more.") {
		t.Error("text that is not used is in the key")
	}
}

type renamed struct{ *agenttest.Model }

func (renamed) Name() string { return "other" }

func TestNoCacheAsksAnewAndStillCaches(t *testing.T) {
	b := newBench(agenttest.Says(agenttest.CardSet(2), strings.Replace(agenttest.CardSet(2), "Question 0?", "Another?", 1)), Options{})
	req := agenttest.Asking(study.Flashcards)
	if _, err := b.Run(t.Context(), req, nil); err != nil {
		t.Fatal(err)
	}
	req.NoCache = true
	gets := b.Cache.Gets
	if out, err := b.Run(t.Context(), req, nil); err != nil || out.FromCache || b.Model.Calls() != 2 || b.Cache.Gets != gets {
		t.Errorf("%v, %d calls, %d reads", err, b.Model.Calls(), b.Cache.Gets-gets)
	}
	req.NoCache = false
	out, err := b.Run(t.Context(), req, nil)
	if err != nil || !out.FromCache || out.Result.Data.(*study.FlashcardSet).Flashcards[0].Question != "Another?" {
		t.Errorf("the newer answer was not cached: %v, %+v", err, out.Result.Data)
	}
}

func TestABrokenCacheEntryIsAMiss(t *testing.T) {
	for _, broken := range []string{"", "{", `{}`, `null`, `{"data": null}`, `{"data": {"flashcards": []}}`, `{"data": "text"}`} {
		b := newBench(agenttest.Says(agenttest.CardSet(2)), Options{})
		if _, err := b.Run(t.Context(), agenttest.Asking(study.Flashcards), nil); err != nil {
			t.Fatal(err)
		}
		b.Cache.Entries[b.Cache.Keys()[0]] = []byte(broken)
		out, err := b.Run(t.Context(), agenttest.Asking(study.Flashcards), nil)
		if err != nil || out.FromCache || b.Model.Calls() != 2 {
			t.Errorf("%q: %v, from cache %v", broken, err, out.FromCache)
		}
	}
}

// crowd is n runs of a request, each under its own context.
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
		c.wg.Go(func() { c.out[i], c.errs[i] = b.Run(ctx, req, &c.seen[i]) })
		synctest.Wait() // the first one leads
	}
	return c
}

func TestEqualRequestsInFlightShareOneCall(t *testing.T) {
	for _, typ := range []study.Type{study.Chat, study.Quiz} {
		synctest.Test(t, func(t *testing.T) {
			text := agenttest.GoodAnswer(typ)
			m, open := agenttest.Gated(text)
			b := newBench(m, Options{})
			c := gatherCrowd(t, b, 100, agenttest.Asking(typ))
			open()
			c.wg.Wait()
			tokens := 0
			for i := range c.out {
				if c.errs[i] != nil || c.out[i].FromCache {
					t.Fatalf("run %d: %v, %+v", i, c.errs[i], c.out[i])
				}
				tokens += c.out[i].Result.Metadata.TokensUsed
				agenttest.CheckSteps(t, c.seen[i].progress)
				if got := strings.Join(c.seen[i].tokens, ""); typ == study.Chat && got != text {
					t.Errorf("run %d received %q", i, got)
				}
			}
			if m.Calls() != 1 || tokens != 10 || len(b.Store.Executions) != 100 || len(b.flights) != 0 {
				t.Errorf("%d calls, %d tokens, %d executions, %d flights left", m.Calls(), tokens, len(b.Store.Executions), len(b.flights))
			}
		})
	}
}

func TestFollowersOutliveTheirLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, open := agenttest.Gated(agenttest.GoodAnswer(study.Chat))
		b := newBench(m, Options{})
		c := gatherCrowd(t, b, 3, agenttest.Asking(study.Chat))
		c.cancel[0]()
		synctest.Wait()
		open()
		c.wg.Wait()
		agenttest.FailsWith(t, c.errs[0], study.CodeUnavailable)
		for i := 1; i < 3; i++ {
			if c.errs[i] != nil || strings.Join(c.seen[i].tokens, "") != agenttest.GoodAnswer(study.Chat) {
				t.Errorf("run %d: %v, received %q", i, c.errs[i], c.seen[i].tokens)
			}
		}
		if m.Calls() != 1 {
			t.Errorf("%d calls", m.Calls())
		}
	})
}

func TestACallNobodyWaitsForIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := agenttest.Gated(agenttest.GoodAnswer(study.Quiz))
		b := newBench(m, Options{})
		c := gatherCrowd(t, b, 2, agenttest.Asking(study.Quiz))
		c.cancel[1]()
		c.cancel[0]()
		c.wg.Wait()
		synctest.Wait() // synctest fails the test if the flight's goroutine stays
		for _, err := range c.errs {
			agenttest.FailsWith(t, err, study.CodeUnavailable)
		}
		if len(b.flights) != 0 || len(b.Cache.Keys()) != 0 {
			t.Errorf("%d flights, %d entries left", len(b.flights), len(b.Cache.Keys()))
		}
	})
}

func TestAPanicInAFlightReachesAllAsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		b := newBench(&agenttest.Model{Answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
			<-gate
			panic("SECRET")
		}}, Options{})
		c := gatherCrowd(t, b, 3, agenttest.Asking(study.Quiz))
		close(gate)
		c.wg.Wait()
		for _, err := range c.errs {
			agenttest.FailsWith(t, err, study.CodeInternal, "SECRET")
		}
	})
}

func TestWhoWantsNoCacheWantsNoFlightEither(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, open := agenttest.Gated(agenttest.GoodAnswer(study.Quiz))
		b := newBench(m, Options{})
		req := agenttest.Asking(study.Quiz)
		req.NoCache = true
		c := gatherCrowd(t, b, 2, req)
		follower := gatherCrowd(t, b, 1, agenttest.Asking(study.Quiz))
		open()
		c.wg.Wait()
		follower.wg.Wait()
		if m.Calls() != 2 || follower.errs[0] != nil || len(b.flights) != 0 {
			t.Errorf("%d calls, %v, %d flights", m.Calls(), follower.errs[0], len(b.flights))
		}
	})
}
