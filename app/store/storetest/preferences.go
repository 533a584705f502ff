package storetest

import (
	"strings"
	"testing"
	"time"

	"studysharper/app/store"
	"studysharper/app/study"
)

var preferenceTests = map[string]func(*testing.T, store.Store){
	"WhereNoPreferencesAreKeptThereAreNone": func(t *testing.T, s store.Store) {
		must(s.SavePreferences(t.Context(), study.Preferences{UserID: "bob", Difficulty: study.Hard}))(t)
		if got := must(s.Preferences(t.Context(), "ada"))(t); got != (study.Preferences{UserID: "ada"}) {
			t.Errorf("got %+v", got)
		}
	},
	"PreferencesReplaceThoseKeptBefore": func(t *testing.T, s store.Store) {
		user := strings.Repeat("é", study.MaxIDRunes)
		for _, p := range []study.Preferences{
			{Difficulty: study.Easy, Detail: study.Short}, {Difficulty: study.Medium, Detail: study.Medium},
			{Difficulty: study.Hard, Detail: study.Long}, {Difficulty: study.Adaptive}, {Detail: study.Short}, {},
		} {
			p.UserID, p.UpdatedAt = user, time.Unix(1, 0) // the time of the argument is not read
			kept := must(s.SavePreferences(t.Context(), p))(t)
			if !recent(kept.UpdatedAt) || kept.Difficulty != p.Difficulty || kept.Detail != p.Detail || kept.UserID != user {
				t.Errorf("kept %+v of %+v", kept, p)
			}
			if got := must(s.Preferences(t.Context(), user))(t); got != kept {
				t.Errorf("got %+v, want %+v", got, kept)
			}
		}
	},
	"PreferencesThatAreNoneAreRefused": func(t *testing.T, s store.Store) {
		for field, p := range map[string]study.Preferences{
			"difficulty": {UserID: "ada", Difficulty: study.Long},
			"detail":     {UserID: "ada", Detail: study.Hard},
			"user_id":    {UserID: strings.Repeat("é", study.MaxIDRunes+1)},
		} {
			_, err := s.SavePreferences(t.Context(), p)
			wantFault(t, err, field)
		}
		_, err := s.Preferences(t.Context(), "")
		wantFault(t, err, "user_id")
		if got := must(s.Preferences(t.Context(), "ada"))(t); !got.UpdatedAt.IsZero() {
			t.Errorf("kept %+v of what was refused", got)
		}
	},
}
