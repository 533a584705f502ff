package record

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/stream/memory"
	"studysharper/app/study"
)

// table is an in-memory store of run records.
type table struct {
	mu   sync.Mutex
	runs map[string]study.Run
	away error
}

func (r *table) RunByID(_ context.Context, id string) (study.Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if run, ok := r.runs[id]; ok && r.away == nil {
		return run, nil
	}
	if r.away != nil {
		return study.Run{}, r.away
	}
	return study.Run{}, study.Errorf(study.CodeNotFound, "no run")
}

func (r *table) NewestRun(ctx context.Context, session string) (study.Run, error) {
	r.mu.Lock()
	ids := slices.Collect(maps.Keys(r.runs))
	r.mu.Unlock()
	for _, id := range ids {
		if run, err := r.RunByID(ctx, id); err != nil || run.SessionID == session {
			return run, err
		}
	}
	return study.Run{}, study.Errorf(study.CodeNotFound, "no run")
}

func (r *table) EndRun(_ context.Context, run study.Run, _ study.Session, _ ...study.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if kept, ok := r.runs[run.ID]; ok && !kept.Ended() {
		run.EndedAt = time.Now()
		r.runs[run.ID] = run
	}
	return nil
}

// scene is a journal with the record of one run, in its own bubble.
type scene struct {
	*testing.T
	*Journal
	inner *memory.Journal
	table *table
	run   study.Run
	alive bool
}

func play(t *testing.T, doubtful func() bool, act func(s *scene)) {
	synctest.Test(t, func(t *testing.T) {
		s := &scene{T: t, inner: memory.New(memory.Options{}), alive: true,
			run: study.Run{ID: uuid.NewString(), SessionID: uuid.NewString(), UserID: "ada", Type: study.Chat, State: study.RunRunning, AliveAt: time.Now()}}
		s.table = &table{runs: map[string]study.Run{s.run.ID: s.run}}
		s.Journal = New(Options{Journal: s.inner, Runs: s.table, Alive: func(study.Run) bool { return s.alive }, Doubtful: doubtful})
		act(s)
	})
}

func (s *scene) end(state study.RunState) {
	r := s.run
	r.State, r.Outcome = state, json.RawMessage(`{"x":1}`)
	_ = s.table.EndRun(s.Context(), r, study.Session{})
}

// read waits for the events after a position, and measures how long that takes.
func (s *scene) read(q stream.Query) (b study.Batch, took time.Duration, err error) {
	s.Helper()
	q.Session = s.run.SessionID
	began := time.Now()
	b, err = s.Since(s.Context(), q)
	return b, time.Since(began), err
}

// wantEnd expects the run's end, after a gap, right after a position.
func (s *scene) wantEnd(b study.Batch, err error, kind study.Kind, after uint64) {
	s.Helper()
	if err != nil || len(b.Events) != 1 || b.Events[0].Kind != kind || b.Events[0].Seq != after+2 || b.Missed != 1 || !b.Ended || b.Run != s.run.ID ||
		b.Next != (study.Position{Epoch: Epoch, Seq: after + 2}) {
		s.Errorf("got %+v, %v", b, err)
	}
}

func TestAReaderInTheRecordIsToldOfTheEndWithinASecond(t *testing.T) {
	for state, kind := range map[study.RunState]study.Kind{study.RunSucceeded: study.KindComplete, study.RunFailed: study.KindError, study.RunCancelled: study.KindError} {
		play(t, nil, func(s *scene) {
			time.AfterFunc(3*time.Second+1, func() { s.end(state) })
			b, took, err := s.read(stream.Query{After: study.Position{Epoch: Epoch, Seq: 7}})
			s.wantEnd(b, err, kind, 7)
			if took > 4*time.Second {
				s.Errorf("after %v", took)
			}
		})
	}
}

func TestARunUnderWayIsReportedBeforeTenSecondsOfSilence(t *testing.T) {
	play(t, nil, func(s *scene) {
		at := study.Position{Epoch: Epoch, Seq: 7}
		for range 3 {
			b, took, err := s.read(stream.Query{After: at})
			if err != nil || len(b.Events) != 1 || b.Events[0].Kind != study.KindProgress || b.Events[0].Seq != at.Seq+1 || b.Ended || took > 10*time.Second {
				t.Fatalf("after %v: %+v, %v", took, b, err)
			}
			at = b.Next
		}
		s.end(study.RunSucceeded)
		b, _, err := s.read(stream.Query{After: at})
		s.wantEnd(b, err, study.KindComplete, at.Seq)
	})
}

