package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/library"
	"studysharper/app/store"
	"studysharper/app/study"
)

// daily is a schedule for tests: a card is due in as many days as its rating.
func daily(m study.CardMemory, rating int, at time.Time, _ study.ReviewSettings) study.CardMemory {
	m.State, m.Due, m.ReviewedAt = study.CardReview, at.Add(time.Duration(rating)*24*time.Hour), at
	m.Stability, m.Difficulty = 1.0/3, float64(rating)
	m.Reps++
	return m
}

func dueAt(t *testing.T, s store.Store, at time.Time, change ...func(*store.DueQuery)) store.DueCards {
	t.Helper()
	q := store.DueQuery{UserID: "ada", Limit: 99, At: at, DayStart: at.Truncate(24 * time.Hour), NewPerDay: 20}
	for _, c := range change {
		c(&q)
	}
	return must(s.DueCards(t.Context(), q))(t)
}

func items(cards []study.Card) []string {
	return texts(func(c study.Card) string { return c.ItemID }, cards)
}

func rate(t *testing.T, s store.Store, card study.Card, rating int, at time.Time) (study.Card, string) {
	t.Helper()
	id := uuid.NewString()
	c, err := s.ReviewCard(t.Context(), study.Review{ID: id, UserID: card.UserID, CardID: card.ID, Rating: rating, At: at}, daily)
	ok(t, err)
	return c, id
}

