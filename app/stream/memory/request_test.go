package memory

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// startKept begins a run whose request has n bytes.
func startKept(t *testing.T, m *Journal, session, id string, n int) *Run {
	t.Helper()
	r, err := m.Open(stream.RunInfo{Session: session, Run: id, Request: make([]byte, n)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARequestIsCountedAndForgottenWhenItIsNoMoreOfUse(t *testing.T) {
	const n = 1000
	start, progress, said := event(study.KindStart, 10), event(study.KindProgress, 10), token("x")
	for name, forget := range map[string]func(*testing.T, *Journal, *Run){
		"a token comes": func(t *testing.T, _ *Journal, r *Run) { appendTo(t, r, said) },
		"it completes":  func(t *testing.T, _ *Journal, r *Run) { appendTo(t, r, study.Event{Kind: study.KindComplete}) },
		"it fails":      func(t *testing.T, _ *Journal, r *Run) { appendTo(t, r, study.Event{Kind: study.KindError}) },
		"it is closed":  func(_ *testing.T, _ *Journal, r *Run) { _ = r.Close() },
		"it is dropped": func(t *testing.T, m *Journal, r *Run) { _ = m.Drop(t.Context(), r.in.key.String()) },
		"nobody takes it over": func(t *testing.T, m *Journal, r *Run) {
			r.Abandon()
			audit(t, m)
			time.Sleep(time.Minute)
			synctest.Wait()
		},
		"it is taken over": func(t *testing.T, m *Journal, r *Run) {
			r.Abandon()
			audit(t, m)
			if _, err := m.Open(stream.RunInfo{Session: r.in.key.String(), Run: r.id.String(), Takeover: true}); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := New(Options{})
				r := startKept(t, m, uuid.NewString(), uuid.NewString(), n)
				appendTo(t, r, start, progress)
				audit(t, m)
				if m.requests != n {
					t.Fatalf("%d bytes are counted", m.requests)
				}
				forget(t, m, r)
				audit(t, m)
				if m.requests != 0 || r.request != nil {
					t.Errorf("%d bytes are kept", m.requests)
				}
			})
		})
	}
}

func TestTheOldWriterOfAnOrphanCanDoNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{})
		session, id := uuid.NewString(), uuid.NewString()
		old := startKept(t, m, session, id, 10)
		appendTo(t, old, study.Event{Kind: study.KindStart})
		_, err := m.Open(stream.RunInfo{Session: session, Run: id, Takeover: true})
		wantCode(t, "to take over a run that has a writer", err, study.CodeNotFound)
		old.Abandon()
		_, err = m.Open(stream.RunInfo{Session: session, Run: id})
		wantCode(t, "to begin what is an orphan", err, study.CodeInvalid)
		for range 2 { // while it is an orphan, and after a takeover
			wantCode(t, "Append", old.Append(t.Context(), token("late")), study.CodeUnavailable)
			wantCode(t, "Append of an end", old.Append(t.Context(), study.Event{Kind: study.KindComplete}), study.CodeUnavailable)
			wantCode(t, "Close", old.Close(), study.CodeUnavailable)
			old.Abandon()
			if m.Stats().Orphans == 1 {
				if _, err = m.Open(stream.RunInfo{Session: session, Run: id, Takeover: true}); err != nil {
					t.Fatal(err)
				}
			}
		}
		b, err := now(m, session, study.Position{})
		if err != nil || len(b.Events) != 1 || b.Ended {
			t.Errorf("%+v, %v; want the start alone, and the run open", b, err)
		}
		audit(t, m)
	})
}

func TestRequestsHaveAQuarterOfMaxBytesAndMakeRoomThere(t *testing.T) {
	const size = 8000
	m := New(Options{MaxBytes: 4 * size})
	read := uuid.NewString()
	appendTo(t, start(t, m, read), event(study.KindComplete, 3*size))
	if _, err := now(m, read, study.Position{}); err != nil {
		t.Fatal(err)
	}
	kept := startKept(t, m, uuid.NewString(), uuid.NewString(), size)
	audit(t, m)
	one := startKept(t, m, uuid.NewString(), uuid.NewString(), 1)
	if kept.request == nil || one.request != nil || m.Stats().Sessions != 2 {
		t.Errorf("kept %d and %d bytes, %+v; want those up to the quarter alone, the read session to go for them",
			len(kept.request), len(one.request), m.Stats())
	}
	appendTo(t, kept, token("x"))
	if two := startKept(t, m, uuid.NewString(), uuid.NewString(), size); two.request == nil {
		t.Error("what is freed is not given again")
	}
	audit(t, m)
}
