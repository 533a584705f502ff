package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

func token(text string) study.Event {
	fields, _ := json.Marshal(map[string]string{"text": text})
	return study.Event{Kind: study.KindToken, Fields: fields}
}

func progress(text string) study.Event {
	fields, _ := json.Marshal(map[string]string{"note": text})
	return study.Event{Kind: study.KindProgress, Fields: fields}
}

func text(e study.Event) string {
	var f struct{ Text string }
	_ = json.Unmarshal(e.Fields, &f)
	return f.Text
}

// watched is what a reader received of a stream, to its end.
type watched struct {
	text   string
	last   study.Kind
	missed uint64
	fault  error
}

// follow reads a session from the start of its newest run to the end, and reports numbers
// that do not increase by one.
func follow(ctx context.Context, j stream.Journal, session string) (got watched) {
	var at study.Position
	for {
		b, err := j.Since(ctx, stream.Query{Session: session, After: at})
		if err != nil {
			got.fault = fmt.Errorf("behind %v: %w", at, err)
			return got
		}
		if at.Epoch != 0 && b.Next.Epoch != at.Epoch {
			got.fault = errors.Join(got.fault, fmt.Errorf("epoch %d became %d", at.Epoch, b.Next.Epoch))
		}
		got.missed += b.Missed
		seq := at.Seq + b.Missed
		for _, e := range b.Events {
			if seq++; e.Seq != seq {
				got.fault = errors.Join(got.fault, fmt.Errorf("event %d came for %d", e.Seq, seq))
			}
			got.text += text(e)
			got.last = e.Kind
		}
		if at = b.Next; b.Ended {
			return got
		}
	}
}

// roomy keeps all events of the traffic, so that a reader delayed by a busy machine misses
// nothing because of a bound, and every missed event was really lost.
var roomy = Options{MaxEvents: 2000}

// traffic is several runs that send tokens for a while, each watched in every process.
type traffic struct {
	t          *testing.T
	ctx        context.Context
	writers    []stream.Journal
	readers    []stream.Journal
	lossy      bool // Redis loses its data: readers may miss events, and the ends of runs
	said       atomic.Int64
	unanswered atomic.Int64 // readers of runs that were lost before they connected: without a record they wait
	all        sync.WaitGroup
}

func (l *traffic) run(n int, tokens int, pause time.Duration) {
	info := runInfo()
	ctx, cancel := context.WithCancel(l.ctx)
	for _, reader := range l.readers {
		l.all.Go(func() {
			got := follow(ctx, reader, info.Session)
			if l.lossy && (got.fault == nil && got.last == study.KindComplete || study.IsCode(got.fault, study.CodeNotFound)) {
				return
			}
			if l.lossy && study.IsCode(got.fault, study.CodeUnavailable) && ctx.Err() != nil {
				l.unanswered.Add(1)
				return
			}
			if want := said(n, tokens); got.fault != nil || got.missed != 0 || got.text != want || got.last != study.KindComplete {
				l.t.Errorf("run %d: fault %v, missed %d, last %s, %d of %d bytes", n, got.fault, got.missed, got.last, len(got.text), len(want))
			}
		})
	}
	l.all.Go(func() {
		defer func() {
			if l.lossy {
				time.AfterFunc(3*grace, cancel)
			}
		}()
		w, err := l.writers[n%len(l.writers)].Begin(l.ctx, info)
		if err != nil {
			l.t.Error("Begin:", err)
			return
		}
		for i := range tokens {
			if err := w.Append(l.ctx, token(word(n, i))); err != nil {
				l.t.Errorf("Append: %v", err)
				return
			}
			l.said.Add(1)
			testkit.Pause(pause) // the model's pace
		}
		if err := w.Append(l.ctx, study.Event{Kind: study.KindComplete}); err != nil {
			l.t.Error("the end:", err)
		}
	})
}

func word(n, i int) string { return fmt.Sprintf("%d.%d ", n, i) }

func said(n, tokens int) string {
	var all strings.Builder
	for i := range tokens {
		all.WriteString(word(n, i))
	}
	return all.String()
}

