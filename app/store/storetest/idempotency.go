package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"studysharper/app/store"
	"studysharper/app/study"
)

func keyOf(user, key, request string) store.Key {
	return store.Key{UserID: user, Key: key, Fingerprint: request}
}

// creates returns a request that creates a note of ada and answers with its id.
func creates(s store.Store) func(context.Context) (store.Answer, error) {
	return func(ctx context.Context) (store.Answer, error) {
		n, err := s.CreateNote(ctx, study.Note{UserID: "ada"})
		return store.Answer{Status: 201, ContentType: "application/json", Location: "/" + n.ID, Body: []byte(n.ID)}, err
	}
}

// noteCount counts ada's notes.
func noteCount(t *testing.T, s store.Store) int {
	t.Helper()
	return len(rows(s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Page: store.Page{Limit: 200}}))(t))
}

var idempotencyTests = map[string]func(*testing.T, store.Store){
	"ARequestSentAgainIsAnsweredAndNotCarriedOutAgain": func(t *testing.T, s store.Store) {
		first, replayed, err := s.Once(t.Context(), keyOf("ada", "k", "r"), creates(s))
		if ok(t, err); replayed {
			t.Error("the first is replayed")
		}
		again, replayed, err := s.Once(t.Context(), keyOf("ada", "k", "r"), creates(s))
		ok(t, err)
		if !replayed || again.Status != 201 || again.ContentType != "application/json" || again.Location != first.Location || !bytes.Equal(again.Body, first.Body) {
			t.Errorf("replayed %v: %+v, want %+v", replayed, again, first)
		}
		if n := noteCount(t, s); n != 1 {
			t.Errorf("%d notes, want 1", n)
		}
	},
	"AKeyIsOneUsersAndOneRequests": func(t *testing.T, s store.Store) {
		for _, user := range []string{"ada", "bob", ""} {
			_, replayed, err := s.Once(t.Context(), keyOf(user, "k", "r"), creates(s))
			if ok(t, err); replayed {
				t.Errorf("%q is answered what another was", user)
			}
		}
		_, _, err := s.Once(t.Context(), keyOf("ada", "k", "another"), creates(s))
		wantFault(t, err, "Idempotency-Key")
		_, _, err = s.ClaimKey(t.Context(), keyOf("ada", "k", "another"), time.Hour)
		wantFault(t, err, "Idempotency-Key")
		if n := noteCount(t, s); n != 3 {
			t.Errorf("%d notes, want 3", n)
		}
	},
	"ARequestThatFailsChangesNothingAndKeepsNothing": func(t *testing.T, s store.Store) {
		wrong := study.Errorf(study.CodeWithheld, "wrong")
		_, _, err := s.Once(t.Context(), keyOf("ada", "k", "r"), func(ctx context.Context) (store.Answer, error) {
			_, err := creates(s)(ctx)
			ok(t, err)
			return store.Answer{Status: 201}, wrong
		})
		if !errors.Is(err, wrong) {
			t.Fatalf("error %v, want the request's", err)
		}
		if n := noteCount(t, s); n != 0 {
			t.Errorf("%d notes of a request that failed", n)
		}
		_, replayed, err := s.Once(t.Context(), keyOf("ada", "k", "another"), creates(s))
		if ok(t, err); replayed || noteCount(t, s) != 1 {
			t.Error("the key of a request that failed cannot be used")
		}
	},
	"ARequestReadsWhatItChanged": func(t *testing.T, s store.Store) {
		_, _, err := s.Once(t.Context(), keyOf("ada", "k", "r"), func(ctx context.Context) (store.Answer, error) {
			n, err := s.CreateNote(ctx, study.Note{UserID: "ada", Content: "one"})
			if err != nil {
				return store.Answer{}, err
			}
			if _, err := s.Note(ctx, "ada", n.ID); err != nil {
				return store.Answer{}, err
			}
			list, _, err := s.Notes(ctx, store.NoteQuery{UserID: "ada"})
			return store.Answer{Status: 200, Body: fmt.Append(nil, len(list))}, err
		})
		ok(t, err)
	},
	"OneRequestSentManyTimesAtOnceIsCarriedOutOnce": func(t *testing.T, s store.Store) {
		var all sync.WaitGroup
		answers := make([]store.Answer, 12)
		for i := range answers {
			all.Go(func() {
				var err error
				if answers[i], _, err = s.Once(t.Context(), keyOf("ada", "k", "r"), creates(s)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, a := range answers {
			if a.Location != answers[0].Location {
				t.Errorf("answered %s and %s", a.Location, answers[0].Location)
			}
		}
		if n := noteCount(t, s); n != 1 {
			t.Errorf("%d notes, want 1", n)
		}
	},
	"AClaimedKeyIsInConflictUntilItIsSettled": func(t *testing.T, s store.Store) {
		k := keyOf("ada", "k", "r")
		c, kept, err := s.ClaimKey(t.Context(), k, time.Hour)
		if ok(t, err); kept != nil {
			t.Fatalf("a new key has the answer %+v", kept)
		}
		_, _, err = s.ClaimKey(t.Context(), k, time.Hour)
		wantCode(t, err, study.CodeConflict)
		if e := study.AsError(err); e.RetryAfter < 59*time.Minute || e.RetryAfter > time.Hour {
			t.Errorf("retry after %v, want the rest of the claim", e.RetryAfter)
		}
		_, _, err = s.Once(t.Context(), k, creates(s))
		wantCode(t, err, study.CodeConflict)
		ok(t, s.ExtendClaim(t.Context(), c, 2*time.Hour))
		ok(t, s.SettleClaim(t.Context(), c, store.Answer{Status: 200, Body: []byte("done")}))
		_, kept, err = s.ClaimKey(t.Context(), k, time.Hour)
		if ok(t, err); kept == nil || kept.Status != 200 || string(kept.Body) != "done" {
			t.Errorf("kept %+v", kept)
		}
		wantCode(t, s.ExtendClaim(t.Context(), c, time.Hour), study.CodeNotFound)
	},
	"AReleasedKeyIsNew": func(t *testing.T, s store.Store) {
		c, _, err := s.ClaimKey(t.Context(), keyOf("ada", "k", "r"), time.Hour)
		ok(t, err)
		ok(t, s.ReleaseClaim(t.Context(), c))
		_, kept, err := s.ClaimKey(t.Context(), keyOf("ada", "k", "another"), time.Hour)
		if ok(t, err); kept != nil {
			t.Errorf("kept %+v", kept)
		}
	},
	"AClaimEndsWithItsLease": func(t *testing.T, s store.Store) {
		k := keyOf("ada", "k", "r")
		died, _, err := s.ClaimKey(t.Context(), k, -time.Second)
		ok(t, err)
		_, _, err = s.ClaimKey(t.Context(), keyOf("ada", "k", "another"), time.Hour)
		wantFault(t, err, "Idempotency-Key")
		second, kept, err := s.ClaimKey(t.Context(), k, time.Hour)
		if ok(t, err); kept != nil {
			t.Fatalf("kept %+v", kept)
		}
		// If the first holder is still alive, it can neither store its answer nor release the new holder's claim.
		wantCode(t, s.ExtendClaim(t.Context(), died, time.Hour), study.CodeNotFound)
		ok(t, s.SettleClaim(t.Context(), died, store.Answer{Status: 200, Body: []byte("late")}))
		ok(t, s.ReleaseClaim(t.Context(), died))
		_, _, err = s.ClaimKey(t.Context(), k, time.Hour)
		wantCode(t, err, study.CodeConflict)
		ok(t, s.SettleClaim(t.Context(), second, store.Answer{Status: 200, Body: []byte("second")}))
		_, kept, err = s.ClaimKey(t.Context(), k, time.Hour)
		if ok(t, err); kept == nil || string(kept.Body) != "second" {
			t.Errorf("kept %+v", kept)
		}
	},
	"AnAnswerThatIsTooLargeIsCut": func(t *testing.T, s store.Store) {
		for i, size := range []int{store.MaxAnswerBytes, store.MaxAnswerBytes + 1} {
			k := keyOf("ada", fmt.Sprint(i), "r")
			body := bytes.Repeat([]byte("x"), size)
			answers := func(context.Context) (store.Answer, error) {
				return store.Answer{Status: 201, Location: "/x", Body: body}, nil
			}
			_, _, err := s.Once(t.Context(), k, answers)
			ok(t, err)
			a, replayed, err := s.Once(t.Context(), k, answers)
			ok(t, err)
			if cut := i == 1; !replayed || a.Cut != cut || a.Status != 201 || a.Location != "/x" || (len(a.Body) == 0) != cut {
				t.Errorf("%d bytes: cut %v, status %d, %d bytes", size, a.Cut, a.Status, len(a.Body))
			}
		}
	},
	"TheOldestAnswersOfAUserAreForgottenAboveTheBytes": func(t *testing.T, s store.Store) {
		const fit = store.MaxUserAnswersMB<<20/store.MaxAnswerBytes - 1
		answers := func(context.Context) (store.Answer, error) {
			return store.Answer{Status: 200, Body: make([]byte, store.MaxAnswerBytes)}, nil
		}
		once := func(user string, i int) bool {
			_, replayed, err := s.Once(t.Context(), keyOf(user, fmt.Sprint(i), "r"), answers)
			ok(t, err)
			return replayed
		}
		once("bob", 0)
		for i := range fit + 1 {
			once("ada", i)
		}
		if !once("ada", 1) || !once("ada", fit) || !once("bob", 0) {
			t.Error("more is forgotten than the oldest of the user's")
		}
		if once("ada", 0) {
			t.Error("the oldest is kept above the bound")
		}
	},
	"TheOldestAnswersOfAUserAreForgottenAboveTheirNumber": func(t *testing.T, s store.Store) {
		claim := func(i int) *store.Answer {
			c, kept, err := s.ClaimKey(t.Context(), keyOf("ada", fmt.Sprint(i), "r"), time.Hour)
			ok(t, err)
			if kept == nil {
				ok(t, s.SettleClaim(t.Context(), c, store.Answer{Status: 200}))
			}
			return kept
		}
		for i := range store.MaxUserAnswers + 1 {
			claim(i)
		}
		if claim(1) == nil || claim(store.MaxUserAnswers) == nil {
			t.Error("more is forgotten than the oldest")
		}
		if claim(0) != nil {
			t.Error("the oldest is kept above the bound")
		}
	},
}
