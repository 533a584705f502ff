package runner

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/agent"
	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

// paper is a Journal in memory. append, if set, returns the result of an Append.
type paper struct {
	begin  error
	append func(ctx context.Context, n int, e study.Event) error

	mu     sync.Mutex
	events []study.Event
	tries  int
	closed int
	begun  Run
}

func (p *paper) Begin(_ context.Context, r Run) (Writer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = r
	return p, p.begin
}

func (p *paper) Append(ctx context.Context, e study.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
	if p.append != nil {
		if err := p.append(ctx, p.tries, e); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.events = append(p.events, e)
	return nil
}

func (p *paper) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed++
	return nil
}

func (p *paper) kinds() []study.Kind {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []study.Kind
	for _, e := range p.events {
		list = append(list, e.Kind)
	}
	return list
}

// terminal returns the kind and fields of the one terminal event, which must be the last event.
func (p *paper) terminal(t *testing.T) (study.Kind, map[string]any) {
	t.Helper()
	kinds := p.kinds()
	n := 0
	for _, k := range kinds {
		if k.Terminal() {
			n++
		}
	}
	if n != 1 || !kinds[len(kinds)-1].Terminal() || p.closed != 1 {
		t.Fatalf("%d terminal events, closed %d times: %v", n, p.closed, kinds)
	}
	var fields map[string]any
	if err := json.Unmarshal(p.events[len(kinds)-1].Fields, &fields); err != nil {
		t.Fatal(err)
	}
	return kinds[len(kinds)-1], fields
}

// progress returns the data of the progress events.
func (p *paper) progress(t *testing.T) (list []study.Progress) {
	t.Helper()
	for _, e := range p.events {
		var fields struct{ Data study.Progress }
		if e.Kind != study.KindProgress {
			continue
		}
		if err := json.Unmarshal(e.Fields, &fields); err != nil {
			t.Fatal(err)
		}
		list = append(list, fields.Data)
	}
	return list
}

// newRunner returns a runner of an orchestrator with fake dependencies.
func newRunner(f *agenttest.Fakes, j Journal, o Options) *Runner {
	o.Log = f.Log.Logger()
	return New(agent.New(agent.Deps{Model: f.Model, Cache: f.Cache, Store: f.Store, Log: o.Log}, agent.Options{}), j, o)
}

func TestAStartedRunTellsItsWholeStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Chat)))
		p := &paper{}
		n := newRunner(b, p, Options{})
		id, err := n.Start(agenttest.Asking(study.Chat), nil)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		kinds := p.kinds()
		if kinds[0] != study.KindStart || !slices.Contains(kinds, study.KindToken) || p.begun.Owner != agenttest.Alice || p.begun.Takeover {
			t.Errorf("begun as %+v, events %v", p.begun, kinds)
		}
		var start struct {
			SessionID string    `json:"session_id"`
			Timestamp time.Time `json:"timestamp"`
		}
		if err := json.Unmarshal(p.events[0].Fields, &start); err != nil || start.SessionID != agenttest.SessionID || p.begun.ID != id || start.Timestamp.IsZero() {
			t.Errorf("%v, start %+v", err, start)
		}
		agenttest.CheckSteps(t, p.progress(t))
		kind, fields := p.terminal(t)
		if kind != study.KindComplete || fields["success"] != true || fields["warnings"] == nil || fields["ignored_options"] == nil ||
			fields["validation"].(map[string]any)["validation_passed"] != true {
			t.Errorf("%s %v", kind, fields)
		}
		for _, name := range []string{"data", "execution_time_ms", "saved", "metadata", "intent", "message"} {
			if _, ok := fields[name]; !ok {
				t.Errorf("complete lacks %s", name)
			}
		}
		if got := n.Counts(); got != (Counts{Completed: 1}) {
			t.Errorf("counts %+v", got)
		}
		if b.Store.Executions[0].RunID != id {
			t.Error("the execution has another run id")
		}
	})
}

