package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"studysharper/app/store"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

// BenchmarkPassagesOfManyNotes searches 1,000 notes of 100 kB, of one user (100 without FULL=1), with questions of five
// words. They are as frequent as in the notes, so most occur in a fifth of all passages or more.
func BenchmarkPassagesOfManyNotes(b *testing.B) {
	if testing.Short() {
		b.Skip("writes many notes first")
	}
	s := open(b, fresh(b), store.Options{})
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.1, 4, 20_000)
	notes := testkit.Size(100, 1000)
	begin := time.Now()
	for i := range notes {
		n := study.Note{UserID: "ada", Title: fmt.Sprint("note ", i), Content: prose(r, zipf, 10_500)}
		if _, err := s.CreateNote(b.Context(), n); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%.1f notes/s of 100 kB written", float64(notes)/time.Since(begin).Seconds())
	var took, used []time.Duration
	for b.Loop() {
		q := store.PassageQuery{UserID: "ada", Search: prose(r, zipf, 5), Limit: 20}
		begin := time.Now()
		used = append(used, testkit.ProcessorTime(1, func() {
			if _, err := s.SearchPassages(b.Context(), q); err != nil {
				b.Fatal(err)
			}
		}))
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	slices.Sort(used)
	b.ReportMetric(float64(used[len(used)*95/100].Microseconds())/1000, "p95-cpu-ms")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
}
