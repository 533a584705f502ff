package store_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	neturl "net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/review"
	"studysharper/app/store"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

// decks stores cards of the user ada and returns them; a deck has 500.
func decks(b testing.TB, s store.Store, cards int) []study.Card {
	b.Helper()
	for d := range cards / 500 {
		set := &study.FlashcardSet{}
		for i := range 500 {
			set.Flashcards = append(set.Flashcards, study.Flashcard{Question: fmt.Sprintf("What is %d of %d?", i, d), Answer: "The answer, in a sentence of some length.", Topic: "t", Difficulty: study.Easy})
		}
		data, err := json.Marshal(set)
		if err == nil {
			_, err = s.SaveContent(b.Context(), study.Content{UserID: "ada", Type: study.Flashcards, Title: "d", Subject: "Biology", Data: data})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	due, err := s.DueCards(b.Context(), store.DueQuery{UserID: "ada", Limit: store.MaxRows, At: time.Now().Add(time.Hour), NewPerDay: cards})
	if err != nil {
		b.Fatal(err)
	}
	return due.Cards
}

func TestCountsOfDueCardsStopAtTheirBound(t *testing.T) {
	url := fresh(t)
	s := open(t, url, store.Options{})
	decks(t, s, store.MaxDueCounted+500)
	db, err := sql.Open("sqlite", "file:"+(&neturl.URL{Path: pathOf(url)}).EscapedPath())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "UPDATE cards SET state = 2, due = due - rowid % 2 * 172800000000"); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(time.Hour)
	got, err := s.DueCards(t.Context(), store.DueQuery{UserID: "ada", Limit: 20, At: now, DayStart: now.Add(-24 * time.Hour)})
	if want := (study.DueCounts{Review: store.MaxDueCounted, Overdue: (store.MaxDueCounted + 500) / 2}); err != nil || got.Counts != want || len(got.Cards) != 20 {
		t.Errorf("got %+v and %d cards (%v), want %+v and 20", got.Counts, len(got.Cards), err, want)
	}
	if _, err := db.ExecContext(t.Context(), "UPDATE cards SET due = 0"); err != nil {
		t.Fatal(err)
	}
	got, err = s.DueCards(t.Context(), store.DueQuery{UserID: "ada", Limit: 20, At: now, DayStart: now.Add(-24 * time.Hour)})
	if want := (study.DueCounts{Review: store.MaxDueCounted, Overdue: store.MaxDueCounted}); err != nil || got.Counts != want {
		t.Errorf("all overdue: got %+v (%v), want %+v", got.Counts, err, want)
	}
}

// BenchmarkDueQueueOf50kCards measures the queue of a student with 50,000 cards: all new, a mix as after a year of
// study, and all overdue, as after a long break.
func BenchmarkDueQueueOf50kCards(b *testing.B) {
	url := fresh(b)
	s := open(b, url, store.Options{})
	decks(b, s, 50_000)
	db, err := sql.Open("sqlite", "file:"+(&neturl.URL{Path: pathOf(url)}).EscapedPath())
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	now := time.Now().Add(time.Hour)
	for _, c := range []struct{ name, change string }{
		{"new", "UPDATE cards SET state = 0"},
		{"mixed", "UPDATE cards SET state = rowid % 4, due = due + (rowid % 200 - 20) * 86400000000"},
		{"overdue", "UPDATE cards SET state = 2, due = due - (1 + rowid % 200) * 86400000000"},
	} {
		if _, err := db.Exec(c.change); err != nil {
			b.Fatal(err)
		}
		for _, subject := range []string{"", "Biology"} {
			b.Run(c.name+"/subject="+subject, func(b *testing.B) {
				r := review.Reviewer{Store: s}
				ask := func() {
					if q, err := r.Queue(b.Context(), review.QueueQuery{UserID: "ada", Subject: subject, Limit: 20}, now); err != nil || len(q.Cards) != 20 {
						b.Fatal(len(q.Cards), err)
					}
				}
				for b.Loop() {
					ask()
				}
				const calls = 50 // the kernel counts in milliseconds
				used := testkit.ProcessorTime(1, func() {
					for range calls {
						ask()
					}
				})
				b.ReportMetric(float64(used.Microseconds())/1000/calls, "cpu-ms/op")
			})
		}
	}
}

// BenchmarkGrade rates cards from 64 goroutines at once.
func BenchmarkGrade(b *testing.B) {
	s := open(b, fresh(b), store.Options{})
	cards := decks(b, s, 1_000)
	r := review.Reviewer{Store: s}
	var n atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			i := n.Add(1)
			now := time.Now()
			v := study.Review{ID: uuid.NewString(), CardID: cards[int(i)%len(cards)].ID, Rating: 1 + int(i)%4, At: now.Add(time.Duration(i) * time.Microsecond)}
			if _, err := r.Grade(b.Context(), v, now); err != nil && !study.IsCode(err, study.CodeConflict) {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "reviews/s")
}
