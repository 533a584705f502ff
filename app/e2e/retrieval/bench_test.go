package retrieval

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"studysharper/app/agent"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

// BenchmarkChatsOfManyNotes compares the processor time of a chat of a student with ten notes of 1 kB and of one with
// 10,000 (1,000 without FULL=1), in windows that take turns. A question has three words of a note that are not frequent.
func BenchmarkChatsOfManyNotes(b *testing.B) {
	if testing.Short() {
		b.Skip("writes many notes first")
	}
	d, r := newDesk(b), rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.1, 4, 20_000)
	students := []struct {
		name  string
		notes int
		texts [][]string
		used  []time.Duration // a window each
	}{{name: "10-notes", notes: 10}, {name: "many-notes", notes: testkit.Size(1_000, 10_000)}}
	for i := range students {
		s := &students[i]
		for n := range s.notes {
			var words, rare []string
			for range 150 {
				rank := zipf.Uint64()
				words = append(words, fmt.Sprintf("term%x", rank*2654435761%(1<<20)))
				if rank > 1_000 {
					rare = append(rare, words[len(words)-1])
				}
			}
			s.texts = append(s.texts, rare)
			d.keep(b, s.name, fmt.Sprint("Note ", n), strings.Join(words, " "))
		}
	}
	const window = 20 // questions
	for asked := 0; b.Loop(); asked += window {
		for i := range students {
			s := &students[i]
			before := processTime(b)
			for n := range window {
				rare := s.texts[r.IntN(s.notes)]
				message := fmt.Sprintf("What about %s, number %d?", strings.Join(rare[:min(3, len(rare))], " "), asked+n)
				if _, err := d.Run(b.Context(), "", study.Request{Type: study.Chat, UserID: s.name, Message: message}, agent.Observer{}); err != nil {
					b.Fatal(err)
				}
				d.model.Prompts = nil
			}
			s.used = append(s.used, (processTime(b)-before)/window)
		}
	}
	for _, s := range students {
		slices.Sort(s.used)
		b.ReportMetric(float64(s.used[len(s.used)/2].Microseconds()), "cpu-µs/"+s.name)
	}
}

// processTime is the processor time of this process so far: a chat searches on other goroutines too.
func processTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
