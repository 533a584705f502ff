package storetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"studysharper/app/store"
	"studysharper/app/study"
)

func title(n study.Note) string { return n.Title }

func addNote(t *testing.T, s store.Store, user, title, content string) study.Note {
	t.Helper()
	n, err := s.CreateNote(t.Context(), study.Note{UserID: user, Title: title, Content: content})
	ok(t, err)
	return n
}

var noteTests = map[string]func(*testing.T, store.Store){
	"ANoteComesBackAsItWasKept": func(t *testing.T, s store.Store) {
		kept := addNote(t, s, "ada", "Título ✓", "line 1\nline 2 \U0001F331")
		if v, err := uuid.Parse(kept.ID); err != nil || v.Version() != 7 || !recent(kept.CreatedAt) || kept.UpdatedAt != kept.CreatedAt {
			t.Errorf("kept as %+v, want a UUID v7 and the present", kept)
		}
		for _, user := range []string{"ada", ""} {
			if got := must(s.Note(t.Context(), user, strings.ToUpper(kept.ID)))(t); !reflect.DeepEqual(got, kept) {
				t.Errorf("as %q: got %+v, want %+v", user, got, kept)
			}
		}
	},
	"AnothersNoteIsNotFound": func(t *testing.T, s store.Store) {
		n := addNote(t, s, "ada", "a", "b")
		for _, id := range []string{n.ID, noID, "", "x' OR 1=1 --", "\x00", "\xff"} {
			_, err := s.Note(t.Context(), "bob", id)
			wantCode(t, err, study.CodeNotFound)
			_, err = s.UpdateNote(t.Context(), "bob", id, study.NoteChange{Title: &n.Title})
			wantCode(t, err, study.CodeNotFound)
			wantCode(t, s.DeleteNote(t.Context(), "bob", id), study.CodeNotFound)
		}
		for _, user := range []string{"\x00", "\xff"} {
			_, err := s.Note(t.Context(), user, n.ID)
			wantCode(t, err, study.CodeNotFound)
		}
		ok(t, s.DeleteNote(t.Context(), "ada", n.ID))
		_, err := s.Note(t.Context(), "ada", n.ID)
		wantCode(t, err, study.CodeNotFound)
		wantCode(t, s.DeleteNote(t.Context(), "", n.ID), study.CodeNotFound)
	},
	"AnUpdateReplacesOnlyWhatIsGiven": func(t *testing.T, s store.Store) {
		n := addNote(t, s, "ada", "old", "text")
		fresh, empty := "new", ""
		got := must(s.UpdateNote(t.Context(), "ada", n.ID, study.NoteChange{Title: &fresh}))(t)
		if got.Title != "new" || got.Content != "text" || got.CreatedAt != n.CreatedAt || got.UpdatedAt.Before(n.UpdatedAt) {
			t.Errorf("got %+v", got)
		}
		got = must(s.UpdateNote(t.Context(), "", n.ID, study.NoteChange{Content: &empty}))(t)
		if got.Title != "new" || got.Content != "" {
			t.Errorf("got %+v", got)
		}
		if same := must(s.UpdateNote(t.Context(), "ada", n.ID, study.NoteChange{}))(t); !reflect.DeepEqual(same, got) {
			t.Errorf("an update of nothing gave %+v, want %+v", same, got)
		}
	},
	"ANoteHasASubjectAndTags": func(t *testing.T, s store.Store) {
		n := must(s.CreateNote(t.Context(), study.Note{UserID: "ada", Title: "a", Content: "cell", Subject: "Biology", Tags: []string{"exam", "é", "exam"}}))(t)
		plain := addNote(t, s, "ada", "b", "cell")
		if got := must(s.Note(t.Context(), "ada", n.ID))(t); got.Subject != "Biology" || !slices.Equal(got.Tags, []string{"exam", "é"}) || plain.Tags == nil {
			t.Errorf("got %+v and %+v", got, plain)
		}
		for _, search := range []string{"", "cell"} {
			found := rows(s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Search: search, Subject: "Biology", Page: store.Page{Limit: 9}}))(t)
			same(t, texts(title, found), "a")
		}
		history, none := "History", []string{}
		got := must(s.UpdateNote(t.Context(), "ada", n.ID, study.NoteChange{Subject: &history, Tags: &none}))(t)
		if got.Subject != "History" || len(got.Tags) != 0 || got.Title != "a" {
			t.Errorf("got %+v", got)
		}
		many := strings.Split(strings.Repeat("x", store.MaxTags), "")
		for i := range many {
			many[i] += fmt.Sprint(i)
		}
		must(s.UpdateNote(t.Context(), "ada", n.ID, study.NoteChange{Tags: &many}))(t)
		for _, tags := range [][]string{append(many, "one more"), {""}, {"\x00"}, {strings.Repeat("é", store.MaxTagRunes+1)}} {
			_, err := s.UpdateNote(t.Context(), "ada", n.ID, study.NoteChange{Tags: &tags})
			wantFault(t, err, "tags")
		}
		long := strings.Repeat("é", store.MaxTitleRunes+1)
		_, err := s.UpdateNote(t.Context(), "ada", n.ID, study.NoteChange{Subject: &long})
		wantFault(t, err, "subject")
	},
	"ANoteOneOverABoundIsRefused": func(t *testing.T, s store.Store) {
		full := addNote(t, s, strings.Repeat("é", study.MaxIDRunes), strings.Repeat("é", store.MaxTitleRunes), strings.Repeat("x", store.MaxNoteBytes))
		if full.Content != must(s.Note(t.Context(), full.UserID, full.ID))(t).Content {
			t.Error("the largest note came back changed")
		}
		for field, n := range map[string]study.Note{
			"user_id": {UserID: strings.Repeat("é", study.MaxIDRunes+1)},
			"title":   {UserID: "ada", Title: strings.Repeat("é", store.MaxTitleRunes+1)},
			"content": {UserID: "ada", Content: strings.Repeat("x", store.MaxNoteBytes+1)},
		} {
			_, err := s.CreateNote(t.Context(), n)
			wantFault(t, err, field)
		}
		for _, bad := range []string{"nul \x00", "no UTF-8 \xff"} {
			_, err := s.CreateNote(t.Context(), study.Note{UserID: "ada", Content: bad})
			wantFault(t, err, "content")
			_, err = s.UpdateNote(t.Context(), full.UserID, full.ID, study.NoteChange{Title: &bad})
			wantFault(t, err, "title")
		}
		_, err := s.CreateNote(t.Context(), study.Note{})
		wantFault(t, err, "user_id")
	},
	"NotesArePagedNewestFirst": func(t *testing.T, s store.Store) {
		for i := range 5 {
			addNote(t, s, "ada", fmt.Sprint(i), "")
			addNote(t, s, "bob", "another's", "")
		}
		page, next, err := s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Page: store.Page{Limit: 2}})
		ok(t, err)
		same(t, texts(title, page), "4", "3")
		ok(t, s.DeleteNote(t.Context(), "ada", page[1].ID)) // the next page works even if the note in its cursor was deleted
		page, last, err := s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Page: store.Page{Limit: 9, Before: next}})
		ok(t, err)
		same(t, append(texts(title, page), last), "2", "1", "0", "")
		page = rows(s.Notes(t.Context(), store.NoteQuery{UserID: "nobody"}))(t)
		if page == nil || len(page) > 0 {
			t.Errorf("got %v, want an empty list", page)
		}
		_, _, err = s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Page: store.Page{Before: next}, Search: "x"})
		wantFault(t, err, "before")
	},
	"AListHoldsAtMostMaxRows": func(t *testing.T, s store.Store) {
		for i := range store.MaxRows + 1 {
			addNote(t, s, "ada", fmt.Sprint(i), "word")
		}
		for _, search := range []string{"", "word"} {
			for limit, want := range map[int]int{-1: 1, 0: 1, store.MaxRows: store.MaxRows, store.MaxRows + 1: store.MaxRows} {
				got := rows(s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Search: search, Page: store.Page{Limit: limit}}))(t)
				if len(got) != want {
					t.Errorf("limit %d gave %d notes, want %d", limit, len(got), want)
				}
			}
		}
	},
	"AListEndsBeforeItHoldsTooManyBytes": func(t *testing.T, s store.Store) {
		// The second text has the size of the first only in JSON.
		for user, text := range map[string]string{"ada": strings.Repeat("x", store.MaxListBytes/4), "bob": strings.Repeat("<", store.MaxListBytes/24)} {
			ids := []string{}
			for range 5 {
				ids = append(ids, addNote(t, s, user, "", text).ID)
			}
			q := store.NoteQuery{UserID: user, Page: store.Page{Limit: 100}}
			got, next, err := s.Notes(t.Context(), q)
			ok(t, err)
			if size := len(must(json.Marshal(got))(t)); len(got) != 3 || size > store.MaxListBytes { // a fourth would fit without its title
				t.Errorf("%s: got %d notes of a quarter, %d bytes, want 3", user, len(got), size)
			}
			q.Before = next
			if rest := rows(s.Notes(t.Context(), q))(t); len(rest) != 2 || rest[1].ID != ids[0] {
				t.Errorf("%s: the next page has %d notes, want the two oldest", user, len(rest))
			}
		}
	},
	"ANoteLargerThanAListIsAListByItself": func(t *testing.T, s store.Store) {
		for range 2 {
			addNote(t, s, "ada", "", strings.Repeat("x", store.MaxNoteBytes))
		}
		got, next, err := s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Page: store.Page{Limit: 100}})
		ok(t, err)
		if len(got) != 1 || next == "" {
			t.Errorf("got %d notes, cursor %q", len(got), next)
		}
	},
	"ABriefListHasTheBeginningsOfNotes": func(t *testing.T, s store.Store) {
		addNote(t, s, "ada", "Cells", "word "+strings.Repeat("é", 900))
		for _, search := range []string{"", "word"} {
			got := rows(s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Search: search, Brief: true, Page: store.Page{Limit: 9}}))(t)
			if len(got) != 1 || got[0].Title != "Cells" || got[0].Content != "word "+strings.Repeat("é", 195) {
				t.Errorf("search %q: got %+v", search, got)
			}
		}
	},
	"NotesByIDAreBounded": func(t *testing.T, s store.Store) {
		ids := []string{}
		for range store.MaxGivenBytes/store.MaxNoteBytes + 1 {
			ids = append(ids, addNote(t, s, "ada", "", strings.Repeat("x", store.MaxNoteBytes)).ID)
		}
		_, err := s.NotesByID(t.Context(), "ada", ids)
		wantFault(t, err, "note_ids")
		if got := must(s.NotesByID(t.Context(), "ada", ids[1:]))(t); len(got) != len(ids)-1 {
			t.Errorf("got %d notes, want %d", len(got), len(ids)-1)
		}
	},
	"NotesByIDKeepsTheOrderAndNamesWhatIsMissing": func(t *testing.T, s store.Store) {
		a, b, x := addNote(t, s, "ada", "a", ""), addNote(t, s, "ada", "b", ""), addNote(t, s, "bob", "x", "")
		got := must(s.NotesByID(t.Context(), "ada", []string{b.ID, a.ID, strings.ToUpper(b.ID)}))(t)
		same(t, texts(title, got), "b", "a")
		same(t, texts(title, must(s.NotesByID(t.Context(), "", []string{x.ID, a.ID}))(t)), "x", "a")
		same(t, texts(title, must(s.NotesByID(t.Context(), "ada", nil))(t)))
		for _, id := range []string{x.ID, noID, "'; DROP TABLE notes; --", "\x00"} {
			_, err := s.NotesByID(t.Context(), "ada", []string{a.ID, id})
			wantCode(t, err, study.CodeNotFound)
			if named := strings.Contains(study.AsError(err).Message, id); named != (len(id) == 36) {
				t.Errorf("%v: names the id: %v", err, named)
			}
		}
		_, err := s.NotesByID(t.Context(), "ada", make([]string, store.MaxRows+1))
		wantFault(t, err, "note_ids")
	},
}