func TestARunWhoseWorkerDiedEndsAtOnceAndForAll(t *testing.T) {
	play(t, nil, func(s *scene) {
		s.alive = false
		b, took, err := s.read(stream.Query{After: study.Position{Epoch: Epoch}, Run: s.run.ID})
		s.wantEnd(b, err, study.KindError, 0)
		if took != 0 || s.table.runs[s.run.ID].State != study.RunFailed {
			t.Errorf("after %v, recorded as %s", took, s.table.runs[s.run.ID].State)
		}
	})
}

func TestAnOrphanIsNotTakenForDead(t *testing.T) {
	play(t, nil, func(s *scene) {
		if _, err := s.inner.Begin(s.Context(), stream.RunInfo{Session: s.run.SessionID, Run: s.run.ID, Owner: "ada"}); err != nil {
			t.Fatal(err)
		}
		s.alive = false
		if r := s.Settle(s.Context(), s.run); r.Ended() {
			t.Errorf("got %+v", r)
		}
	})
}

func TestAReaderOfADroppedSessionIsAnsweredByTheRecordIfThereIsOne(t *testing.T) {
	for _, recorded := range []bool{true, false} {
		play(t, nil, func(s *scene) {
			w, err := s.inner.Begin(s.Context(), stream.RunInfo{Session: s.run.SessionID, Run: s.run.ID, Owner: "ada"})
			if err == nil {
				err = w.Append(s.Context(), study.Event{Kind: study.KindStart})
			}
			b, _, errStart := s.read(stream.Query{})
			if err = errors.Join(err, errStart); err != nil {
				t.Fatal(err)
			}
			s.end(study.RunSucceeded)
			if !recorded {
				clear(s.table.runs)
			}
			time.AfterFunc(time.Second, func() { _ = s.inner.Drop(s.Context(), s.run.SessionID) })
			got, _, err := s.read(stream.Query{After: b.Next})
			if recorded {
				s.wantEnd(got, err, study.KindComplete, b.Next.Seq)
			} else if !study.IsCode(err, study.CodeNotFound) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestASilentJournalIsDoubtedOnlyIfItMayBeWrong(t *testing.T) {
	for name, c := range map[string]struct {
		doubtful func() bool
		q        stream.Query
		within   time.Duration // 0: it keeps waiting
	}{
		"it always answers":                    {nil, stream.Query{}, 0},
		"it seems well, and no run is known":   {func() bool { return false }, stream.Query{}, 10 * time.Second}, // another instance may have one
		"it seems well, and a run is known":    {func() bool { return false }, stream.Query{After: study.Position{Epoch: 9, Seq: 3}}, 10 * time.Second},
		"it is wrong, and no run is known":     {func() bool { return true }, stream.Query{}, 5 * time.Second},
		"it is wrong, and a run is known":      {func() bool { return true }, stream.Query{After: study.Position{Epoch: 9, Seq: 3}}, 5 * time.Second},
		"it is wrong, and the run is named":    {func() bool { return true }, stream.Query{After: study.Position{Epoch: 9, Seq: 3}}, 5 * time.Second},
		"it is wrong, and the owner is theirs": {func() bool { return true }, stream.Query{Owner: "bob"}, 0},
	} {
		play(t, c.doubtful, func(s *scene) {
			s.end(study.RunSucceeded)
			ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
			defer cancel()
			q := c.q
			q.Session = s.run.SessionID
			began := time.Now()
			b, err := s.Since(ctx, q)
			took := time.Since(began)
			switch {
			case c.within == 0 && (err == nil || took != time.Minute):
				t.Errorf("%s: after %v %+v, %v", name, took, b, err)
			case c.within > 0 && took > c.within:
				t.Errorf("%s: after %v", name, took)
			case c.within > 0:
				s.wantEnd(b, err, study.KindComplete, q.After.Seq)
			}
			if n := s.inner.Stats().Readers; n != 0 {
				t.Errorf("%s: %d waits are left in the journal", name, n)
			}
		})
	}
}

func TestAPeekSaysThatTheRecordHasTheRun(t *testing.T) {
	play(t, nil, func(s *scene) {
		b, _, err := s.read(stream.Query{Peek: true, After: study.Position{Epoch: 9, Seq: 3}})
		if err != nil || b.Next != (study.Position{Epoch: Epoch, Seq: 3}) || b.Missed == 0 || b.Ended {
			t.Errorf("got %+v, %v", b, err)
		}
		s.table.away = study.Errorf(study.CodeUnavailable, "away")
		b, _, err = s.read(stream.Query{Peek: true})
		if err != nil || b.Next != (study.Position{}) {
			t.Errorf("without the record: %+v, %v; want what the journal says", b, err)
		}
	})
}
