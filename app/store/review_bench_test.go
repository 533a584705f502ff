package store_test

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/review"
	"studysharper/app/store"
	"studysharper/app/study"
)

// decks keeps cards of the user ada and gives them; a deck has 500.
func decks(b *testing.B, s store.Store, cards int) []study.Card {
	b.Helper()
	for d := range cards / 500 {
		set := &study.FlashcardSet{}
		for i := range 500 {
			set.Flashcards = append(set.Flashcards, study.Flashcard{Question: fmt.Sprintf("What is %d of %d?", i, d), Answer: "The answer, in a sentence of some length.", Topic: "t", Difficulty: study.Easy})
		}
		data, err := json.Marshal(set)
		if err == nil {
			_, err = s.SaveContent(b.Context(), study.Content{UserID: "ada", Type: study.Flashcards, Title: "d", Data: data})
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

// BenchmarkDueQueueOf50kCards is the queue of a student with 50,000 cards, all new.
func BenchmarkDueQueueOf50kCards(b *testing.B) {
	s := open(b, fresh(b), store.Options{})
	decks(b, s, 50_000)
	r := review.Reviewer{Store: s}
	for b.Loop() {
		if q, err := r.Queue(b.Context(), review.QueueQuery{UserID: "ada", Limit: 20}, time.Now().Add(time.Hour)); err != nil || len(q.Cards) != 20 {
			b.Fatal(len(q.Cards), err)
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
