package runner

import (
	"context"
	"encoding/json"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

// ledger is a Record.
type ledger struct {
	*agenttest.Store // in which the orchestrator records a run's end
	away             error

	mu       sync.Mutex
	begun    []study.Run
	question []study.Message
	failed   []study.Run // whose end the runner recorded
	alive    int         // calls of KeepRunsAlive
	ended    []string    // what it returns
}

func (l *ledger) BeginRun(_ context.Context, r study.Run, _ study.Session, msgs ...study.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun, l.question = append(l.begun, r), append(l.question, msgs...)
	return l.away
}

func (l *ledger) EndRun(_ context.Context, r study.Run, _ study.Session, _ ...study.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, r)
	return l.away
}

func (l *ledger) KeepRunsAlive(context.Context, ...string) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alive++
	return l.ended, l.away
}

func TestAStartedRunIsRecordedWithItsQuestionAndEndsWithItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Chat)))
		l, p := &ledger{Store: b.Store}, &paper{}
		req := agenttest.Asking(study.Chat)
		id, err := newRunner(b, p, Options{Record: l}).Start(req, nil)
		if err != nil {
			t.Fatal(err)
		}
		l.mu.Lock()
		if len(l.begun) != 1 || l.begun[0].ID != id || l.begun[0].SessionID != req.SessionID || l.begun[0].UserID != req.UserID || len(l.begun[0].Request) == 0 ||
			len(l.question) != 1 || l.question[0].ID != id || l.question[0].Role != study.RoleUser || l.question[0].Text != req.Message {
			t.Errorf("before Start returned: %+v, %+v", l.begun, l.question)
		}
		l.mu.Unlock()
		synctest.Wait()
		_, streamed := p.terminal(t)
		if len(b.Store.Runs) != 1 || b.Store.Runs[0].ID != id || b.Store.Runs[0].State != study.RunSucceeded || len(l.failed) != 0 {
			t.Fatalf("recorded %+v, %+v", b.Store.Runs, l.failed)
		}
		var recorded map[string]any
		if err := json.Unmarshal(b.Store.Runs[0].Outcome, &recorded); err != nil || !reflect.DeepEqual(recorded["data"], streamed["data"]) || recorded["success"] != true {
			t.Errorf("recorded %v, %v; sent %v", recorded, err, streamed)
		}
		talk := b.Store.Talks[req.SessionID]
		if len(talk) < 2 || talk[len(talk)-2].ID != id {
			t.Errorf("the question would be there twice: %+v", talk)
		}
		time.Sleep(AliveEvery) // nothing runs any more
	})
}

func TestARunThatCannotBeRecordedIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Chat)))
		l, p := &ledger{Store: b.Store, away: study.Errorf(study.CodeUnavailable, "the database is busy")}, &paper{}
		n := newRunner(b, p, Options{Record: l})
		if _, err := n.Start(agenttest.Asking(study.Chat), nil); !study.IsCode(err, study.CodeUnavailable) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if b.Model.Calls() != 0 || n.Counts().Active != 0 || p.closed != 1 {
			t.Errorf("%d calls, counts %+v, journal closed %d times", b.Model.Calls(), n.Counts(), p.closed)
		}
	})
}

func TestARunThatEndedInTheRecordIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := agenttest.NewFakes(agenttest.Hangs())
		l, p := &ledger{Store: b.Store}, &paper{}
		n := newRunner(b, p, Options{Record: l})
		id, err := n.Start(agenttest.Asking(study.Chat), nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3*AliveEvery + time.Millisecond)
		l.mu.Lock()
		if l.alive != 3 {
			t.Errorf("%d signs of life in three intervals", l.alive)
		}
		l.ended = []string{id}
		l.mu.Unlock()
		time.Sleep(AliveEvery)
		synctest.Wait()
		if kind, fields := p.terminal(t); kind != study.KindError || fields["code"] != string(study.CodeCancelled) || fields["retryable"] != false {
			t.Errorf("%s, %v", kind, fields)
		}
		if len(l.failed) != 1 || l.failed[0].State != study.RunCancelled || n.Counts().Active != 0 {
			t.Errorf("recorded %+v", l.failed)
		}
		time.Sleep(10 * AliveEvery)
		synctest.Wait()
		if l.alive > 5 {
			t.Errorf("%d signs of life although nothing runs", l.alive)
		}
	})
}

func TestAnAnswerThatCannotBeSavedIsStillTheRunsOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Quiz)))
		b.Store.Fail = func(m string) error {
			if m == "SaveContent" {
				return study.Errorf(study.CodeUnavailable, "locked")
			}
			return nil
		}
		l, p := &ledger{Store: b.Store}, &paper{}
		if _, err := newRunner(b, p, Options{Record: l}).Start(agenttest.Asking(study.Quiz), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(l.failed) != 1 || l.failed[0].State != study.RunSucceeded || len(l.failed[0].Outcome) == 0 {
			t.Errorf("recorded %+v", l.failed)
		}
		time.Sleep(AliveEvery) // nothing runs any more
	})
}

func TestAQuietRunSaysThatItIsAtWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := agenttest.NewFakes(agenttest.Hangs())
		p := &paper{}
		n := newRunner(b, p, Options{})
		id, err := n.Start(agenttest.Asking(study.Chat), nil)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		before := len(p.kinds())
		time.Sleep(25 * time.Second)
		synctest.Wait()
		if kinds := p.kinds()[before:]; len(kinds) != 3 || kinds[0] != study.KindProgress {
			t.Errorf("in 25 s: %v", kinds)
		}
		n.Cancel(id, study.ErrRunCancelled)
		time.Sleep(time.Minute)
		synctest.Wait()
		if kinds := p.kinds(); !kinds[len(kinds)-1].Terminal() {
			t.Errorf("after its end: %v", kinds)
		}
	})
}
