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
		ok(t, s.DeleteNote(t.Context(), "ada", page[1].ID)) // a page continues after a note that was deleted
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
		// The second text is as large as the first only when it is JSON.
		for user, text := range map[string]string{"ada": strings.Repeat("x", store.MaxListBytes/4), "bob": strings.Repeat("<", store.MaxListBytes/24)} {
			ids := []string{}
			for range 5 {
				ids = append(ids, addNote(t, s, user, "", text).ID)
			}
			q := store.NoteQuery{UserID: user, Page: store.Page{Limit: 100}}
			got, next, err := s.Notes(t.Context(), q)
			ok(t, err)
			if size := len(must(json.Marshal(got))(t)); len(got) != 3 || size > store.MaxListBytes { // a fourth has room without its title
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

var searchTests = map[string]func(*testing.T, store.Store){
	"ASearchRanksTheUsersOwnNotes": func(t *testing.T, s store.Store) {
		addNote(t, s, "ada", "Cells", "The mitochondrion makes ATP. "+strings.Repeat("Other words stand here. ", 20))
		addNote(t, s, "ada", "Mitochondrion", "The organelle of respiration.")
		addNote(t, s, "ada", "Leaves", "Chlorophyll is green.")
		addNote(t, s, "bob", "Mitochondrion", "another's")
		got := rows(s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Search: " MITOCHONDRION ", Page: store.Page{Limit: 9}}))(t)
		same(t, texts(title, got), "Mitochondrion", "Cells")
		got = rows(s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Search: "mitochondrion", Page: store.Page{Limit: 1}}))(t)
		same(t, texts(title, got), "Mitochondrion")
	},
	"ASearchKnowsScriptsAndDiacritics": func(t *testing.T, s store.Store) {
		for _, text := range []string{"Über die Photosynthèse", "Фотосинтез растений", "पौधों में प्रकाश", "光合作用在叶绿体", "التمثيل الضوئي", "ᦰᦱ", "ΦΩΣ", "cafe\u0301", "x2 = 4"} {
			addNote(t, s, "ada", text, "")
		}
		for search, want := range map[string]string{
			"uber photosynthese": "Über die Photosynthèse", "PHOTOSYN": "Über die Photosynthèse", "фотосинтез": "Фотосинтез растений",
			"प्रकाश": "पौधों में प्रकाश", "光合": "光合作用在叶绿体", "光": "光合作用在叶绿体", "الضوئي": "التمثيل الضوئي", "ᦰᦱ": "ᦰᦱ", "φως": "ΦΩΣ", "café": "cafe\u0301", "CAFE": "cafe\u0301", "x2": "x2 = 4",
		} {
			got := rows(s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Search: search, Page: store.Page{Limit: 9}}))(t)
			if len(got) != 1 || got[0].Title != want {
				t.Errorf("%q found %q, want %q", search, texts(title, got), want)
			}
		}
	},
	"ASearchNeedsAllWordsUnlessAnyIsEnough": func(t *testing.T, s store.Store) {
		addNote(t, s, "ada", "1", "light water")
		addNote(t, s, "ada", "2", "light carbon")
		q := store.NoteQuery{UserID: "ada", Search: "light water", Page: store.Page{Limit: 9}}
		same(t, texts(title, rows(s.Notes(t.Context(), q))(t)), "1")
		q.AnyWord = true
		same(t, texts(title, rows(s.Notes(t.Context(), q))(t)), "1", "2")
	},
	"ASearchFollowsUpdatesAndDeletes": func(t *testing.T, s store.Store) {
		n := addNote(t, s, "ada", "n", "osmosis")
		found := func(word string) int {
			return len(rows(s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Search: word, Page: store.Page{Limit: 9}}))(t))
		}
		text := "diffusion"
		must(s.UpdateNote(t.Context(), "ada", n.ID, study.NoteChange{Content: &text}))(t)
		if found("osmosis") != 0 || found("diffusion") != 1 {
			t.Error("the index did not follow the update")
		}
		ok(t, s.DeleteNote(t.Context(), "ada", n.ID))
		if found("diffusion") != 0 {
			t.Error("the index did not follow the delete")
		}
	},
	"TheLargestNoteOfDifferentWordsIsKeptAndFound": func(t *testing.T, s store.Store) {
		var b strings.Builder
		for i := 0; b.Len() < store.MaxNoteBytes-16; i++ {
			fmt.Fprintf(&b, "w%x ", i)
		}
		addNote(t, s, "ada", strings.Repeat("\U0001F331", store.MaxTitleRunes), b.String())
		addNote(t, s, "ada", "one word", strings.Repeat("x", store.MaxNoteBytes))
		for _, word := range []string{"w0", "w1000", strings.Repeat("x", 64)} {
			got := rows(s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Search: word, Page: store.Page{Limit: 9}}))(t)
			if len(got) != 1 {
				t.Errorf("%q found %d notes, want 1", word, len(got))
			}
		}
	},
	"OfTooManyMatchesTheNewestAreRanked": func(t *testing.T, s store.Store) {
		addNote(t, s, "ada", "word", "")
		best := func() string {
			return rows(s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Search: "word", Page: store.Page{Limit: 1}}))(t)[0].Title
		}
		for range store.MaxRanked - 1 {
			addNote(t, s, "ada", "other", "a word among others")
		}
		if got := best(); got != "word" {
			t.Errorf("of as many as are ranked %q is best, want the one with the word in its title", got)
		}
		addNote(t, s, "ada", "other", "a word among others")
		if got := best(); got != "other" {
			t.Errorf("of one more %q is best, want one of the newest", got)
		}
	},
	"ASearchIsNeverSyntax": func(t *testing.T, s store.Store) {
		addNote(t, s, "ada", "n", "alpha near beta and not or gamma content")
		addNote(t, s, "bob", "n", "alpha")
		for search, want := range map[string]int{
			`"alpha"`: 1, `"alpha`: 1, `alpha AND`: 1, `alpha OR zeta`: 0, `NOT alpha`: 1, `alpha NOT beta`: 1, `NEAR(alpha beta, 1)`: 0, `NEAR alpha`: 1,
			`content:alpha`: 1, `owner:626f62`: 0, `{title content}: alpha`: 0, `-alpha`: 1, `+alpha`: 1, `^alpha`: 1, `alph*`: 1, `*`: 0, `**`: 0, `"`: 0, `""`: 0,
			"alpha\x00beta": 1, "\x00": 0, "\xff\xfe alpha": 1, `alpha'; DROP TABLE notes; --`: 0, `)`: 0, `(alpha`: 1, `alpha) OR (owner : "626f62"`: 0,
			`\`: 0, `%`: 0, `_`: 0, "\U0001E900\U00016E40": 0, "\u19b0": 0, "\u19b0 alpha": 0, "alpha \u19b0": 0, "\u0301": 0, "\u0301 alpha": 1, "alpha \u0903": 1, "\u200b\u2028": 0, "\U0010FFFF": 0, "alpha " + strings.Repeat("alpha ", 10_000): 1,
			strings.Repeat("(", 10_000): 0, strings.Repeat("z", 100_000): 0, "": 1, " \n\t\u3000": 1,
		} {
			for _, anyWord := range []bool{false, true} {
				got, _, err := s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Search: search, AnyWord: anyWord, Page: store.Page{Limit: 9}})
				if err != nil || !anyWord && len(got) != want || len(got) > 1 {
					t.Errorf("%.40q (any: %v): %d notes, %v; want %d", search, anyWord, len(got), err, want)
				}
			}
		}
	},
	"ASearchKeepsUsersApart": func(t *testing.T, s store.Store) {
		users := []string{"ada", "ADA", "ad", "ada ", `"ada"`, "ада", "ada*"}
		for _, user := range users {
			addNote(t, s, user, user, "word")
		}
		for _, user := range users {
			got := rows(s.Notes(t.Context(), store.NoteQuery{UserID: user, Search: "word", Page: store.Page{Limit: 9}}))(t)
			same(t, texts(title, got), user)
		}
	},
}
