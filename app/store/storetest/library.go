package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"studysharper/app/library"
	"studysharper/app/store"
	"studysharper/app/study"
)

// deckOf returns a deck as JSON: cards with these questions, and ids that begin with prefix.
func deckOf(prefix string, questions ...string) []byte {
	set := &study.FlashcardSet{TotalCount: len(questions), TopicsCovered: []string{"cells"}}
	for i, q := range questions {
		set.Flashcards = append(set.Flashcards, study.Flashcard{Question: q, Answer: "the answer", Topic: "cells", Difficulty: study.Easy})
		set.Flashcards[i].ID = prefix + fmt.Sprint(i+1)
	}
	data, err := json.Marshal(set)
	if err != nil {
		panic(err)
	}
	return data
}

func addDeck(t *testing.T, s store.Store, user, title string, data []byte) study.Content {
	t.Helper()
	return must(s.SaveContent(t.Context(), study.Content{UserID: user, Type: study.Flashcards, Title: title, Data: data}))(t)
}

// itemIDs returns the ids of a stored aid's items.
func itemIDs(t *testing.T, v study.Content) (ids []string) {
	t.Helper()
	a, _, err := library.Read(v.Type, v.Data)
	ok(t, err)
	for _, it := range library.Items(a) {
		ids = append(ids, it.ID)
	}
	return ids
}

// edit changes a stored aid as a client does.
func edit(ctx context.Context, s store.Store, v study.Content, change func(study.Aid) error) (study.Content, error) {
	return s.UpdateContent(ctx, v.UserID, v.Type, v.ID, func(v *study.Content) error {
		a, _, err := library.Read(v.Type, v.Data)
		if err == nil {
			err = change(a)
		}
		if err == nil {
			v.Data, err = json.Marshal(a)
		}
		return err
	})
}

func titles(v study.Content) string { return v.Title }