func TestAStreamedHitSaysSoAndHowOldItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Chat)))
		for i, want := range []any{nil, 3.0} {
			p := &paper{}
			if _, err := newRunner(b, p, Options{}).Start(agenttest.Asking(study.Chat), nil); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			clear(b.Store.Talks) // so that the conversation is the same
			kind, fields := p.terminal(t)
			if kind != study.KindComplete || fields["from_cache"] != (i == 1) || fields["cache_age_seconds"] != want {
				t.Errorf("run %d: %s %v", i+1, kind, fields)
			}
		}
	})
}

// begun returns the id of the run that has begun in a runner's journal.
func begun(n *Runner) string { return n.journal.(*paper).begun.ID }

func TestEveryRunEndsWithOneTerminalEvent(t *testing.T) {
	patient := Options{Timeout: time.Minute, JournalTimeout: time.Second}
	for _, c := range []struct {
		name  string
		model *agenttest.Model
		do    func(*testing.T, *Runner, *agenttest.Fakes)
		code  study.Code // "" = complete
	}{
		{"it answers", agenttest.Says(agenttest.GoodAnswer(study.Quiz)), nil, ""},
		{"its time is over", agenttest.Hangs(), nil, study.CodeTimeout},
		{"it is cancelled", agenttest.Hangs(), func(t *testing.T, n *Runner, _ *agenttest.Fakes) {
			if n.Cancel("another", study.ErrRunCancelled) || !n.Cancel(begun(n), study.Errorf(study.CodeUnavailable, "the run was cancelled")) {
				t.Error("Cancel found the wrong runs")
			}
		}, study.CodeUnavailable},
		{"it is drained", agenttest.Hangs(), func(t *testing.T, n *Runner, _ *agenttest.Fakes) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := n.Drain(ctx); err != nil {
				t.Error(err)
			}
		}, study.CodeUnavailable},
		{"the model panics", &agenttest.Model{Answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
			panic("SECRET")
		}}, nil, study.CodeInternal},
		{"the model talks nonsense", agenttest.Says("SECRET"), nil, study.CodeUpstreamFailed},
		{"the model fails", &agenttest.Model{Answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
			return study.Answer{}, study.Errorf(study.CodeUpstreamUnavailable, "busy")
		}}, nil, study.CodeUpstreamUnavailable},
		{"the AI service asks us to wait", &agenttest.Model{Answer: func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
			return study.Answer{}, &study.Error{Code: study.CodeUpstreamLimited, Message: "wait", RetryAfter: 39_001 * time.Millisecond}
		}}, nil, study.CodeUpstreamLimited},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := agenttest.NewFakes(c.model)
				p := &paper{}
				n := newRunner(b, p, patient)
				if _, err := n.Start(agenttest.Asking(study.Quiz), nil); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if c.do != nil {
					c.do(t, n, b)
				}
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				kind, fields := p.terminal(t)
				if c.code == "" {
					if kind != study.KindComplete || n.Counts() != (Counts{Completed: 1}) {
						t.Errorf("%s, %+v", kind, n.Counts())
					}
					return
				}
				want := (&study.Error{Code: c.code}).Retryable()
				if kind != study.KindError || fields["code"] != string(c.code.Public()) || fields["retryable"] != want || fields["error"] == "" {
					t.Errorf("%s %v", kind, fields)
				}
				if wait, told := fields["retry_after_seconds"]; c.code == study.CodeUpstreamLimited && wait != 40.0 ||
					told && c.code != study.CodeUpstreamLimited && c.code != study.CodeUnavailable {
					t.Errorf("the wait is reported as %v", wait)
				}
				if n.Counts() != (Counts{Failed: 1}) || strings.Contains(agenttest.JSON(fields)+b.Log.String(), "SECRET") {
					t.Errorf("counts %+v, %v, log %s", n.Counts(), fields, b.Log)
				}
			})
		})
	}
}

