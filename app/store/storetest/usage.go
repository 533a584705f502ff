package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"studysharper/app/store"
	"studysharper/app/study"
)

var usageTests = map[string]func(*testing.T, store.Store){
	"WhatIsKeptOfAUserIsCounted": func(t *testing.T, s store.Store) {
		want := func(what string, h study.Holding) {
			t.Helper()
			if got := must(s.Holding(t.Context(), "ada"))(t); got != h {
				t.Errorf("%s: %+v, want %+v", what, got, h)
			}
		}
		want("nothing", study.Holding{})
		note := must(s.CreateNote(t.Context(), study.Note{UserID: "ada", Title: "é", Content: "four"}))(t)
		must(s.CreateNote(t.Context(), study.Note{UserID: "bob", Content: "another's"}))(t)
		want("a note", study.Holding{Items: 1, NoteBytes: 6})
		text := "longer than four"
		must(s.UpdateNote(t.Context(), "ada", note.ID, study.NoteChange{Content: &text}))(t)
		want("a changed note", study.Holding{Items: 1, NoteBytes: 18})
		content := study.Content{UserID: "ada", Type: study.Quiz, Data: []byte(`{}`), Answer: "one"}
		must(s.SaveContent(t.Context(), content))(t)
		must(s.SaveContent(t.Context(), content))(t) // stored only once
		want("an aid", study.Holding{Items: 2, NoteBytes: 18, OtherBytes: 2})
		session := study.Session{ID: noID, UserID: "ada"}
		again := study.Message{ID: "01890000-0000-7000-8000-000000000001", Role: study.RoleUser, Text: "hello"}
		ok(t, s.AppendMessages(t.Context(), session, again))
		ok(t, s.AppendMessages(t.Context(), session, again, study.Message{Role: study.RoleAssistant, Text: "hi"}))
		want("a conversation", study.Holding{Items: 3, NoteBytes: 18, OtherBytes: 9})
		run := study.Run{ID: "01890000-0000-7000-8000-000000000002", SessionID: noID, UserID: "ada", Type: study.Chat, Request: []byte(`{"a":1}`)}
		ok(t, s.BeginRun(t.Context(), run, session))
		want("a run", study.Holding{Items: 3, NoteBytes: 18, OtherBytes: 16})
		run.State, run.Outcome = study.RunSucceeded, []byte(`{}`)
		ok(t, s.EndRun(t.Context(), run, study.Session{}))
		want("its end", study.Holding{Items: 3, NoteBytes: 18, OtherBytes: 11})
		ok(t, s.DeleteSession(t.Context(), noID))
		ok(t, s.DeleteNote(t.Context(), "ada", note.ID))
		want("the aid alone", study.Holding{Items: 1, OtherBytes: 2})
	},
	"TokensAreCountedByDayAndUser": func(t *testing.T, s store.Store) {
		now := time.Now().UTC()
		for _, e := range []study.Execution{{UserID: "ada", Tokens: 10}, {UserID: "ada", Tokens: 5}, {UserID: "bob", Tokens: 7}, {UserID: "bob"},
			{UserID: "ada", Tokens: 100, CreatedAt: now.Add(-24 * time.Hour)}} {
			s.RecordExecution(e)
		}
		written := make(chan error, 1)
		ctx, stop := context.WithCancel(t.Context())
		go func() { written <- s.Run(ctx) }()
		stop()
		ok(t, <-written)
		for _, tt := range []struct {
			user     string
			at       time.Time
			all, own int64
		}{{"ada", now, 22, 15}, {"bob", now, 22, 7}, {"cy", now, 22, 0}, {"ada", now.Add(-24 * time.Hour), 100, 100}, {"ada", now.Add(-48 * time.Hour), 0, 0}} {
			if all, own, err := s.Tokens(t.Context(), tt.user, tt.at); all != tt.all || own != tt.own || err != nil {
				t.Errorf("%s: %d of %d, %v, want %d of %d", tt.user, own, all, err, tt.own, tt.all)
			}
		}
	},
	"SessionsNotWrittenToForLongArePruned": func(t *testing.T, s store.Store) {
		ok(t, s.AppendMessages(t.Context(), study.Session{ID: noID, UserID: "ada"}, study.Message{Role: study.RoleUser, Text: "hello"}))
		if n := must(s.PruneSessions(t.Context(), time.Now().Add(-time.Hour)))(t); n != 0 {
			t.Errorf("%d removed that are new", n)
		}
		if n := must(s.PruneSessions(t.Context(), time.Now().Add(time.Hour)))(t); n != 1 {
			t.Errorf("%d removed", n)
		}
		if got := must(s.Holding(t.Context(), "ada"))(t); got != (study.Holding{}) {
			t.Errorf("%+v is left", got)
		}
	},
}

// RunQuota checks the quotas of a store with QuotaItems 4 and QuotaBytes 100.
func RunQuota(t *testing.T, s store.Store) {
	full := func(what string, err error, number string) {
		t.Helper()
		if wantCode(t, err, study.CodeQuota); !strings.Contains(study.AsError(err).Message, number) {
			t.Errorf("%s: %v does not say %s", what, err, number)
		}
	}
	note := must(s.CreateNote(t.Context(), study.Note{UserID: "ada", Content: strings.Repeat("x", 60)}))(t)
	_, err := s.CreateNote(t.Context(), study.Note{UserID: "ada", Content: strings.Repeat("x", 41)})
	full("a note too many", err, "QUOTA_NOTES_MB")
	long, short := strings.Repeat("x", 101), strings.Repeat("x", 100)
	_, err = s.UpdateNote(t.Context(), "ada", note.ID, study.NoteChange{Content: &long})
	full("a note that grows", err, "QUOTA_NOTES_MB")
	must(s.UpdateNote(t.Context(), "ada", note.ID, study.NoteChange{Content: &short}))(t)
	must(s.CreateNote(t.Context(), study.Note{UserID: "bob", Content: short}))(t)
	quiz := must(s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Quiz, Data: []byte(`{}`)}))(t)
	_, err = s.SaveAttempt(t.Context(), attemptAt(quiz, "Cells", 0, 1))
	full("an attempt too long", err, "QUOTA_NOTES_MB")
	_, err = s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Quiz, Data: []byte(`"` + long + `"`)})
	full("an aid too large", err, "QUOTA_NOTES_MB")
	ok(t, s.AppendMessages(t.Context(), study.Session{ID: noID, UserID: "ada"}, study.Message{Role: study.RoleUser, Text: "hello"}))
	full("a conversation too long", s.AppendMessages(t.Context(), study.Session{ID: noID, UserID: "ada"}, study.Message{Role: study.RoleUser, Text: long}), "QUOTA_NOTES_MB")
	must(s.CreateNote(t.Context(), study.Note{UserID: "ada"}))(t)
	_, err = s.CreateNote(t.Context(), study.Note{UserID: "ada"})
	full("an item too many", err, "5th of 4")
	_, err = s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Quiz, Data: []byte(`{}`)})
	full("an aid too many", err, "QUOTA_ITEMS")
	if got := must(s.Holding(t.Context(), "ada"))(t); got != (study.Holding{Items: 4, NoteBytes: 100, OtherBytes: 7}) {
		t.Errorf("%+v is kept", got)
	}
	ok(t, s.DeleteNote(t.Context(), "ada", note.ID))
	must(s.CreateNote(t.Context(), study.Note{UserID: "ada", Content: short}))(t)
}
