package memory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// TestFault_S7_ResumeWhilePublishing plays random schedules of appends, reads, waits and
// reconnects, over several runs and at small bounds, and checks that every reader gets
// every piece of text once and in order, or is sent a gap.
func TestFault_S7_ResumeWhilePublishing(t *testing.T) {
	const steps = 24
	m := New(Options{MaxEvents: 6, MaxBatchBytes: 64, MaxBytes: 16 << 10, MaxSessions: 40})
	rng := rand.New(rand.NewPCG(7, 7))
	gaps := 0
	for i := range schedules {
		p := &play{t: t, rng: rng, m: m, session: uuid.NewString(), schedule: i, appended: map[int]int{}}
		for range steps {
			p.step()
		}
		p.finish()
		gaps += p.gaps
		if i%1000 == 0 {
			audit(t, m)
		}
	}
	t.Logf("%d schedules, %d readers told of a gap", schedules, gaps)
	if gaps == 0 {
		t.Error("no schedule came past a bound")
	}
}

// play is one schedule on one session.
type play struct {
	t        *testing.T
	rng      *rand.Rand
	m        *Journal
	session  string
	schedule int
	writer   stream.Writer // of the open run; nil = none
	appended map[int]int   // number of text pieces, by run number
	runs     int           // started so far
	readers  []*player
	gaps     int
}

// player is a reader: everything it has received, and its open wait.
type player struct {
	after  study.Position
	missed uint64
	text   strings.Builder
	ended  bool
	cancel func()
}

func (p *play) step() {
	switch k := p.rng.IntN(20); {
	case k < 3 && p.writer == nil, p.runs == 0:
		w, err := p.m.Begin(context.Background(), stream.RunInfo{Session: p.session, Run: uuid.NewString()})
		if err != nil {
			p.t.Fatal(err)
		}
		p.writer = w
		p.runs++
	case k < 2:
		p.end()
	case k < 12 && p.writer != nil:
		n := p.runs
		if err := p.writer.Append(context.Background(), token(fmt.Sprintf("%d.%d;", n, p.appended[n]))); err != nil {
			p.t.Fatal(err)
		}
		p.appended[n]++
	case k < 13 && len(p.readers) < 3:
		p.readers = append(p.readers, &player{})
	case len(p.readers) > 0:
		p.read(p.readers[p.rng.IntN(len(p.readers))])
	}
}

// end ends the open run, if there is one.
func (p *play) end() {
	if p.writer != nil {
		_ = p.writer.Close()
	}
	p.writer = nil
}

// read cancels the open wait, if any, and opens another at the same position.
func (p *play) read(r *player) {
	if r.cancel != nil {
		r.cancel()
	}
	r.cancel = p.m.Await(stream.Query{Session: p.session, After: r.after}, func(b study.Batch, err error) { p.take(r, b, err) })
}

func (p *play) take(r *player, b study.Batch, err error) {
	if err != nil {
		p.t.Fatalf("schedule %d: %v", p.schedule, err)
	}
	at := r.after.Seq + b.Missed
	if r.after == (study.Position{}) && len(b.Events) > 0 {
		at = b.Events[0].Seq - 1
	}
	for _, e := range b.Events {
		if at++; e.Seq != at {
			p.t.Fatalf("schedule %d: event %d came for %d", p.schedule, e.Seq, at)
		}
	}
	r.text.WriteString(textOf(p.t, b.Events))
	r.missed += b.Missed
	r.after, r.ended = b.Next, b.Ended
}

// finish ends the last run, lets every reader read to the end, and checks what it got.
func (p *play) finish() {
	p.end()
	for _, r := range p.readers {
		for !r.ended {
			p.read(r)
		}
		if r.cancel != nil {
			r.cancel()
		}
		p.check(r)
	}
	if err := p.m.Drop(context.Background(), p.session); err != nil {
		p.t.Fatal(err)
	}
}

func (p *play) check(r *player) {
	seen := map[int]int{} // run number → next piece expected
	for piece := range strings.SplitSeq(strings.TrimSuffix(r.text.String(), ";"), ";") {
		var run, n int
		if _, err := fmt.Sscanf(piece, "%d.%d", &run, &n); err != nil {
			continue // an event without text
		}
		next, begun := seen[run]
		if n < next || n > next && begun && r.missed == 0 {
			p.t.Fatalf("schedule %d: piece %d of run %d came for %d; missed %d; %s", p.schedule, n, run, next, r.missed, r.text.String())
		}
		seen[run] = n + 1
	}
	if r.missed > 0 {
		p.gaps++
		return
	}
	for run, next := range seen {
		if next != p.appended[run] {
			p.t.Fatalf("schedule %d: run %d ended after %d of %d pieces", p.schedule, run, next, p.appended[run])
		}
	}
}
