package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"studysharper/app/store"
	"studysharper/app/study"
)

// attemptAt returns an attempt with one answer about a topic.
func attemptAt(c study.Content, topic string, points, possible int) study.Attempt {
	a := study.Attempt{ContentID: c.ID, UserID: c.UserID, DurationMS: 1500, Answers: []study.GradedAnswer{{ItemID: "q1", Type: study.ShortAnswer, Topic: topic, Answer: "é", CorrectAnswer: true,
		Correct: points == possible, Points: points, Possible: possible, CheckedBy: study.ByRules}}}
	a.Sum()
	return a
}

func addQuiz(t *testing.T, s store.Store, user string) study.Content {
	t.Helper()
	return must(s.SaveContent(t.Context(), study.Content{UserID: user, Type: study.Quiz, Data: []byte(aids[study.Quiz])}))(t)
}

var attemptTests = map[string]func(*testing.T, store.Store){
	"AnAttemptIsKeptAsItWasGraded": func(t *testing.T, s store.Store) {
		c := addQuiz(t, s, "ada")
		saved := must(s.SaveAttempt(t.Context(), attemptAt(c, "Cells", 0, 5)))(t)
		got := must(s.Attempt(t.Context(), "ada", study.Quiz, strings.ToUpper(c.ID), 1))(t)
		if fmt.Sprint(got) != fmt.Sprint(saved) || got.N != 1 || got.ContentID != c.ID || got.UserID != "ada" || !recent(got.CreatedAt) || got.DurationMS != 1500 ||
			got.Answers[0].Answer != "é" || got.Answers[0].CorrectAnswer != true || got.TotalPoints != 5 || !slices.Equal(got.Wrong, []string{"q1"}) || got.Topics["Cells"].Possible != 5 {
			t.Errorf("got %+v, saved %+v", got, saved)
		}
	},
	"AttemptsAreListedNewestFirst": func(t *testing.T, s store.Store) {
		c, other := addQuiz(t, s, "ada"), addQuiz(t, s, "ada")
		must(s.SaveAttempt(t.Context(), attemptAt(other, "x", 1, 1)))(t)
		for range 5 {
			must(s.SaveAttempt(t.Context(), attemptAt(c, "Cells", 1, 1)))(t)
		}
		var got, all []string
		for cursor, more := "", true; more; more = cursor != "" {
			list, next, err := s.Attempts(t.Context(), "ada", study.Quiz, c.ID, store.Page{Limit: 2, Before: cursor})
			ok(t, err)
			for _, a := range list {
				got = append(got, fmt.Sprint(a.N))
			}
			cursor = next
		}
		same(t, got, "5", "4", "3", "2", "1")
		for cursor, more := "", true; more; more = cursor != "" {
			list, next, err := s.UserAttempts(t.Context(), "ada", store.Page{Limit: 2, Before: cursor})
			ok(t, err)
			for _, a := range list {
				all = append(all, fmt.Sprint(a.ContentID == c.ID, a.N))
			}
			cursor = next
		}
		same(t, all, "true 5", "true 4", "true 3", "true 2", "true 1", "false 1")
		_, _, err := s.Attempts(t.Context(), "ada", study.Quiz, c.ID, store.Page{Before: "x"})
		wantFault(t, err, "before")
		_, _, err = s.UserAttempts(t.Context(), "ada", store.Page{Before: "x"})
		wantFault(t, err, "before")
	},
	"AnothersAttemptIsNotFound": func(t *testing.T, s store.Store) {
		c := addQuiz(t, s, "ada")
		must(s.SaveAttempt(t.Context(), attemptAt(c, "Cells", 1, 1)))(t)
		deck := addDeck(t, s, "ada", "a", deckOf("", "a?"))
		for _, w := range []struct {
			user, id string
			of       study.Type
			n        int64
		}{{"bob", c.ID, study.Quiz, 1}, {"ada", c.ID, study.Exam, 1}, {"ada", noID, study.Quiz, 1}, {"ada", "x' --", study.Quiz, 1}, {"\xff", c.ID, study.Quiz, 1}, {"ada", c.ID, study.Quiz, 2}} {
			_, err := s.Attempt(t.Context(), w.user, w.of, w.id, w.n)
			wantCode(t, err, study.CodeNotFound)
			_, err = s.UpdateAttempt(t.Context(), w.user, w.of, w.id, w.n, func(*study.Attempt) error { return errors.New("called") })
			wantCode(t, err, study.CodeNotFound)
			if w.n == 1 {
				_, _, err = s.Attempts(t.Context(), w.user, w.of, w.id, store.Page{})
				wantCode(t, err, study.CodeNotFound)
			}
		}
		for _, bad := range []study.Attempt{{ContentID: c.ID, UserID: "bob"}, {ContentID: c.ID}, {ContentID: noID, UserID: "ada"}, {ContentID: "x", UserID: "ada"}, {ContentID: deck.ID, UserID: "ada"}} {
			_, err := s.SaveAttempt(t.Context(), bad)
			wantCode(t, err, study.CodeNotFound)
		}
		must(s.Attempt(t.Context(), "", study.Quiz, c.ID, 1))(t)
	},
	"AnAttemptIsOverruled": func(t *testing.T, s store.Store) {
		c := addQuiz(t, s, "ada")
		saved := must(s.SaveAttempt(t.Context(), attemptAt(c, "Cells", 0, 5)))(t)
		_, err := s.UpdateAttempt(t.Context(), "ada", study.Quiz, c.ID, 1, func(a *study.Attempt) error {
			a.Mark("q1", true, study.ByStudent)
			return study.Errorf(study.CodeInvalid, "no")
		})
		wantCode(t, err, study.CodeInvalid)
		if got := must(s.Attempt(t.Context(), "ada", study.Quiz, c.ID, 1))(t); fmt.Sprint(got) != fmt.Sprint(saved) {
			t.Errorf("a refused change left %+v", got)
		}
		same(t, must(s.WeakTopics(t.Context(), "ada"))(t), "Cells")
		changed := must(s.UpdateAttempt(t.Context(), "", study.Quiz, c.ID, 1, func(a *study.Attempt) error {
			a.Mark("q1", true, study.ByStudent)
			a.Sum()
			return nil
		}))(t)
		got := must(s.Attempt(t.Context(), "ada", study.Quiz, c.ID, 1))(t)
		if fmt.Sprint(got) != fmt.Sprint(changed) || got.Points != 5 || len(got.Wrong) > 0 || !got.CreatedAt.Equal(saved.CreatedAt) || got.Answers[0].CheckedBy != study.ByStudent {
			t.Errorf("%+v", got)
		}
		same(t, must(s.WeakTopics(t.Context(), "ada"))(t))
	},
	"TheNewestAttemptsAreKept": func(t *testing.T, s store.Store) {
		c, other := addQuiz(t, s, "ada"), addQuiz(t, s, "ada")
		must(s.SaveAttempt(t.Context(), attemptAt(other, "x", 1, 1)))(t)
		before := must(s.Holding(t.Context(), "ada"))(t)
		size := int64(0)
		for i := range store.KeptAttempts + 2 {
			must(s.SaveAttempt(t.Context(), attemptAt(c, "Cells", 1, 1)))(t)
			if i == 0 {
				size = must(s.Holding(t.Context(), "ada"))(t).OtherBytes - before.OtherBytes
			}
		}
		list := rows(s.Attempts(t.Context(), "ada", study.Quiz, c.ID, store.Page{Limit: store.MaxRows}))(t)
		if len(list) != store.KeptAttempts || list[0].N != store.KeptAttempts+2 || list[len(list)-1].N != 3 {
			t.Errorf("%d kept, from %d to %d", len(list), list[0].N, list[len(list)-1].N)
		}
		if after := must(s.Holding(t.Context(), "ada"))(t); size <= 0 || after.OtherBytes != before.OtherBytes+store.KeptAttempts*size || after.Items != before.Items {
			t.Errorf("held %+v, before %+v, one is %d", after, before, size)
		}
		ok(t, s.DeleteContent(t.Context(), "ada", study.Quiz, c.ID))
		if left := rows(s.UserAttempts(t.Context(), "ada", store.Page{Limit: store.MaxRows}))(t); len(left) != 1 {
			t.Errorf("%d are left of one", len(left))
		}
		big := attemptAt(other, "x", 1, 1)
		big.Answers[0].Answer = strings.Repeat("x", store.MaxAttemptBytes)
		_, err := s.SaveAttempt(t.Context(), big)
		wantFault(t, err, "answers")
	},
	"TwoAttemptsAtOnceGetTwoNumbers": func(t *testing.T, s store.Store) {
		c := addQuiz(t, s, "ada")
		var both sync.WaitGroup
		for range 8 {
			both.Go(func() {
				if _, err := s.SaveAttempt(t.Context(), attemptAt(c, "Cells", 1, 1)); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		if list := rows(s.Attempts(t.Context(), "ada", study.Quiz, c.ID, store.Page{Limit: 20}))(t); len(list) != 8 || list[0].N != 8 {
			t.Errorf("%d attempts, the last is %d", len(list), list[0].N)
		}
	},
	"WeakTopicsAreThoseOfTheNewestAttempts": func(t *testing.T, s store.Store) {
		c := addQuiz(t, s, "ada")
		bobs := addQuiz(t, s, "bob")
		must(s.SaveAttempt(t.Context(), attemptAt(bobs, "Bob's", 0, 1)))(t)
		must(s.SaveAttempt(t.Context(), attemptAt(c, "Old", 0, 10)))(t)
		for range 18 {
			must(s.SaveAttempt(t.Context(), attemptAt(c, "Good", 7, 10)))(t)
		}
		must(s.SaveAttempt(t.Context(), attemptAt(c, "Weak", 6, 10)))(t)
		same(t, must(s.WeakTopics(t.Context(), "ada"))(t), "Old", "Weak")
		must(s.SaveAttempt(t.Context(), attemptAt(c, "Worse", 1, 10)))(t)
		same(t, must(s.WeakTopics(t.Context(), "ada"))(t), "Worse", "Weak")
		same(t, must(s.WeakTopics(t.Context(), "nobody"))(t))
		_, err := s.WeakTopics(t.Context(), "")
		wantFault(t, err, "user_id")
	},
}
