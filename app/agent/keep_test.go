package agent

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"studysharper/app/study"
)

// unnamed is a request that names no session, as the HTTP face gives it on.
func unnamed(t study.Type, user string) study.Request {
	r := asking(t)
	r.UserID, r.SessionID = user, ""
	return r.InSession(newID)
}

func TestAnAnswerFromTheCacheIsNotSavedAgain(t *testing.T) {
	for _, typ := range []study.Type{study.Flashcards, study.Quiz, study.Exam, study.Summary} {
		b := newBench(says(goodAnswer(typ)), Options{})
		ask := func(user string) Outcome {
			t.Helper()
			out, err := b.Run(t.Context(), unnamed(typ, user), nil)
			if err != nil || out.Result.Saved == nil {
				t.Fatalf("%s: %v, saved %+v", typ, err, out.Result.Saved)
			}
			return out
		}
		first := ask(alice)
		for range 12 {
			out := ask(alice)
			if !out.FromCache || *out.Result.Saved != *first.Result.Saved || out.Result.SessionID != first.Result.SessionID {
				t.Errorf("%s: from cache %v, saved %+v in %s; want %+v in %s", typ, out.FromCache, out.Result.Saved, out.Result.SessionID, first.Result.Saved, first.Result.SessionID)
			}
		}
		if len(b.store.contents) != 1 || len(b.store.messages) != 1 {
			t.Errorf("%s: 13 requests made %d aids and %d sessions", typ, len(b.store.contents), len(b.store.messages))
		}
		other := ask("bob")
		if !other.FromCache || other.Result.Saved.ContentID == first.Result.Saved.ContentID || other.Result.SessionID == first.Result.SessionID {
			t.Errorf("%s: another user's first hit was saved as %+v in %s", typ, other.Result.Saved, other.Result.SessionID)
		}
		b.store.contents = slices.DeleteFunc(b.store.contents, func(c study.Content) bool { return c.UserID == alice })
		if again := ask(alice); len(b.store.contents) != 2 || again.Result.SessionID == first.Result.SessionID {
			t.Errorf("%s: what was deleted is given as saved: %+v", typ, again.Result.Saved)
		}
	}
}

func TestASessionThatWasNamedGetsItsMessagesAndTheSameAid(t *testing.T) {
	b := newBench(says(goodAnswer(study.Quiz)), Options{})
	first, err := b.Run(t.Context(), unnamed(study.Quiz, alice), nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		out, err := b.Run(t.Context(), asking(study.Quiz), nil)
		if err != nil || *out.Result.Saved != *first.Result.Saved || out.Result.SessionID != sessionID || len(b.store.messages[sessionID]) != 2*(n+1) {
			t.Errorf("%v: saved %+v, %d messages in %s", err, out.Result.Saved, len(b.store.messages[sessionID]), out.Result.SessionID)
		}
	}
}

func TestRequestsThatShareAnAnswerSaveItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(says(goodAnswer(study.Quiz)), Options{})
		got := make(chan Outcome, 13)
		for range 13 {
			go func() {
				out, err := b.Run(t.Context(), unnamed(study.Quiz, alice), nil)
				if err != nil {
					t.Error(err)
				}
				got <- out
			}()
		}
		first := <-got
		for range 12 {
			if out := <-got; *out.Result.Saved != *first.Result.Saved || out.Result.SessionID != first.Result.SessionID {
				t.Errorf("saved %+v in %s, want %+v in %s", out.Result.Saved, out.Result.SessionID, first.Result.Saved, first.Result.SessionID)
			}
		}
		if len(b.store.contents) != 1 || len(b.store.messages) != 1 {
			t.Errorf("%d aids and %d sessions", len(b.store.contents), len(b.store.messages))
		}
	})
}

func TestASynchronousRunOccupiesTheSessionThatItNames(t *testing.T) {
	b := newBench(says(goodAnswer(study.Quiz)), Options{})
	busy := study.Errorf(study.CodeConflict, "busy")
	p := &paper{begin: busy}
	n := NewRunner(b.Orchestrator, p, RunnerOptions{})
	_, _, err := n.Do(t.Context(), asking(study.Quiz))
	failsWith(t, err, study.CodeConflict)
	if b.model.calls() != 0 || n.Counts().Active != 0 {
		t.Errorf("%d calls, counts %+v", b.model.calls(), n.Counts())
	}
	if _, _, err = n.Do(t.Context(), unnamed(study.Quiz, alice)); err != nil {
		t.Error("in a session of its own:", err)
	}
	p.begin = nil
	if _, _, err = n.Do(t.Context(), asking(study.Quiz)); err != nil {
		t.Fatal(err)
	}
	if kinds := p.kinds(); !p.begun.Silent || p.begun.Session != sessionID || len(kinds) != 1 || !kinds[0].Terminal() || p.closed != 1 {
		t.Errorf("begun as %+v, events %v, closed %d times", p.begun, kinds, p.closed)
	}
}

func TestSavedIsFalseWhenTheStoreFails(t *testing.T) {
	for _, c := range []struct {
		typ  study.Type
		fail string // the store's method that fails
		want any
	}{
		{study.Quiz, "SaveContent", false},
		{study.Quiz, "AppendMessages", false},
		{study.Chat, "AppendMessages", false},
		{study.Plan, "AppendMessages", false},
		{study.Chat, "", nil},
		{study.Plan, "", nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(says(goodAnswer(c.typ)), Options{})
			b.store.fail = func(m string) error {
				if m == c.fail {
					return study.Errorf(study.CodeUnavailable, "locked")
				}
				return nil
			}
			out, err := b.Run(t.Context(), asking(c.typ), nil)
			if err != nil {
				t.Fatal(err)
			}
			var plain map[string]any
			if err := json.Unmarshal([]byte(asJSON(out.Result)), &plain); err != nil {
				t.Fatal(err)
			}
			p := &paper{}
			if _, err := NewRunner(b.Orchestrator, p, RunnerOptions{}).Start(asking(c.typ)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			kind, streamed := p.terminal(t)
			for how, got := range map[string]map[string]any{"plain": plain, "streamed": streamed} {
				saved, has := got["saved"]
				warned := strings.Contains(asJSON(got["warnings"]), "not saved")
				if !has || saved != c.want || warned != (c.want == false) || kind != study.KindComplete {
					t.Errorf("%s, %s fails, %s: saved %v (%v), warnings %v", c.typ, c.fail, how, saved, has, got["warnings"])
				}
			}
		})
	}
}
