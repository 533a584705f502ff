package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/store"
	"studysharper/app/study"
)

func said(m study.Message) string { return m.Role + ": " + m.Text }

func from(role, text string) study.Message { return study.Message{Role: role, Text: text} }

var sessionTests = map[string]func(*testing.T, store.Store){
	"AConversationKeepsItsOrder": func(t *testing.T, s store.Store) {
		v := study.Session{ID: uuid.NewString(), UserID: "ada", Title: "Leaves"}
		// A message's time does not determine its position.
		early := study.Message{Role: study.RoleAssistant, Text: "two", CreatedAt: time.Unix(1, 1500)}
		ok(t, s.AppendMessages(t.Context(), v, from(study.RoleUser, "one"), early))
		ok(t, s.AppendMessages(t.Context(), v, from(study.RoleUser, "three")))
		got := rows(s.Messages(t.Context(), strings.ToUpper(v.ID), store.Page{Limit: 9}))(t)
		same(t, texts(said, got), "user: one", "assistant: two", "user: three")
		if !got[1].CreatedAt.Equal(time.Unix(1, 1000)) || !recent(got[0].CreatedAt) || uuid.Validate(got[0].ID) != nil {
			t.Errorf("got %+v", got)
		}
		same(t, texts(said, rows(s.Messages(t.Context(), v.ID, store.Page{Limit: 2}))(t)), "assistant: two", "user: three")
		same(t, texts(said, rows(s.Messages(t.Context(), noID, store.Page{Limit: 2}))(t)))
		kept := must(s.Session(t.Context(), v.ID))(t)
		if kept.UserID != "ada" || kept.Title != "Leaves" || kept.Messages != 3 || !recent(kept.CreatedAt) || kept.UpdatedAt.Before(kept.CreatedAt) {
			t.Errorf("kept %+v", kept)
		}
	},
	"AnAnswerKeepsItsCitations": func(t *testing.T, s store.Store) {
		v := study.Session{ID: uuid.NewString(), UserID: "ada"}
		answer := from(study.RoleAssistant, "Water moves.")
		answer.Citations = []study.Source{{NoteID: noID, Title: "Cells", Page: 3, Quote: "water \x00 <moves> \U0001F331", Start: 4, End: 9}}
		ok(t, s.AppendMessages(t.Context(), v, from(study.RoleUser, "?"), answer))
		got := rows(s.Messages(t.Context(), v.ID, store.Page{Limit: 9}))(t)
		if len(got) != 2 || got[0].Citations != nil || !slices.Equal(got[1].Citations, answer.Citations) {
			t.Errorf("got %+v", got)
		}
	},
	"AnothersSessionCannotBeWrittenTo": func(t *testing.T, s store.Store) {
		v := study.Session{ID: uuid.NewString(), UserID: "ada"}
		ok(t, s.AppendMessages(t.Context(), v, from(study.RoleUser, "mine")))
		v.UserID = "bob"
		wantCode(t, s.AppendMessages(t.Context(), v, from(study.RoleUser, "his")), study.CodeNotFound)
		same(t, texts(said, rows(s.Messages(t.Context(), v.ID, store.Page{Limit: 9}))(t)), "user: mine")
	},
	"AnAppendMayBeRepeated": func(t *testing.T, s store.Store) {
		v := study.Session{ID: uuid.NewString(), UserID: "ada"}
		m := study.Message{ID: uuid.NewString(), Role: study.RoleUser, Text: "once"}
		for range 2 {
			ok(t, s.AppendMessages(t.Context(), v, m))
		}
		if n := must(s.Session(t.Context(), v.ID))(t).Messages; n != 1 {
			t.Errorf("%d messages counted, want 1", n)
		}
		v.ID = uuid.NewString() // the same id in another session is another message
		ok(t, s.AppendMessages(t.Context(), v, m))
		same(t, texts(said, rows(s.Messages(t.Context(), v.ID, store.Page{Limit: 9}))(t)), "user: once")
	},
	"TheFirstTitleStays": func(t *testing.T, s store.Store) {
		v := study.Session{ID: uuid.NewString(), UserID: "ada"}
		for _, title := range []string{"", "first", "second", ""} {
			v.Title = title
			ok(t, s.AppendMessages(t.Context(), v))
		}
		if got := must(s.Session(t.Context(), v.ID))(t).Title; got != "first" {
			t.Errorf("title %q, want first", got)
		}
	},
	"SessionsComeLastUsedFirst": func(t *testing.T, s store.Store) {
		ids := []string{uuid.NewString(), uuid.NewString(), uuid.NewString()}
		for _, i := range []int{0, 1, 2, 0} {
			ok(t, s.AppendMessages(t.Context(), study.Session{ID: ids[i], UserID: "ada"}, from(study.RoleUser, "x")))
		}
		ok(t, s.AppendMessages(t.Context(), study.Session{ID: uuid.NewString(), UserID: "bob"}))
		id := func(v study.Session) string { return v.ID }
		same(t, texts(id, rows(s.Sessions(t.Context(), "ada", store.Page{Limit: 9}))(t)), ids[0], ids[2], ids[1])
		same(t, texts(id, rows(s.Sessions(t.Context(), "ada", store.Page{Limit: 1}))(t)), ids[0])
		_, _, err := s.Sessions(t.Context(), "", store.Page{Limit: 9})
		wantFault(t, err, "user_id")
	},
	"ADeletedSessionTakesItsMessages": func(t *testing.T, s store.Store) {
		v := study.Session{ID: uuid.NewString(), UserID: "ada"}
		ok(t, s.AppendMessages(t.Context(), v, from(study.RoleUser, "x")))
		ok(t, s.DeleteSession(t.Context(), v.ID))
		wantCode(t, s.DeleteSession(t.Context(), v.ID), study.CodeNotFound)
		_, err := s.Session(t.Context(), v.ID)
		wantCode(t, err, study.CodeNotFound)
		for _, id := range []string{v.ID, "", "\x00", "\xff"} {
			same(t, texts(said, rows(s.Messages(t.Context(), id, store.Page{Limit: 9}))(t)))
			_, err = s.Session(t.Context(), id)
			wantCode(t, err, study.CodeNotFound)
			wantCode(t, s.DeleteSession(t.Context(), id), study.CodeNotFound)
		}
	},
	"AMessageIsCutAtARuneAndMended": func(t *testing.T, s store.Store) {
		v := study.Session{ID: uuid.NewString(), UserID: "ada"}
		fits := strings.Repeat("x", store.MaxMessageBytes-2) + "é"
		ok(t, s.AppendMessages(t.Context(), v, from(study.RoleUser, fits), from(study.RoleUser, "x"+fits), from(study.RoleUser, "a\x00b\xffc")))
		got := rows(s.Messages(t.Context(), v.ID, store.Page{Limit: 9}))(t)
		same(t, texts(said, got), "user: "+fits, "user: "+strings.Repeat("x", store.MaxMessageBytes-1), "user: a\uFFFDb\uFFFDc")
	},
	"AnAppendOutOfBoundsIsRefusedWhole": func(t *testing.T, s store.Store) {
		v := study.Session{ID: uuid.NewString(), UserID: "ada"}
		wantFault(t, s.AppendMessages(t.Context(), v, from(study.RoleUser, "x"), from(study.RoleSystem, "x")), "role")
		wantFault(t, s.AppendMessages(t.Context(), v, study.Message{ID: "x", Role: study.RoleUser}), "id")
		wantFault(t, s.AppendMessages(t.Context(), study.Session{ID: "x", UserID: "ada"}), "session_id")
		wantFault(t, s.AppendMessages(t.Context(), study.Session{ID: v.ID}), "user_id")
		many := make([]study.Message, store.MaxRows+1)
		for i := range many {
			many[i] = from(study.RoleUser, fmt.Sprint(i))
		}
		wantFault(t, s.AppendMessages(t.Context(), v, many...), "messages")
		_, err := s.Session(t.Context(), v.ID)
		wantCode(t, err, study.CodeNotFound)
		ok(t, s.AppendMessages(t.Context(), v, many[1:]...))
		if got := rows(s.Messages(t.Context(), v.ID, store.Page{Limit: 999}))(t); len(got) != store.MaxRows || got[0].Text != "1" {
			t.Errorf("got %d messages", len(got))
		}
	},
	"AppendsAtOnceAreAllKept": func(t *testing.T, s store.Store) {
		v := study.Session{ID: uuid.NewString(), UserID: "ada"}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 10 {
					if err := s.AppendMessages(t.Context(), v, from(study.RoleUser, "q"), from(study.RoleAssistant, "a")); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		got := rows(s.Messages(t.Context(), v.ID, store.Page{Limit: 200}))(t)
		if n := must(s.Session(t.Context(), v.ID))(t).Messages; n != 160 || len(got) != 160 {
			t.Fatalf("%d counted, %d kept, want 160", n, len(got))
		}
		for i := 0; i < len(got); i += 2 {
			if got[i].Text != "q" || got[i+1].Text != "a" {
				t.Fatalf("an append was torn apart at %d", i)
			}
		}
	},
}
