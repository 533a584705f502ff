package retrieval

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"studysharper/app/agent"
	"studysharper/app/agent/agenttest"
	"studysharper/app/offline/engine"
	"studysharper/app/store"
	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/app/text"
)

// A student of the benchmark, with notes of 1 kB.
type student struct {
	name   string
	unique []string // for each note, words that no other note has
	shared []string // for each note, words that about one note in a hundred has
	used   []time.Duration
}

// BenchmarkChatsOfManyNotes compares the processor time of a chat of a student with ten notes and of one with 10,000
// (1,000 without FULL=1), in alternating windows. The words of both questions are in one note, or in one of a hundred
// of the many notes, which means more to rank and to send.
func BenchmarkChatsOfManyNotes(b *testing.B) {
	if testing.Short() {
		b.Skip("writes many notes first")
	}
	d, r := newDesk(b), rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.1, 4, 20_000)
	students := []student{newStudent(b, d, r, zipf, 10), newStudent(b, d, r, zipf, testkit.Size(1_000, 10_000))}
	for name, words := range map[string]func(student) []string{
		"words-of-one-note":   func(s student) []string { return s.unique },
		"words-of-many-notes": func(s student) []string { return s.shared },
	} {
		b.Run(name, func(b *testing.B) { compareChats(b, d, r, students, words) })
	}
}

func newStudent(b *testing.B, d desk, r *rand.Rand, zipf *rand.Zipf, notes int) student {
	s := student{name: fmt.Sprint(notes, "-notes")}
	for n := range notes {
		var words, rare []string
		for range 150 {
			rank := zipf.Uint64()
			words = append(words, fmt.Sprintf("term%x", rank*2654435761%(1<<20)))
			if rank > 1_000 && len(rare) < 3 {
				rare = append(rare, words[len(words)-1])
			}
		}
		s.unique = append(s.unique, fmt.Sprintf("subject%d lesson%d", n, r.IntN(1<<30)))
		s.shared = append(s.shared, strings.Join(rare, " "))
		d.keep(b, s.name, fmt.Sprint("Note ", n), s.unique[n]+" "+strings.Join(words, " "))
	}
	return s
}

// compareChats asks about a note of each student in turn, 20 questions per window.
func compareChats(b *testing.B, d desk, r *rand.Rand, students []student, words func(student) []string) {
	const window = 20
	for i := range students {
		students[i].used = nil
	}
	for asked := 0; b.Loop(); asked += window {
		for i := range students {
			s := &students[i]
			before := processTime(b)
			for n := range window {
				list := words(*s)
				message := fmt.Sprintf("What about %s, number %d?", list[r.IntN(len(list))], asked+n)
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

// processTime returns the processor time of this process so far; a chat also searches on other goroutines.
func processTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkOfflineChats asks the offline engine about 100 notes of 2 to 6 kB. Each question contains two or three words
// of one of their sentences, so nearly all questions are new.
func BenchmarkOfflineChats(b *testing.B) {
	if testing.Short() {
		b.Skip("writes many notes first")
	}
	d, r := newDesk(b), rand.New(rand.NewPCG(1, 2))
	model := engine.New()
	d.Orchestrator = agent.New(agent.Deps{Model: model, Cache: agenttest.NewFakes(d.model).Cache, Store: store.ForAgents(d.store)}, agent.Options{Deterministic: true})
	sentences := keepOpenTexts(b, d, "ada", 100)
	before, asked := processTime(b), 0
	for b.Loop() {
		var words []string
		for len(words) < 4 {
			words = text.Words(sentences[r.IntN(len(sentences))])
		}
		at := r.IntN(len(words) - 3)
		message := "What is " + strings.Join(words[at:at+2+r.IntN(2)], " ") + "?"
		if _, err := d.Run(b.Context(), "", study.Request{Type: study.Chat, UserID: "ada", Message: message}, agent.Observer{}); err != nil {
			b.Fatal(err)
		}
		asked++
	}
	b.ReportMetric(float64((processTime(b)-before).Microseconds())/float64(asked), "cpu-µs/op")
}

// keepOpenTexts stores overlapping pieces of the open texts as a user's notes, and returns their sentences.
func keepOpenTexts(b *testing.B, d desk, user string, notes int) (sentences []string) {
	const every, size, sizes = 430, 2000, 10 // distance between the starts of pieces and their size, in bytes; number of sizes
	var all strings.Builder
	for all.Len() < notes*every+3*size {
		for _, name := range []string{"t01_history_reconstruction.txt", "t02_economics_pricecontrols.md", "t05_law_contracts.txt", "t15_transcript_http.txt"} {
			all.WriteString(testkit.ReadFile(b, filepath.Join("app/e2e/retrieval/testdata", name)) + "\n\n")
		}
	}
	for i := range notes {
		note := strings.ToValidUTF8(all.String()[i*every:i*every+size+i%sizes*2*size/sizes], "")
		d.keep(b, user, fmt.Sprint("Note ", i), note)
		sentences = append(sentences, text.SentencesOf(note)...)
	}
	return sentences
}
