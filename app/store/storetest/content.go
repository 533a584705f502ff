package storetest

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"studysharper/app/store"
	"studysharper/app/study"
)

var contentTests = map[string]func(*testing.T, store.Store){
	"AContentComesBackAsItWasKept": func(t *testing.T, s store.Store) {
		v := study.Content{UserID: "ada", SessionID: uuid.NewString(), Type: study.Quiz, Title: "Cells", Data: []byte(`{"quiz": {"é":1}}`)}
		kept := must(s.SaveContent(t.Context(), v))(t)
		must(s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Exam, Data: []byte(`{}`)}))(t)
		newer := must(s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Quiz, Data: []byte(`{}`)}))(t)
		got := rows(s.Contents(t.Context(), store.ContentQuery{UserID: "ada", Type: study.Quiz, Page: store.Page{Limit: 9}}))(t)
		if len(got) != 2 || got[0].ID != newer.ID || got[1].ID != kept.ID {
			t.Fatalf("got %+v, want the newer of two first", got)
		}
		g := got[1]
		if g.SessionID != v.SessionID || g.Type != v.Type || g.Title != v.Title || string(g.Data) != string(v.Data) || !recent(g.CreatedAt) || g.CreatedAt != kept.CreatedAt {
			t.Errorf("got %+v, want %+v", g, kept)
		}
		if got := rows(s.Contents(t.Context(), store.ContentQuery{UserID: "ada", Type: study.Quiz, Page: store.Page{Limit: 1}}))(t); len(got) != 1 {
			t.Errorf("a limit of 1 gave %d", len(got))
		}
		if got := rows(s.Contents(t.Context(), store.ContentQuery{UserID: "bob", Type: study.Quiz, Page: store.Page{Limit: 9}}))(t); got == nil || len(got) > 0 {
			t.Errorf("another user got %v, want an empty list", got)
		}
	},
	"AnAnswerIsKeptOnceAUser": func(t *testing.T, s store.Store) {
		v := study.Content{UserID: "ada", SessionID: uuid.NewString(), Type: study.Quiz, Title: "Cells", Data: []byte(`{}`), Answer: strings.Repeat("a", store.MaxAnswerKey)}
		const rivals = 8
		kept := make(chan study.Content, rivals)
		for range rivals {
			go func() {
				v := v
				v.SessionID = uuid.NewString()
				c, err := s.SaveContent(t.Context(), v)
				if err != nil {
					t.Error(err)
				}
				kept <- c
			}()
		}
		first := <-kept
		for range rivals - 1 {
			if got := <-kept; got.ID != first.ID || got.SessionID != first.SessionID || got.CreatedAt != first.CreatedAt {
				t.Errorf("got %+v, want what is kept already, %+v", got, first)
			}
		}
		other := v
		other.Answer = "b"
		bobs := v
		bobs.UserID = "bob"
		unnamed := v
		unnamed.Answer = ""
		for _, c := range []study.Content{other, bobs, unnamed, unnamed} {
			if got := must(s.SaveContent(t.Context(), c))(t); got.ID == first.ID || got.SessionID != c.SessionID {
				t.Errorf("%+v was taken for another's or another answer", got)
			}
		}
		if got := rows(s.Contents(t.Context(), store.ContentQuery{UserID: "ada", Type: study.Quiz, Page: store.Page{Limit: 9}}))(t); len(got) != 4 {
			t.Errorf("%d are kept, want 4", len(got))
		}
		v.Answer += "a"
		_, err := s.SaveContent(t.Context(), v)
		wantFault(t, err, "answer")
	},
	"StatsCountEveryType": func(t *testing.T, s store.Store) {
		for range 2 {
			must(s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Summary, Data: []byte(`{}`)}))(t)
		}
		must(s.SaveContent(t.Context(), study.Content{UserID: "bob", Type: study.Exam, Data: []byte(`{}`)}))(t)
		got := must(s.ContentStats(t.Context(), "ada"))(t)
		if len(got) != len(study.ContentTypes()) || got[study.Summary] != 2 || got[study.Exam] != 0 {
			t.Errorf("got %v", got)
		}
	},
	"AContentOutOfBoundsIsRefused": func(t *testing.T, s store.Store) {
		large := []byte(`"` + strings.Repeat("x", store.MaxDataBytes-2) + `"`)
		good := study.Content{UserID: "ada", Type: study.Quiz, Data: large}
		must(s.SaveContent(t.Context(), good))(t)
		for field, spoil := range map[string]func(*study.Content){
			"user_id":    func(v *study.Content) { v.UserID = "" },
			"type":       func(v *study.Content) { v.Type = study.Chat },
			"title":      func(v *study.Content) { v.Title = strings.Repeat("é", store.MaxTitleRunes+1) },
			"session_id": func(v *study.Content) { v.SessionID = "x" },
			"data":       func(v *study.Content) { v.Data = append([]byte(" "), large...) },
		} {
			v := good
			spoil(&v)
			_, err := s.SaveContent(t.Context(), v)
			wantFault(t, err, field)
		}
		for _, data := range []string{"", "{", "\"\xff\""} {
			_, err := s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Quiz, Data: []byte(data)})
			wantFault(t, err, "data")
		}
		_, _, err := s.Contents(t.Context(), store.ContentQuery{UserID: "ada", Type: study.Chat, Page: store.Page{Limit: 9}})
		wantFault(t, err, "type")
	},
	"FeedbackIsForContentOfOnesOwn": func(t *testing.T, s store.Store) {
		v := must(s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Quiz, Data: []byte(`{}`)}))(t)
		f := study.Feedback{UserID: "ada", ContentType: "quizzes", ContentID: strings.ToUpper(v.ID), Rating: 5, Text: "é", Issues: []string{"a"}}
		ok(t, s.SaveFeedback(t.Context(), f))
		f.Rating = 1
		ok(t, s.SaveFeedback(t.Context(), f))
		for _, spoil := range []func(*study.Feedback){
			func(f *study.Feedback) { f.UserID = "bob" },
			func(f *study.Feedback) { f.ContentType = "exams" },
			func(f *study.Feedback) { f.ContentID = noID },
		} {
			other := f
			spoil(&other)
			wantCode(t, s.SaveFeedback(t.Context(), other), study.CodeNotFound)
		}
	},
	"FeedbackOutOfBoundsIsRefused": func(t *testing.T, s store.Store) {
		v := must(s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Quiz, Data: []byte(`{}`)}))(t)
		issues := strings.Split(strings.Repeat(strings.Repeat("é", store.MaxTitleRunes)+",", store.MaxRatingIssues), ",")
		good := study.Feedback{UserID: "ada", ContentType: "quizzes", ContentID: v.ID, Rating: 1, Text: strings.Repeat("é", store.MaxRatingRunes), Issues: issues[:store.MaxRatingIssues]}
		ok(t, s.SaveFeedback(t.Context(), good))
		for _, bad := range []struct {
			field string
			spoil func(*study.Feedback)
		}{
			{"rating", func(f *study.Feedback) { f.Rating = 0 }},
			{"rating", func(f *study.Feedback) { f.Rating = 6 }},
			{"content_type", func(f *study.Feedback) { f.ContentType = "quiz_generation" }},
			{"content_id", func(f *study.Feedback) { f.ContentID = "x" }},
			{"user_id", func(f *study.Feedback) { f.UserID = "" }},
			{"feedback_text", func(f *study.Feedback) { f.Text += "x" }},
			{"feedback_text", func(f *study.Feedback) { f.Text = "\x00" }},
			{"issues", func(f *study.Feedback) { f.Issues = issues }},
			{"issues", func(f *study.Feedback) { f.Issues = []string{issues[0] + "x"} }},
			{"issues", func(f *study.Feedback) { f.Issues = []string{"\xff"} }},
		} {
			f := good
			bad.spoil(&f)
			wantFault(t, s.SaveFeedback(t.Context(), f), bad.field)
		}
	},
}
