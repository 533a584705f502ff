package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"studysharper/app/store"
	"studysharper/app/study"
)

// filler returns text of n bytes or more without any of the words that are searched for.
func filler(n int) string {
	return strings.Repeat("Plain sentences fill the rest of this page with nothing special. ", n/65+1)
}

func findPassages(t *testing.T, s store.Store, q store.PassageQuery) []study.Passage {
	t.Helper()
	if q.UserID == "" {
		q.UserID = "ada"
	}
	if q.Limit == 0 {
		q.Limit = 9
	}
	return must(s.SearchPassages(t.Context(), q))(t)
}

func passageTitles(list []study.Passage) (titles []string) {
	for _, p := range list {
		titles = append(titles, p.Title)
	}
	return titles
}

var passageTests = map[string]func(*testing.T, store.Store){
	"APassageIsFoundWithItsPlace": func(t *testing.T, s store.Store) {
		content := "# Größe\n\n" + filler(3900) + "\n\n<!-- page 7 -->\n\n# Zellen\n\nDas Ribosom ist ein Organell der Zelle. " + filler(900)
		n := addNote(t, s, "ada", "Biologie", content)
		addNote(t, s, "bob", "another's", "Ribosom")
		got := findPassages(t, s, store.PassageQuery{Search: "Ribosom"})
		if len(got) != 1 {
			t.Fatalf("found %d passages, want 1", len(got))
		}
		p := got[0]
		runes := []rune(content)
		if p.NoteID != n.ID || p.Title != "Biologie" || p.Section != "Zellen" || p.Page != 7 || string(runes[p.Start:p.End]) != p.Text || !strings.Contains(p.Text, "Ribosom") {
			t.Errorf("found %+v", p)
		}
		if p.Of < len(runes)-2 || p.Of > len(runes) {
			t.Errorf("of %d characters, want %d", p.Of, len(runes))
		}
	},
	"WordsAreFoundInOtherFormsInTheLanguageOfTheNote": func(t *testing.T, s store.Store) {
		for _, text := range []string{
			"The ribosomes are the place where the proteins of the cell are made.", "Die Antikörper werden von den Zellen gebildet und sind im Blut, auf der Straße nicht.",
			"Les cellules sont dans le cœur et les enzymes sont divisées par des réactions.", "许多植物通过光合作用制造氧气。", "植物とルールとひらがな。", "พืชสังเคราะห์แสง",
		} {
			addNote(t, s, "ada", text, text)
		}
		for search, want := range map[string]string{
			"ribosome": "The ribosomes", "STRASSE": "Die Antikörper", "antikorper": "Die Antikörper", "coeurs": "Les cellules", "enzyme divisé": "Les cellules",
			"光合作用": "许多植物", "氧": "许多植物", "ルール": "植物と", "สังเคราะห์": "พืชสังเคราะห์แสง",
		} {
			got := findPassages(t, s, store.PassageQuery{Search: search})
			if len(got) == 0 || !strings.HasPrefix(got[0].Text, want) {
				t.Errorf("%q finds %q first, want %q", search, passageTitles(got), want)
			}
			if notes := rows(s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Search: search, Page: store.Page{Limit: 9}}))(t); len(notes) == 0 || !strings.HasPrefix(notes[0].Title, want) {
				t.Errorf("%q finds the notes %q, want %q", search, texts(title, notes), want)
			}
		}
	},
	"OneWordOfAQuestionIsEnoughAndTheRarestCountsMost": func(t *testing.T, s store.Store) {
		for i := range 12 {
			addNote(t, s, "ada", fmt.Sprint(i), fmt.Sprintf("The cell divides in phase%d. %s", i, filler(900)))
		}
		got := findPassages(t, s, store.PassageQuery{Search: "What does the cell do in phase7, and why not in the mitochondrion?"})
		if len(got) == 0 || got[0].Title != "7" {
			t.Errorf("found %q, want 7 first", passageTitles(got))
		}
	},
	"APassageWithAllWordsIsFoundHoweverManyHoldSome": func(t *testing.T, s store.Store) {
		addNote(t, s, "ada", "together", "Alpha, beta and gamma.")
		var b strings.Builder
		for i := range 1800 {
			b.WriteString([]string{"alpha beta ", "beta gamma ", "gamma alpha "}[i%3] + filler(800) + "\n\n")
			if i%900 == 899 {
				addNote(t, s, "ada", "apart", b.String())
				b.Reset()
			}
		}
		addNote(t, s, "ada", "another word", "delta")
		if got := passageTitles(findPassages(t, s, store.PassageQuery{Search: "Alpha beta gamma delta", Limit: 3})); !slices.Contains(got, "together") {
			t.Errorf("found %q first", got)
		}
	},
	"PhrasesAreFoundBeforeTheirWords": func(t *testing.T, s store.Store) {
		addNote(t, s, "ada", "apart", "a house with power, power in a house")
		addNote(t, s, "ada", "phrase", "the power house of the cell, and many other words beside it")
		for search, want := range map[string]string{`"power house"`: "phrase", "„Power House“ cell": "phrase"} {
			if got := passageTitles(findPassages(t, s, store.PassageQuery{Search: search})); len(got) != 1 || got[0] != want {
				t.Errorf("%s finds %q, want %q", search, got, want)
			}
			same(t, texts(title, rows(s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Search: search, Page: store.Page{Limit: 9}}))(t)), want)
		}
		if got := findPassages(t, s, store.PassageQuery{Search: `"house cell"`}); len(got) != 2 {
			t.Errorf("a phrase that is nowhere finds %d passages, want those with its words", len(got))
		}
		same(t, texts(title, rows(s.Notes(t.Context(), store.NoteQuery{UserID: "ada", Search: `"house cell"`, Page: store.Page{Limit: 9}}))(t)))
	},
	"NoNamedNoteIsStarved": func(t *testing.T, s store.Store) {
		long := addNote(t, s, "ada", "long", strings.Repeat("The cell has ribosomes. "+filler(800)+"\n\n", 30))
		short := addNote(t, s, "ada", "short", "The weather.\n\n"+filler(2000))
		addNote(t, s, "ada", "not named", "ribosomes")
		theirs := addNote(t, s, "bob", "another's", "ribosomes")
		ids := []string{long.ID, strings.ToUpper(short.ID)}
		got := passageTitles(findPassages(t, s, store.PassageQuery{NoteIDs: ids, Search: "ribosome"}))
		same(t, got[:5], "long", "long", "long", "short", "long")
		all := findPassages(t, s, store.PassageQuery{NoteIDs: ids, Limit: 50})
		if len(all) < 30 || all[0].Start != 0 {
			t.Errorf("without words %d passages are found, the first at %d", len(all), all[0].Start)
		}
		_, err := s.SearchPassages(t.Context(), store.PassageQuery{UserID: "ada", NoteIDs: make([]string, store.MaxRows+1)})
		wantFault(t, err, "note_ids")
		for _, id := range []string{theirs.ID, noID, "'"} {
			_, err := s.SearchPassages(t.Context(), store.PassageQuery{UserID: "ada", NoteIDs: []string{long.ID, id}})
			wantCode(t, err, study.CodeNotFound)
		}
	},
	"AWordWithASlipIsFoundWhereNothingElseIs": func(t *testing.T, s store.Store) {
		addNote(t, s, "ada", "cells", "the mitochondrion")
		same(t, passageTitles(findPassages(t, s, store.PassageQuery{Search: "mitochondrial"})), "cells")
		same(t, passageTitles(findPassages(t, s, store.PassageQuery{Search: "mitchell"})))
	},
	"PassagesFollowTheirNotes": func(t *testing.T, s store.Store) {
		n := addNote(t, s, "ada", "old", strings.Repeat("osmosis "+filler(1400)+"\n\n", 5))
		content, heading := "diffusion", "new"
		must(s.UpdateNote(t.Context(), "ada", n.ID, study.NoteChange{Content: &content}))(t)
		if got := findPassages(t, s, store.PassageQuery{Search: "osmosis"}); len(got) > 0 {
			t.Errorf("%d passages of the old content are found", len(got))
		}
		must(s.UpdateNote(t.Context(), "ada", n.ID, study.NoteChange{Title: &heading}))(t)
		same(t, passageTitles(findPassages(t, s, store.PassageQuery{Search: "new"})), "new")
		same(t, passageTitles(findPassages(t, s, store.PassageQuery{Search: "old"})))
		ok(t, s.DeleteNote(t.Context(), "ada", n.ID))
		same(t, passageTitles(findPassages(t, s, store.PassageQuery{Search: "diffusion"})))
	},
	"ASearchWithoutWordsFindsNothing": func(t *testing.T, s store.Store) {
		addNote(t, s, "ada", "a", "b")
		for _, search := range []string{"", "?!", `""`, "\u0301"} {
			same(t, passageTitles(findPassages(t, s, store.PassageQuery{Search: search})))
		}
		_, err := s.SearchPassages(t.Context(), store.PassageQuery{})
		wantFault(t, err, "user_id")
	},
}

var sourceTests = map[string]func(*testing.T, store.Store){
	"ASessionKeepsWhatItIsAbout": func(t *testing.T, s store.Store) {
		session := study.Session{ID: uuid.NewString(), UserID: "ada"}
		want := func(ids int, content string) {
			t.Helper()
			gotIDs, got, err := s.SessionSource(t.Context(), strings.ToUpper(session.ID))
			if ok(t, err); got != content || len(gotIDs) != ids {
				t.Errorf("%q of %q, want %q", got, gotIDs, content)
			}
		}
		ok(t, s.KeepSessionSource(t.Context(), session.ID, nil, "too early"))
		want(0, "")
		ok(t, s.AppendMessages(t.Context(), session, study.Message{Role: study.RoleUser, Text: "?"}))
		ok(t, s.KeepSessionSource(t.Context(), session.ID, []string{"a", "b"}, "text"))
		want(2, "text")
		ok(t, s.KeepSessionSource(t.Context(), session.ID, nil, "other"))
		want(0, "other")
		wantFault(t, s.KeepSessionSource(t.Context(), session.ID, nil, strings.Repeat("x", store.MaxNoteBytes+1)), "content")
		ok(t, s.DeleteSession(t.Context(), session.ID))
		want(0, "")
	},
}
