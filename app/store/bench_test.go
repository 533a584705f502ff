package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"studysharper/app/store"
	"studysharper/app/study"
)

// prose returns text with words distributed as in a language: few are common.
func prose(r *rand.Rand, zipf *rand.Zipf, words int) string {
	var b strings.Builder
	for range words {
		n := zipf.Uint64()
		fmt.Fprintf(&b, "%s%x ", []string{"leaf", "cell", "root", "stem", "seed"}[n%5], n*2654435761%(1<<20))
		if r.IntN(12) == 0 {
			b.WriteString("\n")
		}
	}
	return b.String()
}

func BenchmarkSearchIn100kNotes(b *testing.B) {
	if testing.Short() {
		b.Skip("writes 100,000 notes first")
	}
	s := open(b, fresh(b), store.Options{})
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.1, 4, 20_000)
	begin := time.Now()
	for i := range 100_000 {
		user := "everyone else"
		switch {
		case i%2 == 0:
			user = "half"
		case i%1000 == 1:
			user = "ordinary"
		}
		n := study.Note{UserID: user, Title: prose(r, zipf, 4), Content: prose(r, zipf, 100)}
		if _, err := s.CreateNote(b.Context(), n); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%.0f notes/s written, a transaction each", 100_000/time.Since(begin).Seconds())
	for _, user := range []string{"ordinary", "half"} {
		for name, words := range map[string]int{"1word": 1, "2words": 2} {
			b.Run(user+"/"+name, func(b *testing.B) { searchAs(b, s, user, words, false, r, zipf) })
		}
		b.Run(user+"/any-of-8", func(b *testing.B) { searchAs(b, s, user, 8, true, r, zipf) })
	}
}

func searchAs(b *testing.B, s store.Store, user string, words int, anyWord bool, r *rand.Rand, zipf *rand.Zipf) {
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		q := store.NoteQuery{UserID: user, Search: prose(r, zipf, words), AnyWord: anyWord, Page: store.Page{Limit: 20}}
		begin := time.Now()
		if _, _, err := s.Notes(b.Context(), q); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
}

func BenchmarkCreateNote(b *testing.B) {
	s := open(b, fresh(b), store.Options{})
	for b.Loop() {
		if _, err := s.CreateNote(b.Context(), study.Note{UserID: "ada", Title: "Leaves", Content: "Chlorophyll absorbs red and blue light."}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendMessages(b *testing.B) {
	s := open(b, fresh(b), store.Options{})
	v := study.Session{ID: newUUID(), UserID: "ada"}
	for b.Loop() {
		err := s.AppendMessages(b.Context(), v,
			study.Message{Role: study.RoleUser, Text: "What is chlorophyll?"}, study.Message{Role: study.RoleAssistant, Text: "A pigment."})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecordExecution(b *testing.B) {
	s := open(b, fresh(b), store.Options{})
	b.ReportAllocs()
	for b.Loop() {
		s.RecordExecution(study.Execution{RunID: "r", UserID: "ada", Type: study.Chat, Success: true, Millis: 12})
	}
}