var libraryTests = map[string]func(*testing.T, store.Store){
	"AnAidKnowsItsNotesModelAndItems": func(t *testing.T, s store.Store) {
		n := must(s.CreateNote(t.Context(), study.Note{UserID: "ada", Title: "Cells", Content: "x", Subject: "Biology"}))(t)
		bobs := must(s.CreateNote(t.Context(), study.Note{UserID: "bob", Content: "x", Subject: "Secret"}))(t)
		unnumbered := slices.Clone(deckOf("", "a?", "b?"))
		unnumbered = []byte(strings.ReplaceAll(strings.ReplaceAll(string(unnumbered), `"id":"1",`, ""), `"id":"2",`, ""))
		v := must(s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Flashcards, Title: "t", Notes: []string{n.ID}, Model: "m", Data: unnumbered}))(t)
		got := must(s.Content(t.Context(), "ada", study.Flashcards, strings.ToUpper(v.ID)))(t)
		if got.Subject != "Biology" || got.Model != "m" || !slices.Equal(got.Notes, []string{n.ID}) || got.Items != 2 || !slices.Equal(itemIDs(t, got), []string{"1", "2"}) || got.UpdatedAt != got.CreatedAt {
			t.Errorf("got %+v", got)
		}
		if got := must(s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Plan, Notes: []string{bobs.ID}, Data: []byte(`{}`)}))(t); got.Subject != "" {
			t.Errorf("the subject of another's note: %q", got.Subject)
		}
		for field, bad := range map[string]study.Content{
			"subject":      {Subject: strings.Repeat("é", store.MaxTitleRunes+1)},
			"source_notes": {Notes: []string{"x"}},
		} {
			bad.UserID, bad.Type, bad.Data = "ada", study.Plan, []byte(`{}`)
			_, err := s.SaveContent(t.Context(), bad)
			wantFault(t, err, field)
		}
	},
	"AnothersAidIsNotFound": func(t *testing.T, s store.Store) {
		v, more := addDeck(t, s, "ada", "a", deckOf("", "a?")), addDeck(t, s, "ada", "b", deckOf("", "b?"))
		bobs := addDeck(t, s, "bob", "c", deckOf("", "c?"))
		change := func(*study.Content) error { return errors.New("called") }
		for _, c := range []struct {
			user, id string
			of       study.Type
		}{{"bob", v.ID, study.Flashcards}, {"ada", v.ID, study.Quiz}, {"ada", noID, study.Flashcards}, {"ada", "x' --", study.Flashcards}, {"\xff", v.ID, study.Flashcards}} {
			_, err := s.Content(t.Context(), c.user, c.of, c.id)
			wantCode(t, err, study.CodeNotFound)
			_, err = s.UpdateContent(t.Context(), c.user, c.of, c.id, change)
			wantCode(t, err, study.CodeNotFound)
			_, err = s.MergeContents(t.Context(), c.user, c.of, c.id, more.ID)
			wantCode(t, err, study.CodeNotFound)
			wantCode(t, s.DeleteContent(t.Context(), c.user, c.of, c.id), study.CodeNotFound)
		}
		for _, user := range []string{"ada", ""} { // not into one's own either
			_, err := s.MergeContents(t.Context(), user, study.Flashcards, v.ID, more.ID, bobs.ID)
			wantCode(t, err, study.CodeNotFound)
		}
		if got := must(s.Content(t.Context(), "", study.Flashcards, v.ID))(t); got.Items != 1 {
			t.Errorf("a merge that failed left %d items", got.Items)
		}
		ok(t, s.DeleteContent(t.Context(), "ada", study.Flashcards, v.ID))
		wantCode(t, s.DeleteContent(t.Context(), "", study.Flashcards, v.ID), study.CodeNotFound)
	},
	"TheLibraryIsListedAndSearched": func(t *testing.T, s store.Store) {
		cells := addDeck(t, s, "ada", "Zellen", deckOf("", "Qu’est-ce qu’une mitochondrie ?", "osmosis?"))
		must(s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Plan, Title: "Plan", Subject: "Biology", Data: []byte(`{"plan":{"title":"Plan","sessions":[]}}`)}))(t)
		must(s.SaveContent(t.Context(), study.Content{UserID: "ada", Type: study.Analysis, Title: "Cafés", Subject: "Straßenbau", Data: []byte(`{}`)}))(t)
		addDeck(t, s, "bob", "mitochondria", deckOf("", "mitochondria?"))
		for _, c := range []struct {
			q    store.ContentQuery
			want []string
		}{
			{store.ContentQuery{}, []string{"Cafés", "Plan", "Zellen"}},
			{store.ContentQuery{Type: study.Plan}, []string{"Plan"}},
			{store.ContentQuery{Subject: "Biology"}, []string{"Plan"}},
			{store.ContentQuery{Search: "MITOCHOND osm"}, []string{"Zellen"}},
			{store.ContentQuery{Search: "mitochond", Type: study.Quiz}, nil},
			{store.ContentQuery{Search: "cafe"}, []string{"Cafés"}},
			{store.ContentQuery{Search: "strassen"}, []string{"Cafés"}},
			{store.ContentQuery{Search: "biology"}, []string{"Plan"}},
			{store.ContentQuery{Search: "ondrie"}, nil},
			{store.ContentQuery{Search: "%"}, nil},
			{store.ContentQuery{Search: "zell_n"}, nil},
		} {
			c.q.UserID, c.q.Limit = "ada", 9
			same(t, texts(titles, rows(s.Contents(t.Context(), c.q))(t)), c.want...)
		}
		first, next, err := s.Contents(t.Context(), store.ContentQuery{UserID: "ada", Brief: true, Page: store.Page{Limit: 2}})
		ok(t, err)
		rest := rows(s.Contents(t.Context(), store.ContentQuery{UserID: "ada", Brief: true, Page: store.Page{Limit: 2, Before: next}}))(t)
		same(t, texts(titles, append(first, rest...)), "Cafés", "Plan", "Zellen")
		if len(rest[0].Data) != 0 || rest[0].Items != cells.Items {
			t.Errorf("brief: %+v", rest[0])
		}
	},
	"AnAidIsRenamedAndItsItemsChange": func(t *testing.T, s store.Store) {
		v := addDeck(t, s, "ada", "old", deckOf("", "a?", "b?"))
		got := must(s.UpdateContent(t.Context(), "", v.Type, v.ID, func(c *study.Content) error { c.Title, c.Subject = "new", "Biology"; return nil }))(t)
		if got.Title != "new" || got.Subject != "Biology" || got.Items != 2 || got.CreatedAt != v.CreatedAt || got.UpdatedAt.Before(v.UpdatedAt) {
			t.Errorf("got %+v", got)
		}
		got = must(edit(t.Context(), s, v, func(a study.Aid) error { return library.Remove(a, "1") }))(t)
		if got.Items != 1 || got.Title != "new" {
			t.Errorf("got %+v", got)
		}
		same(t, texts(titles, rows(s.Contents(t.Context(), store.ContentQuery{UserID: "ada", Search: "new b", Page: store.Page{Limit: 9}}))(t)), "new")
		_, err := edit(t.Context(), s, v, func(a study.Aid) error { return library.Remove(a, "1") })
		wantCode(t, err, study.CodeNotFound)
		_, err = s.UpdateContent(t.Context(), "ada", v.Type, v.ID, func(c *study.Content) error { c.Title = strings.Repeat("é", store.MaxTitleRunes+1); return nil })
		wantFault(t, err, "title")
		_, err = s.UpdateContent(t.Context(), "ada", v.Type, v.ID, func(c *study.Content) error {
			c.Data = []byte(`"` + strings.Repeat("x", store.MaxDataBytes) + `"`)
			return nil
		})
		wantFault(t, err, "data")
	},
	"ChangesOfOneAidAtOnceAreAllKept": func(t *testing.T, s store.Store) {
		v := addDeck(t, s, "ada", "d", deckOf("", "a?"))
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				_, err := edit(context.Background(), s, v, func(a study.Aid) error {
					_, err := library.Add(a, fmt.Appendf(nil, `{"question":"%d?","answer":"x"}`, i))
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := must(s.Content(t.Context(), "ada", v.Type, v.ID))(t); got.Items != 9 || len(itemIDs(t, got)) != 9 {
			t.Errorf("%d items, want 9", got.Items)
		}
	},
	"DecksAreMerged": func(t *testing.T, s store.Store) {
		into := addDeck(t, s, "ada", "into", deckOf("", "a?", "b?"))
		other, third := addDeck(t, s, "ada", "other", deckOf("", "b?", "c?")), addDeck(t, s, "ada", "third", deckOf("x", "d?"))
		got := must(s.MergeContents(t.Context(), "ada", study.Flashcards, into.ID, other.ID, third.ID))(t)
		if ids := itemIDs(t, got); got.Title != "into" || got.Items != 4 || len(ids) != 4 || ids[3] != "x1" || ids[2] == "2" {
			t.Errorf("got %+v: %v", got, ids)
		}
		for _, gone := range []study.Content{other, third} {
			_, err := s.Content(t.Context(), "ada", study.Flashcards, gone.ID)
			wantCode(t, err, study.CodeNotFound)
		}
		for _, from := range [][]string{nil, {into.ID}, {"x"}, slices.Repeat([]string{noID}, store.MaxMerged+1)} {
			_, err := s.MergeContents(t.Context(), "ada", study.Flashcards, into.ID, from...)
			wantFault(t, err, "from")
		}
	},
}