func TestNothingIsDoubledAndEveryRunEndsWhileRedisIsKilledThreeTimesUnderLoad(t *testing.T) {
	server := redistest.Start(t)
	a, b := started(t, server.URL(), roomy), started(t, server.URL(), roomy)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l := &traffic{t: t, ctx: ctx, writers: []stream.Journal{a, b}, readers: []stream.Journal{a, b}, lossy: true}
	const runs, tokens = 8, 800
	for n := range runs {
		l.run(n, tokens, 8*time.Millisecond)
	}
	for k := range int64(3) {
		testkit.Eventually(t, "the load continues", func() bool { return l.said.Load() > (k+1)*runs*tokens/5 })
		server.Kill()
		testkit.Pause(300 * time.Millisecond) // how long Redis is unreachable
		server.Resume(t)
	}
	l.all.Wait()
	if a.Stats().Detached+b.Stats().Detached == 0 || a.Stats().Runs+b.Stats().Runs > 0 {
		t.Errorf("stats %+v, %+v: want runs that went on without Redis, and none left open", a.Stats(), b.Stats())
	}
	t.Logf("%+v", a.Stats())
}

func TestNothingIsLostWhileRedisIsFrozen(t *testing.T) {
	hurried(t)
	server := redistest.Start(t)
	a, b := started(t, server.URL(), roomy), started(t, server.URL(), roomy)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l := &traffic{t: t, ctx: ctx, writers: []stream.Journal{a}, readers: []stream.Journal{a, b}}
	for n := range 4 {
		l.run(n, 300, 8*time.Millisecond)
	}
	testkit.Eventually(t, "the load continues", func() bool { return l.said.Load() > 200 })
	server.Freeze(t)
	testkit.Pause(1500 * time.Millisecond) // how long it is frozen
	server.Thaw(t)
	l.all.Wait()
}

func TestAnAppendWhoseReplyIsLostIsNoSecondEvent(t *testing.T) {
	hurried(t)
	server := redistest.Start(t)
	p := newProxy(t, server.Addr())
	a, b := started(t, p.url(), roomy), started(t, server.URL(), roomy)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var kept atomic.Int64
	l := &traffic{t: t, ctx: ctx, writers: []stream.Journal{a}, readers: []stream.Journal{b}}
	l.run(1, 400, 5*time.Millisecond)
	for k := range int64(5) {
		testkit.Eventually(t, "the load continues", func() bool { return l.said.Load() > 60*(k+1) })
		p.mute(func(request []byte) bool {
			hit := kept.Load() == k && bytes.Contains(request, []byte("1."))
			if hit {
				kept.Add(1)
			}
			return hit
		})
	}
	l.all.Wait()
	if kept.Load() != 5 {
		t.Errorf("%d replies were kept back, want 5", kept.Load())
	}
}

func TestAHalfOpenConnectionHoldsNobody(t *testing.T) {
	hurried(t)
	server := redistest.Start(t)
	p := newProxy(t, server.Addr())
	a, b := started(t, p.url(), roomy), started(t, server.URL(), roomy)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l := &traffic{t: t, ctx: ctx, writers: []stream.Journal{a}, readers: []stream.Journal{a, b}}
	l.run(1, 400, 5*time.Millisecond)
	testkit.Eventually(t, "the load continues", func() bool { return l.said.Load() > 50 })
	p.mute(func([]byte) bool { return true })
	testkit.Eventually(t, "Redis is known to be away", func() bool { return !a.conn.Up() })
	p.mute(func([]byte) bool { return false })
	l.all.Wait()
}

func TestBeginFailsAtOnceWhileRedisIsAwayAndLeavesNothingBehind(t *testing.T) {
	hurried(t)
	server := redistest.Start(t)
	p := newProxy(t, server.Addr())
	a := started(t, p.url(), Options{})
	info := runInfo()
	p.mute(func(request []byte) bool { return bytes.Contains(request, []byte(info.Run)) })
	if _, err := a.Begin(t.Context(), info); study.AsError(err).Code != study.CodeUnavailable {
		t.Fatalf("Begin without a reply: %v", err)
	}
	p.mute(func([]byte) bool { return false })
	testkit.Eventually(t, "what had begun is taken back", func() bool {
		keys, err := server.Client(t).Keys(context.Background(), "*"+info.Session+"*").Result()
		return err == nil && len(keys) == 0 && a.conn.Up()
	})
	if s := a.Stats(); s.Runs != 0 {
		t.Errorf("%d runs are open", s.Runs)
	}
	server.Kill()
	testkit.Eventually(t, "Redis is known to be away", func() bool { return !a.conn.Up() })
	for range 1000 {
		if _, err := a.Begin(t.Context(), runInfo()); study.AsError(err).Code != study.CodeUnavailable {
			t.Fatal("Begin with Redis dead:", err)
		}
	}
	if _, err := a.Since(t.Context(), stream.Query{Session: info.Session, NoWait: true}); study.AsError(err).Code != study.CodeUnavailable {
		t.Error("NoWait with Redis dead:", err)
	}
}
