package storetest

import (
	"fmt"
	"strings"
	"testing"

	"studysharper/app/store"
	"studysharper/app/study"
)

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
