package agent

import (
	"slices"
	"testing"
	"testing/synctest"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

// unnamed returns a request that names no session, as package httpapi passes it on.
func unnamed(t study.Type, user string) study.Request {
	r := agenttest.Asking(t)
	r.UserID, r.SessionID = user, ""
	return r.InSession(NewID)
}

func TestAnAnswerFromTheCacheIsNotSavedAgain(t *testing.T) {
	for _, typ := range []study.Type{study.Flashcards, study.Quiz, study.Exam, study.Summary} {
		b := newBench(agenttest.Says(agenttest.GoodAnswer(typ)), Options{})
		ask := func(user string) Outcome {
			t.Helper()
			out, err := b.Run(t.Context(), unnamed(typ, user), nil)
			if err != nil || out.Result.Saved == nil {
				t.Fatalf("%s: %v, saved %+v", typ, err, out.Result.Saved)
			}
			return out
		}
		first := ask(agenttest.Alice)
		for range 12 {
			out := ask(agenttest.Alice)
			if !out.FromCache || *out.Result.Saved != *first.Result.Saved || out.Result.SessionID != first.Result.SessionID {
				t.Errorf("%s: from cache %v, saved %+v in %s; want %+v in %s", typ, out.FromCache, out.Result.Saved, out.Result.SessionID, first.Result.Saved, first.Result.SessionID)
			}
		}
		if len(b.Store.Contents) != 1 || len(b.Store.Talks) != 1 {
			t.Errorf("%s: 13 requests made %d aids and %d sessions", typ, len(b.Store.Contents), len(b.Store.Talks))
		}
		other := ask("bob")
		if other.FromCache || !ask("bob").FromCache { // must not reveal that it was made for another user
			t.Errorf("%s: another user's first hit is reported as a hit, or the second is not", typ)
		}
		if len(b.Model.Prompts) != 1 || other.Result.Saved.ContentID == first.Result.Saved.ContentID || other.Result.SessionID == first.Result.SessionID {
			t.Errorf("%s: another user's first hit was saved as %+v in %s", typ, other.Result.Saved, other.Result.SessionID)
		}
		b.Store.Contents = slices.DeleteFunc(b.Store.Contents, func(c study.Content) bool { return c.UserID == agenttest.Alice })
		if again := ask(agenttest.Alice); len(b.Store.Contents) != 2 || again.Result.SessionID == first.Result.SessionID {
			t.Errorf("%s: a deleted aid is reported as saved: %+v", typ, again.Result.Saved)
		}
	}
}

func TestASessionThatWasNamedGetsItsMessagesAndTheSameAid(t *testing.T) {
	b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Quiz)), Options{})
	first, err := b.Run(t.Context(), unnamed(study.Quiz, agenttest.Alice), nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		out, err := b.Run(t.Context(), agenttest.Asking(study.Quiz), nil)
		if err != nil || *out.Result.Saved != *first.Result.Saved || out.Result.SessionID != agenttest.SessionID || len(b.Store.Talks[agenttest.SessionID]) != 2*(n+1) {
			t.Errorf("%v: saved %+v, %d messages in %s", err, out.Result.Saved, len(b.Store.Talks[agenttest.SessionID]), out.Result.SessionID)
		}
	}
}

func TestRequestsThatShareAnAnswerSaveItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Quiz)), Options{})
		got := make(chan Outcome, 13)
		for range 13 {
			go func() {
				out, err := b.Run(t.Context(), unnamed(study.Quiz, agenttest.Alice), nil)
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
		if len(b.Store.Contents) != 1 || len(b.Store.Talks) != 1 {
			t.Errorf("%d aids and %d sessions", len(b.Store.Contents), len(b.Store.Talks))
		}
	})
}
