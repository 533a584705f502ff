package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/store"
	"studysharper/app/study"
)

// Filled is how many notes Fill stores for a user: more than DeleteUser removes in one batch.
const Filled = 60

// Fill stores data of every kind that a Store has for a user. It calls the store's Run and lets it end.
func Fill(t *testing.T, s store.Store, user string) {
	t.Helper()
	ctx := t.Context()
	for i := range Filled {
		must(s.CreateNote(ctx, study.Note{UserID: user, Title: fmt.Sprintf("Note %d of %s", i, user), Content: fmt.Sprintf("Text %d of %s.", i, user)}))(t)
	}
	for kind, name := range study.ContentTypes() {
		for range 5 {
			v := must(s.SaveContent(ctx, study.Content{UserID: user, Type: kind, Title: name + " of " + user, Data: []byte(aids[kind])}))(t)
			ok(t, s.SaveFeedback(ctx, study.Feedback{UserID: user, ContentType: name, ContentID: v.ID, Rating: 4, Text: "good, says " + user, Issues: []string{"short"}}))
		}
	}
	for _, c := range rows(s.Contents(ctx, store.ContentQuery{UserID: user, Type: study.Quiz, Page: store.Page{Limit: 2}}))(t) {
		must(s.SaveAttempt(ctx, attemptAt(c, "what "+user+" cannot do", 1, 2)))(t)
	}
	cards := rows(s.UserCards(ctx, user, store.Page{Limit: 1}))(t)
	schedule := func(m study.CardMemory, _ int, at time.Time, _ study.ReviewSettings) study.CardMemory {
		m.State, m.Reps, m.ReviewedAt, m.Due = study.CardReview, m.Reps+1, at, at.Add(time.Hour)
		return m
	}
	must(s.ReviewCard(ctx, study.Review{ID: uuid.NewString(), UserID: user, CardID: cards[0].ID, Rating: study.RatingGood, Duration: time.Second}, schedule))(t)
	must(s.SaveReviewSettings(ctx, study.ReviewSettings{UserID: user, DesiredRetention: .8, NewPerDay: 7}))(t)
	for i := range 25 {
		r, v := begun()
		r.UserID, v.UserID, v.Title = user, user, fmt.Sprintf("Talk %d of %s", i, user)
		ok(t, s.BeginRun(ctx, r, v, from(study.RoleUser, "why, asks "+user)))
		ok(t, s.AppendMessages(ctx, v, from(study.RoleAssistant, "because")))
		ok(t, s.KeepSessionSource(ctx, v.ID, nil, "text of "+user))
	}
	ok(t, s.CreateAccount(ctx, study.Account{UserID: user, CodeHash: []byte("code of " + user)}))
	must(s.OpenDevice(ctx, study.Device{UserID: user, Name: "browser"}))(t)
	must(s.SavePreferences(ctx, study.Preferences{UserID: user, Difficulty: study.Hard}))(t)
	key := store.Key{UserID: user, Key: "k", Fingerprint: "f"}
	if _, _, err := s.Once(ctx, key, func(context.Context) (store.Answer, error) { return store.Answer{Status: 200, Body: []byte("{}")}, nil }); err != nil {
		t.Fatal(err)
	}
	s.RecordExecution(study.Execution{RunID: uuid.NewString(), UserID: user, Type: study.Chat, Success: true, Tokens: 7})
	ended, cancel := context.WithCancel(ctx)
	cancel()
	ok(t, s.Run(ended)) // writes the recorded executions
}

// aids are aids of each type as JSON.
var aids = map[study.Type]string{
	study.Flashcards: `{"flashcards":[{"id":"c1","question":"What is ATP?","answer":"Energy","topic":"Cells","difficulty":"easy"}],"total_count":1,"topics_covered":["Cells"]}`,
	study.Quiz:       `{"quiz":{"title":"Q","questions":[{"id":"q1","type":"true_false","question":"Is it?","correct_answer":true,"points":1}]},"total_points":1,"estimated_time_minutes":1}`,
	study.Exam: `{"exam":{"title":"E","duration_minutes":10,"total_points":100,"sections":[{"section_name":"A","instructions":"Do.","time_estimate_minutes":10,
		"questions":[{"id":"q1","type":"short_answer","question":"Why?","sample_answer":"So.","rubric":"All.","points":100}]}]}}`,
	study.Summary:  `{"summary":{"title":"S","main_points":[{"id":"p1","point":"P","details":"D","importance":"high"}],"key_terms":[]},"word_count":2,"estimated_reading_time_minutes":1}`,
	study.Analysis: `{"analysis":{"strengths":["s"],"gaps":["g"],"key_concepts":["k"],"suggestions":["do"]}}`,
	study.Plan:     `{"plan":{"title":"P","sessions":[{"id":"s1","day":1,"topic":"T","activities":["read"],"minutes":30}]}}`,
}