func TestAJournalThatFailsDoesNotStopTheRun(t *testing.T) {
	broken := errors.New("broken pipe")
	for _, c := range []struct {
		name   string
		append func(ctx context.Context, n int, e study.Event) error
		ends   bool // the terminal event is written
	}{
		{"at once", func(context.Context, int, study.Event) error { return broken }, false},
		{"for a while", func(_ context.Context, n int, _ study.Event) error {
			if n == 1 {
				return broken
			}
			return nil
		}, true},
		{"by panicking", func(_ context.Context, n int, _ study.Event) error {
			if n == 3 {
				panic("SECRET")
			}
			return nil
		}, true},
		{"by hanging", func(ctx context.Context, _ int, _ study.Event) error { <-ctx.Done(); return ctx.Err() }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Quiz)))
				p := &paper{append: c.append}
				n := newRunner(b, p, Options{JournalTimeout: time.Second})
				if _, err := n.Start(agenttest.Asking(study.Quiz), nil); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if len(b.Store.Contents) != 1 || n.Counts() != (Counts{Completed: 1}) || p.closed != 1 {
					t.Errorf("%d contents, counts %+v, closed %d times", len(b.Store.Contents), n.Counts(), p.closed)
				}
				if told := strings.Count(b.Log.String(), "run journal write failed"); told != 1 || strings.Contains(b.Log.String(), "SECRET") {
					t.Errorf("logged %d times: %s", told, b.Log)
				}
				if c.name == "at once" && p.tries != 2 {
					t.Errorf("tried %d times, want only the first and the terminal event", p.tries)
				}
				if kinds := p.kinds(); c.ends != slices.Contains(kinds, study.KindComplete) {
					t.Errorf("events %v", kinds)
				}
			})
		})
	}
}

func TestARunCancelledInAnAppendIsNoFaultOfTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Quiz)))
		p := &paper{append: func(ctx context.Context, _ int, e study.Event) error {
			if !e.Kind.Terminal() {
				<-ctx.Done()
			}
			return ctx.Err()
		}}
		n := newRunner(b, p, Options{JournalTimeout: time.Minute})
		if _, err := n.Start(agenttest.Asking(study.Quiz), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		n.Cancel(p.begun.ID, study.ErrRunCancelled)
		synctest.Wait()
		if kind, _ := p.terminal(t); kind != study.KindError || strings.Contains(b.Log.String(), "journal") {
			t.Errorf("%s, log %s", kind, b.Log)
		}
	})
}

func TestAnAnswerTooLargeForTheJournalEndsInAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Quiz)))
		p := &paper{append: func(_ context.Context, _ int, e study.Event) error {
			if e.Kind == study.KindComplete {
				return study.Errorf(study.CodeTooLarge, "the event is too large")
			}
			return nil
		}}
		n := newRunner(b, p, Options{})
		if _, err := n.Start(agenttest.Asking(study.Quiz), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if kind, fields := p.terminal(t); kind != study.KindError || fields["code"] != string(study.CodeTooLarge) {
			t.Errorf("%s %v", kind, fields)
		}
	})
}

func TestARunWithoutJournalIsNotStarted(t *testing.T) {
	for want, begin := range map[study.Code]error{
		study.CodeUnavailable: errors.New("no relay"),
		study.CodeNotFound:    study.Errorf(study.CodeNotFound, "the session does not exist"),
	} {
		b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Quiz)))
		n := newRunner(b, &paper{begin: begin}, Options{MaxRuns: 1})
		for range 2 { // the slot is released
			_, err := n.Start(agenttest.Asking(study.Quiz), nil)
			agenttest.FailsWith(t, err, want)
		}
		if n.Counts() != (Counts{}) || b.Model.Calls() != 0 {
			t.Errorf("counts %+v", n.Counts())
		}
	}
	n := newRunner(agenttest.NewFakes(agenttest.Hangs()), &paper{}, Options{})
	_, err := n.Start(study.Request{Type: study.Chat, UserID: agenttest.Alice, Message: "hi"}, nil)
	agenttest.FailsWith(t, err, study.CodeInvalid)
}

