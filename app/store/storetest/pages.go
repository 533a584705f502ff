package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/store"
	"studysharper/app/study"
)

// listed is how many rows each list in the tests has.
const listed = 7

// pager reads a page of a list and returns a text for each row.
type pager func(t *testing.T, p store.Page) (rows []string, next string, err error)

// lists returns all paged lists, each with as many rows as listed says; the first row is
// "6".
func lists(t *testing.T, s store.Store) map[string]pager {
	t.Helper()
	fillLists(t, s)
	return map[string]pager{
		"notes": func(t *testing.T, p store.Page) ([]string, string, error) {
			v, next, err := s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Page: p})
			return texts(title, v), next, err
		},
		"sessions": func(t *testing.T, p store.Page) ([]string, string, error) {
			v, next, err := s.Sessions(t.Context(), "ada", p)
			return texts(func(v study.Session) string { return v.Title }, v), next, err
		},
		"messages": func(t *testing.T, p store.Page) ([]string, string, error) {
			v, next, err := s.Messages(t.Context(), noID, p)
			slices.Reverse(v)
			return texts(func(m study.Message) string { return m.Text }, v), next, err
		},
		"contents": func(t *testing.T, p store.Page) ([]string, string, error) {
			v, next, err := s.Contents(t.Context(), store.ContentQuery{UserID: "ada", Type: study.Quiz, Page: p})
			return texts(func(c study.Content) string { return c.Title }, v), next, err
		},
		"failures": func(t *testing.T, p store.Page) ([]string, string, error) {
			v, next, err := s.Failures(t.Context(), p)
			return texts(run, v), next, err
		},
		"activity": func(t *testing.T, p store.Page) ([]string, string, error) {
			v, next, err := s.Activity(t.Context(), "ada", p)
			return texts(run, v), next, err
		},
	}
}

func fillLists(t *testing.T, s store.Store) {
	t.Helper()
	at := time.Now()
	for i := range listed {
		name := fmt.Sprint(i)
		addNote(t, s, "ada", name, "")
		addNote(t, s, "bob", "another's", "")
		must(s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Quiz, Title: name, Data: []byte("{}")}))(t)
		must(s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Exam, Data: []byte("{}")}))(t)
		ok(t, s.AppendMessages(t.Context(), study.Session{ID: uuid.NewString(), UserID: "ada", Title: name}))
		ok(t, s.AppendMessages(t.Context(), study.Session{ID: noID, UserID: "bob"}, from(study.RoleUser, name)))
		// All but the last two have the same time, which must not separate pages.
		s.RecordExecution(study.Execution{RunID: name, UserID: "ada", CreatedAt: at.Add(time.Duration(max(i, listed-2)) * time.Second)})
		s.RecordExecution(study.Execution{RunID: "another's", UserID: "bob", Success: true, CreatedAt: at})
	}
	flush(t, s)
}

// walk reads a list to its end.
func walk(t *testing.T, list pager, limit int) (all []string) {
	t.Helper()
	for p := (store.Page{Limit: limit}); ; {
		rows, next, err := list(t, p)
		ok(t, err)
		all = append(all, rows...)
		if next == "" {
			return all
		}
		if len(rows) != limit || len(all) >= listed {
			t.Fatalf("a page of %d after %d rows in all says that the list continues", len(rows), len(all))
		}
		p.Before = next
	}
}

var pageTests = map[string]func(*testing.T, store.Store){
	"PagesMakeTheWholeList": func(t *testing.T, s store.Store) {
		for name, list := range lists(t, s) {
			for _, limit := range []int{1, 2, listed - 1, listed, listed + 1} {
				if got := walk(t, list, limit); !slices.Equal(got, []string{"6", "5", "4", "3", "2", "1", "0"}) {
					t.Errorf("%s in pages of %d: %v", name, limit, got)
				}
			}
		}
	},
	"ACursorIsGoodForItsOwnListOnly": func(t *testing.T, s store.Store) {
		all := lists(t, s)
		for name, list := range all {
			_, cursor, err := list(t, store.Page{Limit: 1})
			ok(t, err)
			bad := []string{"x", noID, "%", "\x00", "\xff", cursor + "A", cursor[:len(cursor)-4], " " + cursor, strings.Repeat("A", 100_000)}
			for other, theirs := range all {
				if other != name {
					_, cursor, err := theirs(t, store.Page{Limit: 1})
					ok(t, err)
					bad = append(bad, cursor)
				}
			}
			for _, cursor := range bad {
				_, _, err := list(t, store.Page{Before: cursor})
				wantFault(t, err, "before")
			}
		}
	},
	"ASessionWrittenMeanwhileSpoilsNoPage": func(t *testing.T, s store.Store) {
		list := lists(t, s)["sessions"]
		first := rows(s.Sessions(t.Context(), "ada", store.Page{Limit: listed}))(t)
		_, next, err := list(t, store.Page{Limit: 3})
		ok(t, err)
		for _, i := range []int{1, 4} { // one that was listed already, and one that was not
			ok(t, s.AppendMessages(t.Context(), first[i]))
		}
		rest, next, err := list(t, store.Page{Limit: 9, Before: next})
		ok(t, err)
		same(t, append(rest, next), "3", "1", "0", "")
	},
}