var reviewTests = map[string]func(*testing.T, store.Store){
	"CardsAreDueInTheirOrder": func(t *testing.T, s store.Store) {
		at := time.Now().UTC().Truncate(time.Microsecond).Add(time.Minute)
		deck := addDeck(t, s, "ada", "d", deckOf("", "a?", "b?", "c?", "d?"))
		addDeck(t, s, "bob", "b", deckOf("", "x?"))
		first := dueAt(t, s, at)
		same(t, items(first.Cards), "1", "2", "3", "4")
		if first.Counts != (study.DueCounts{New: 4}) || first.Cards[0].DeckID != deck.ID || len(first.Cards[0].Data) == 0 {
			t.Errorf("got %+v", first)
		}
		rate(t, s, first.Cards[1], 1, at)
		rate(t, s, first.Cards[2], 2, at)
		late := at.Add(49 * time.Hour)
		if got := dueAt(t, s, late, func(q *store.DueQuery) { q.NewPerDay = 1 }); got.Counts != (study.DueCounts{New: 1, Review: 2, Overdue: 2}) && got.Counts != (study.DueCounts{New: 1, Review: 2, Overdue: 1}) {
			t.Errorf("got %+v", got.Counts)
		} else {
			same(t, items(got.Cards), "2", "3", "1")
		}
		if got := dueAt(t, s, at, func(q *store.DueQuery) { q.NewPerDay = 3; q.DayStart = at.Add(-time.Hour) }); got.Counts.New != 1 {
			t.Errorf("two new cards of three were begun, and %d are left", got.Counts.New)
		}
		if got := dueAt(t, s, late, func(q *store.DueQuery) { q.Limit = 1 }); len(got.Cards) != 1 || got.Counts.Review != 2 {
			t.Errorf("a limit of 1: %+v", got)
		}
	},
	"CardsOfADeckOrASubjectAreDue": func(t *testing.T, s store.Store) {
		at := time.Now().Add(time.Minute)
		deck := addDeck(t, s, "ada", "d", deckOf("a", "a?"))
		addDeck(t, s, "ada", "e", deckOf("b", "b?"))
		must(s.UpdateContent(t.Context(), "ada", deck.Type, deck.ID, func(c *study.Content) error { c.Subject = "Biology"; return nil }))(t)
		same(t, items(dueAt(t, s, at).Cards), "a1", "b1")
		same(t, items(dueAt(t, s, at, func(q *store.DueQuery) { q.Deck = deck.ID }).Cards), "a1")
		same(t, items(dueAt(t, s, at, func(q *store.DueQuery) { q.Subject = "Biology" }).Cards), "a1")
		same(t, items(dueAt(t, s, at, func(q *store.DueQuery) { q.Subject = "None" }).Cards))
	},
	"AReviewIsKeptOnce": func(t *testing.T, s store.Store) {
		at := time.Now().UTC().Truncate(time.Microsecond)
		addDeck(t, s, "ada", "d", deckOf("", "a?", "b?"))
		cards := dueAt(t, s, at.Add(time.Hour)).Cards
		v := study.Review{ID: uuid.NewString(), CardID: cards[0].ID, Rating: 3, At: at}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				c, err := s.ReviewCard(t.Context(), v, daily)
				if err != nil || c.Memory.Reps != 1 || !c.Memory.Due.Equal(at.Add(72*time.Hour)) {
					t.Errorf("%+v, %v", c, err)
				}
			})
		}
		all.Wait()
		rate(t, s, cards[0], 4, at.Add(time.Second))
		if c := must(s.ReviewCard(t.Context(), v, daily))(t); c.Memory.Reps != 1 {
			t.Errorf("a review again, after another: %+v", c.Memory)
		}
		v.CardID = cards[1].ID
		_, err := s.ReviewCard(t.Context(), v, daily)
		wantCode(t, err, study.CodeConflict)
		v.ID, v.CardID = uuid.NewString(), cards[0].ID
		_, err = s.ReviewCard(t.Context(), v, daily) // earlier than its latest
		wantCode(t, err, study.CodeConflict)
		for field, spoil := range map[string]func(*study.Review){"rating": func(v *study.Review) { v.Rating = 5 }, "review_id": func(v *study.Review) { v.ID = "x" }} {
			bad := v
			spoil(&bad)
			_, err := s.ReviewCard(t.Context(), bad, daily)
			wantFault(t, err, field)
		}
	},
	"TheLatestReviewIsUndone": func(t *testing.T, s store.Store) {
		at := time.Now().UTC().Truncate(time.Microsecond)
		addDeck(t, s, "ada", "d", deckOf("", "a?"))
		card := dueAt(t, s, at.Add(time.Hour)).Cards[0]
		once, first := rate(t, s, card, 3, at)
		_, second := rate(t, s, card, 1, at.Add(time.Second))
		_, err := s.UndoReview(t.Context(), "ada", card.ID, first)
		wantCode(t, err, study.CodeConflict)
		if c := must(s.UndoReview(t.Context(), "ada", card.ID, second))(t); c.Memory != once.Memory {
			t.Errorf("got %+v, want %+v", c.Memory, once.Memory)
		}
		if c := must(s.UndoReview(t.Context(), "", card.ID, first))(t); c.Memory != card.Memory {
			t.Errorf("got %+v, want %+v", c.Memory, card.Memory)
		}
		_, err = s.UndoReview(t.Context(), "ada", card.ID, first)
		wantCode(t, err, study.CodeNotFound)
		_, third := rate(t, s, card, 2, at.Add(2*time.Second))
		if c := must(s.ResetCard(t.Context(), "ada", card.ID))(t); c.Memory.State != study.CardNew || c.Memory.Reps != 0 {
			t.Errorf("reset: %+v", c.Memory)
		}
		_, err = s.UndoReview(t.Context(), "ada", card.ID, third)
		wantCode(t, err, study.CodeConflict)
	},
	"ASuspendedCardIsNotDue": func(t *testing.T, s store.Store) {
		at := time.Now().Add(time.Hour)
		addDeck(t, s, "ada", "d", deckOf("", "a?"))
		card := dueAt(t, s, at).Cards[0]
		must(s.SuspendCard(t.Context(), "ada", card.ID, true))(t)
		if got := dueAt(t, s, at); len(got.Cards) != 0 || got.Counts.New != 0 {
			t.Errorf("got %+v", got)
		}
		for user, n := range map[string]int{"ada": 1, "bob": 0} {
			if got := must(s.SuspendedCards(t.Context(), user, card.DeckID, 9))(t); len(got) != n || n > 0 && got[0].ID != card.ID {
				t.Errorf("%s has suspended %+v", user, got)
			}
		}
		must(s.SuspendCard(t.Context(), "", card.ID, false))(t)
		if got := must(s.SuspendedCards(t.Context(), "ada", "", 9))(t); len(got) > 0 {
			t.Errorf("still suspended: %+v", got)
		}
		same(t, items(dueAt(t, s, at).Cards), "1")
	},
	"AnothersCardIsNotFound": func(t *testing.T, s store.Store) {
		addDeck(t, s, "ada", "d", deckOf("", "a?"))
		card := dueAt(t, s, time.Now().Add(time.Hour)).Cards[0]
		_, review := rate(t, s, card, 3, time.Now())
		for _, c := range [][2]string{{"bob", card.ID}, {"ada", noID}, {"ada", "x"}, {"\xff", card.ID}} {
			_, err := s.ReviewCard(t.Context(), study.Review{ID: uuid.NewString(), UserID: c[0], CardID: c[1], Rating: 3}, daily)
			wantCode(t, err, study.CodeNotFound)
			_, err = s.UndoReview(t.Context(), c[0], c[1], review)
			wantCode(t, err, study.CodeNotFound)
			_, err = s.SuspendCard(t.Context(), c[0], c[1], true)
			wantCode(t, err, study.CodeNotFound)
			_, err = s.ResetCard(t.Context(), c[0], c[1])
			wantCode(t, err, study.CodeNotFound)
		}
	},
	"AnEditedCardKeepsItsHistory": func(t *testing.T, s store.Store) {
		at := time.Now().UTC().Truncate(time.Microsecond)
		deck := addDeck(t, s, "ada", "d", deckOf("", "a?", "b?"))
		other := addDeck(t, s, "ada", "e", deckOf("", "c?"))
		cards := dueAt(t, s, at.Add(time.Hour)).Cards
		was, _ := rate(t, s, cards[0], 1, at)
		moved, _ := rate(t, s, cards[2], 2, at)
		must(edit(t.Context(), s, deck, func(a study.Aid) error {
			_, err := library.Change(a, "1", []byte(`{"answer":"better"}`))
			if err == nil {
				err = library.Remove(a, "2")
			}
			if err == nil {
				_, err = library.Add(a, []byte(`{"question":"n?","answer":"n"}`))
			}
			return err
		}))(t)
		must(s.MergeContents(t.Context(), "ada", deck.Type, deck.ID, other.ID))(t)
		got := dueAt(t, s, at.Add(72*time.Hour)).Cards
		if len(got) != 3 || got[0].ID != was.ID || got[0].Memory != was.Memory || string(got[0].Data) == string(was.Data) ||
			got[1].ID != moved.ID || got[1].Memory != moved.Memory || got[1].DeckID != deck.ID || got[1].ItemID == "1" || got[2].Memory.State != study.CardNew {
			t.Errorf("got %+v", got)
		}
		ok(t, s.DeleteContent(t.Context(), "ada", deck.Type, deck.ID))
		if got := dueAt(t, s, at.Add(72*time.Hour)); len(got.Cards) != 0 {
			t.Errorf("a deck that is gone has due cards: %+v", got)
		}
	},
	"ReviewsAreCounted": func(t *testing.T, s store.Store) {
		at := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
		settings := study.DefaultReviewSettings("ada")
		today := settings.Day(at)
		deck := addDeck(t, s, "ada", "d", deckOf("", "a?", "b?", "c?"))
		cards := dueAt(t, s, at.Add(72*time.Hour)).Cards
		rate(t, s, cards[0], 1, at.Add(-48*time.Hour))
		rate(t, s, cards[0], 1, at.Add(-24*time.Hour)) // in state review: forgotten
		rate(t, s, cards[0], 3, at)                    // known, due in three days
		rate(t, s, cards[1], 1, at.Add(-72*time.Hour)) // overdue
		got := must(s.ReviewCounts(t.Context(), "ada", settings, today, 3))(t)
		if got.Due[today] != 1 || got.Due[today+3] != 0 || got.Reviewed[today] != 1 || got.Reviewed[today-1] != 1 || got.Reviewed[today-2] != 1 || got.Reviewed[today-3] != 0 ||
			got.Known != 1 || got.Forgotten != 1 || len(got.ActiveDays) != 4 || got.ActiveDays[0] != today {
			t.Errorf("got %+v", got)
		}
		stats := must(s.DeckStats(t.Context(), "ada", at))(t)
		if len(stats) != 1 || stats[0] != (study.DeckStats{DeckID: deck.ID, Title: "d", Cards: 3, New: 1, Review: 2, Due: 1}) {
			t.Errorf("got %+v", stats)
		}
	},
	"ReviewSettingsAreKept": func(t *testing.T, s store.Store) {
		if got := must(s.ReviewSettings(t.Context(), "ada"))(t); got != study.DefaultReviewSettings("ada") {
			t.Errorf("got %+v", got)
		}
		for range 2 {
			saved := must(s.SaveReviewSettings(t.Context(), study.ReviewSettings{UserID: "ada", DesiredRetention: .99, NewPerDay: 0, UTCOffsetMinutes: -840}))(t)
			if got := must(s.ReviewSettings(t.Context(), "ada"))(t); got != saved || !recent(got.UpdatedAt) {
				t.Errorf("got %+v, want %+v", got, saved)
			}
		}
		for field, spoil := range map[string]func(*study.ReviewSettings){
			"user_id":            func(v *study.ReviewSettings) { v.UserID = "" },
			"desired_retention":  func(v *study.ReviewSettings) { v.DesiredRetention = 1 },
			"new_per_day":        func(v *study.ReviewSettings) { v.NewPerDay = 1000 },
			"utc_offset_minutes": func(v *study.ReviewSettings) { v.UTCOffsetMinutes = 841 },
		} {
			v := study.DefaultReviewSettings("ada")
			spoil(&v)
			_, err := s.SaveReviewSettings(t.Context(), v)
			wantFault(t, err, field)
		}
	},
}