func TestRunsAboveTheBoundAreShed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := agenttest.NewFakes(agenttest.Hangs())
		n := newRunner(b, &paper{}, Options{MaxRuns: 2, Timeout: time.Minute})
		for range 2 {
			if _, err := n.Start(agenttest.Asking(study.Quiz), nil); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := n.Do(t.Context(), agenttest.Asking(study.Quiz))
		if e := agenttest.FailsWith(t, err, study.CodeOverloaded); e.RetryAfter < time.Second || e.RetryAfter > 5*time.Second {
			t.Errorf("retry after %s", e.RetryAfter)
		}
		_, err = n.Start(agenttest.Asking(study.Quiz), nil)
		agenttest.FailsWith(t, err, study.CodeOverloaded)
		if got := n.Counts(); got != (Counts{Active: 2, Shed: 2}) {
			t.Errorf("counts %+v", got)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := n.Counts(); got != (Counts{Failed: 2, Shed: 2}) {
			t.Errorf("counts %+v", got)
		}
	})
}

func TestARunIsRefusedUnreadWhereItWouldBeRefusedAnyway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		elsewhere := false
		n := newRunner(agenttest.NewFakes(agenttest.Hangs()), &paper{}, Options{MaxRuns: 1, Timeout: time.Minute,
			Full: func() bool { return elsewhere }})
		if err := n.RejectIfFull(); err != nil {
			t.Errorf("with room: %v", err)
		}
		elsewhere = true
		agenttest.FailsWith(t, n.RejectIfFull(), study.CodeOverloaded)
		elsewhere = false
		if _, err := n.Start(agenttest.Asking(study.Quiz), nil); err != nil {
			t.Fatal(err)
		}
		if e := agenttest.FailsWith(t, n.RejectIfFull(), study.CodeOverloaded); e.RetryAfter < time.Second || e.RetryAfter > 5*time.Second {
			t.Errorf("retry after %s", e.RetryAfter)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if err := n.RejectIfFull(); err != nil || n.Counts() != (Counts{Failed: 1, Shed: 2}) {
			t.Errorf("with room again: %v, counts %+v", err, n.Counts())
		}
	})
}

func TestAdmissionIsAskedAndGivenBack(t *testing.T) {
	var inside atomic.Int64
	admit := func() (func(), bool) {
		if inside.Load() == 1 {
			return nil, false
		}
		inside.Add(1)
		return func() { inside.Add(-1) }, true
	}
	b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Quiz)))
	n := newRunner(b, &paper{}, Options{Admit: admit})
	for range 3 {
		if _, _, err := n.Do(t.Context(), agenttest.Asking(study.Quiz)); err != nil {
			t.Fatal(err)
		}
	}
	if inside.Load() != 0 {
		t.Fatalf("%d places are not given back", inside.Load())
	}
	inside.Store(1)
	_, _, err := n.Do(t.Context(), agenttest.Asking(study.Quiz))
	agenttest.FailsWith(t, err, study.CodeOverloaded)
	if n.Counts() != (Counts{Completed: 3, Shed: 1}) {
		t.Errorf("counts %+v", n.Counts())
	}
}

func TestDoGathersProgressAlsoOfAFailure(t *testing.T) {
	b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Quiz)))
	n := newRunner(b, &paper{}, Options{})
	out, told, err := n.Do(t.Context(), agenttest.Asking(study.Quiz))
	if err != nil || out.Result.Intent != study.Quiz {
		t.Fatal(err)
	}
	agenttest.CheckSteps(t, told)
	b = agenttest.NewFakes(agenttest.Says("nonsense"))
	n = newRunner(b, &paper{}, Options{})
	if _, told, err = n.Do(t.Context(), agenttest.Asking(study.Quiz)); len(told) != 4 {
		t.Errorf("%v, %+v", err, told)
	}
	agenttest.FailsWith(t, err, study.CodeUpstreamFailed)
}

func TestDoEndsWithTheCallersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newRunner(agenttest.NewFakes(agenttest.Hangs()), &paper{}, Options{Timeout: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := n.Do(ctx, agenttest.Asking(study.Quiz))
		agenttest.FailsWith(t, err, study.CodeTimeout)
		began := time.Now()
		_, _, err = n.Do(t.Context(), agenttest.Asking(study.Quiz))
		agenttest.FailsWith(t, err, study.CodeTimeout)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

func TestDrainWaitsForRunsAndLetsNoneIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, open := agenttest.Gated(agenttest.GoodAnswer(study.Quiz))
		b := agenttest.NewFakes(m)
		p := &paper{}
		n := newRunner(b, p, Options{})
		if _, err := n.Start(agenttest.Asking(study.Quiz), nil); err != nil {
			t.Fatal(err)
		}
		drained := make(chan error, 2)
		for range 2 {
			go func() { drained <- n.Drain(t.Context()) }()
		}
		synctest.Wait()
		_, err := n.Start(agenttest.Asking(study.Quiz), nil)
		if e := agenttest.FailsWith(t, err, study.CodeUnavailable); e.RetryAfter == 0 {
			t.Error("it does not say when to try again")
		}
		_, _, err = n.Do(t.Context(), agenttest.Asking(study.Quiz))
		agenttest.FailsWith(t, err, study.CodeUnavailable)
		if len(drained) != 0 {
			t.Fatal("Drain did not wait")
		}
		open()
		for range 2 {
			if err := <-drained; err != nil {
				t.Error(err)
			}
		}
		if kind, _ := p.terminal(t); kind != study.KindComplete || n.Counts() != (Counts{Completed: 1}) {
			t.Errorf("%s, %+v", kind, n.Counts())
		}
		if err := n.Drain(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestDrainSaysWhichRunsDoNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		p := &paper{append: func(context.Context, int, study.Event) error { <-stuck; return nil }}
		n := newRunner(agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Quiz))), p, Options{JournalTimeout: time.Second})
		if _, err := n.Start(agenttest.Asking(study.Quiz), nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := n.Drain(ctx); err == nil || !strings.Contains(err.Error(), "1 runs") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %s", took)
		}
		close(stuck)
	})
}

func TestManyRunsAtOnceEachEndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Quiz)))
		journals := &library{}
		n := newRunner(b, journals, Options{MaxRuns: 64})
		for range 64 {
			if _, err := n.Start(agenttest.Asking(study.Quiz), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := n.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, p := range journals.papers {
			p.terminal(t)
		}
		if n.Counts() != (Counts{Completed: 64}) || len(b.Store.Executions) != 64 {
			t.Errorf("counts %+v, %d executions", n.Counts(), len(b.Store.Executions))
		}
	})
}

// library opens a new paper for every run.
type library struct {
	mu     sync.Mutex
	papers []*paper
}

func (l *library) Begin(context.Context, Run) (Writer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.papers = append(l.papers, &paper{})
	return l.papers[len(l.papers)-1], nil
}

func TestGradingIsBoundedAsRunsAre(t *testing.T) {
	f := agenttest.NewFakes(agenttest.Says(`{"grades":[{"n":1,"correct":true}]}`))
	full := false
	n := newRunner(f, &paper{}, Options{Admit: func() (func(), bool) { return func() {}, !full }})
	answers := []study.OpenAnswer{{ItemID: "a", Question: "Why?", Answer: "so"}}
	right, model, err := n.Grade(t.Context(), study.Request{UserID: agenttest.Alice}, answers)
	if err != nil || !right["a"] || model != "fake-1" || n.Counts().Completed != 1 || n.Counts().Active != 0 {
		t.Errorf("%v, %v by %q, %+v", err, right, model, n.Counts())
	}
	full = true
	if _, _, err = n.Grade(t.Context(), study.Request{UserID: agenttest.Alice}, answers); !study.IsCode(err, study.CodeOverloaded) || f.Model.Calls() != 1 || n.Counts().Shed != 1 {
		t.Errorf("%v, %d calls, %+v", err, f.Model.Calls(), n.Counts())
	}
}