// kept counts the rows in a user's lists, by kind.
func kept(t *testing.T, s store.Store, user string) map[string]int {
	t.Helper()
	ctx, all := t.Context(), store.Page{Limit: store.MaxRows}
	counts := map[string]int{
		"notes":    len(rows(s.Notes(ctx, store.NoteQuery{UserID: user, Page: all}))(t)),
		"found":    len(rows(s.Notes(ctx, store.NoteQuery{UserID: user, Search: "text", Page: all}))(t)),
		"reviews":  len(rows(s.UserReviews(ctx, user, all))(t)),
		"attempts": len(rows(s.UserAttempts(ctx, user, all))(t)),
		"cards":    len(rows(s.UserCards(ctx, user, all))(t)),
		"ratings":  len(rows(s.Ratings(ctx, user, all))(t)),
		"sessions": len(rows(s.Sessions(ctx, user, all))(t)),
		"activity": len(rows(s.Activity(ctx, user, all))(t)),
	}
	for kind, n := range must(s.ContentStats(ctx, user))(t) {
		counts[string(kind)] = n
	}
	if !must(s.Preferences(ctx, user))(t).UpdatedAt.IsZero() {
		counts["preferences"] = 1
	}
	return counts
}

var userDataTests = map[string]func(*testing.T, store.Store){
	"AUserIsDeletedWithEverythingAndNobodyElse": func(t *testing.T, s store.Store) {
		Fill(t, s, "ada")
		Fill(t, s, "bob")
		sessions := rows(s.Sessions(t.Context(), "ada", store.Page{Limit: 1}))(t)
		run := must(s.NewestRun(t.Context(), sessions[0].ID))(t)
		before := kept(t, s, "bob")
		if before["notes"] != Filled || before["found"] != Filled || before["sessions"] != 25 || before["preferences"] != 1 || before["activity"] != 1 || before["ratings"] != 5*len(study.ContentTypes()) {
			t.Fatalf("bob has %v", before)
		}
		ok(t, s.DeleteUser(t.Context(), "ada"))
		for kind, n := range kept(t, s, "ada") {
			if n != 0 {
				t.Errorf("%d %s are left", n, kind)
			}
		}
		_, err := s.RunByID(t.Context(), run.ID)
		wantCode(t, err, study.CodeNotFound)
		_, err = s.Account(t.Context(), "ada")
		wantCode(t, err, study.CodeNotFound)
		must(s.Account(t.Context(), "bob"))(t)
		if got := rows(s.Messages(t.Context(), sessions[0].ID, store.Page{Limit: 9}))(t); len(got) > 0 {
			t.Errorf("left: %v", got)
		}
		if after := kept(t, s, "bob"); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("bob has %v, had %v", after, before)
		}
		ok(t, s.DeleteUser(t.Context(), "ada")) // it may be repeated
		ok(t, s.DeleteUser(t.Context(), "nobody"))
		wantFault(t, s.DeleteUser(t.Context(), ""), "user_id")
	},
	"RatingsComeInPages": func(t *testing.T, s store.Store) {
		var want []string
		for i := range 5 {
			v := must(s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Quiz, Data: []byte(`{}`)}))(t)
			ok(t, s.SaveFeedback(t.Context(), study.Feedback{UserID: "ada", ContentType: "quizzes", ContentID: v.ID, Rating: i + 1, Text: "t", Issues: []string{"x"}}))
			want = append([]string{fmt.Sprint(i+1, v.ID)}, want...)
		}
		var got []string
		for cursor := "start"; cursor != ""; {
			if cursor == "start" {
				cursor = ""
			}
			page, next, err := s.Ratings(t.Context(), "ada", store.Page{Limit: 2, Before: cursor})
			ok(t, err)
			for _, r := range page {
				got = append(got, fmt.Sprint(r.Rating, r.ContentID))
				if r.UserID != "ada" || r.ContentType != "quizzes" || r.Text != "t" || len(r.Issues) != 1 || !recent(r.CreatedAt) {
					t.Errorf("%+v", r)
				}
			}
			cursor = next
		}
		same(t, got, want...)
		_, _, err := s.Ratings(t.Context(), "ada", store.Page{Before: "x"})
		wantFault(t, err, "before")
	},
}
