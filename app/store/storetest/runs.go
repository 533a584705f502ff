package storetest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/store"
	"studysharper/app/study"
)

// begun returns a run of a session of Ada's, as stored when it begins.
func begun() (study.Run, study.Session) {
	session := study.Session{ID: uuid.NewString(), UserID: "ada"}
	return study.Run{ID: uuid.Must(uuid.NewV7()).String(), SessionID: session.ID, UserID: "ada", Type: study.Chat, Worker: "here/0.1",
		Request: json.RawMessage(`{"message":"why?"}`), StartedAt: time.Unix(1_800_000_000, 7000)}, session
}

var runTests = map[string]func(*testing.T, store.Store){
	"ARunIsKeptFromItsBeginningWithTheQuestion": func(t *testing.T, s store.Store) {
		r, v := begun()
		ok(t, s.BeginRun(t.Context(), r, v, from(study.RoleUser, "why?")))
		for _, got := range []study.Run{must(s.RunByID(t.Context(), strings.ToUpper(r.ID)))(t), must(s.NewestRun(t.Context(), strings.ToUpper(v.ID)))(t)} {
			if !recent(got.AliveAt) || got.State != study.RunRunning || got.Ended() || !got.EndedAt.IsZero() || got.Outcome != nil {
				t.Errorf("kept %+v", got)
			}
			if got.ID != r.ID || got.SessionID != v.ID || got.UserID != "ada" || got.Type != study.Chat || got.Worker != r.Worker ||
				string(got.Request) != string(r.Request) || !got.StartedAt.Equal(r.StartedAt) {
				t.Errorf("kept %+v, not %+v", got, r)
			}
		}
		same(t, texts(said, rows(s.Messages(t.Context(), v.ID, store.Page{Limit: 9}))(t)), "user: why?")
	},
	"ARunEndsOnceWithItsAnswer": func(t *testing.T, s store.Store) {
		r, v := begun()
		ok(t, s.BeginRun(t.Context(), r, v))
		end := r
		end.State, end.Outcome, end.EndedAt = study.RunSucceeded, json.RawMessage(`{"data":{}}`), time.Unix(1_800_000_009, 0)
		ok(t, s.EndRun(t.Context(), end, v, from(study.RoleAssistant, "because")))
		again := end
		again.State, again.Outcome = study.RunFailed, json.RawMessage(`{"error":"x"}`)
		ok(t, s.EndRun(t.Context(), again, study.Session{}))
		got := must(s.RunByID(t.Context(), r.ID))(t)
		if !got.Ended() || got.State != study.RunSucceeded || string(got.Outcome) != `{"data":{}}` || got.Request != nil || !got.EndedAt.Equal(end.EndedAt) {
			t.Errorf("kept %+v", got)
		}
		if e := got.Terminal(); e.Kind != study.KindComplete || string(e.Fields) != `{"data":{}}` {
			t.Errorf("it ended with %+v", e)
		}
		same(t, texts(said, rows(s.Messages(t.Context(), v.ID, store.Page{Limit: 9}))(t)), "assistant: because")
	},
	"ARunThatWasNotBegunIsItsExecution": func(t *testing.T, s store.Store) {
		r, _ := begun()
		failed, _ := begun()
		for _, id := range []string{r.ID, failed.ID} {
			e := study.Execution{RunID: id, UserID: "ada", SessionID: r.SessionID, Type: study.Quiz, Success: id == r.ID, Millis: 1500, CreatedAt: r.StartedAt}
			if !e.Success {
				e.ErrorCode = study.CodeTimeout
			}
			s.RecordExecution(e)
		}
		flush(t, s)
		got := must(s.RunByID(t.Context(), strings.ToUpper(r.ID)))(t)
		if got.ID != r.ID || got.SessionID != r.SessionID || got.UserID != "ada" || got.Type != study.Quiz || got.State != study.RunSucceeded || got.Outcome != nil ||
			!got.StartedAt.Equal(r.StartedAt) || !got.EndedAt.Equal(r.StartedAt.Add(1500*time.Millisecond)) {
			t.Errorf("got %+v", got)
		}
		if got := must(s.RunByID(t.Context(), failed.ID))(t); got.State != study.RunFailed || !strings.Contains(string(got.Outcome), `"code":"timeout"`) {
			t.Errorf("got %+v", got)
		}
		_, err := s.NewestRun(t.Context(), r.SessionID)
		wantCode(t, err, study.CodeNotFound)
	},
	"AnEndThatCannotBeKeptKeepsNoAnswer": func(t *testing.T, s store.Store) {
		r, v := begun()
		ok(t, s.BeginRun(t.Context(), r, v))
		r.State, r.Outcome = study.RunSucceeded, json.RawMessage(`{}`)
		v.UserID = "bob"
		wantCode(t, s.EndRun(t.Context(), r, v, from(study.RoleAssistant, "because")), study.CodeNotFound)
		if got := must(s.RunByID(t.Context(), r.ID))(t); got.Ended() {
			t.Errorf("kept %+v", got)
		}
		wantCode(t, s.BeginRun(t.Context(), r, v, from(study.RoleUser, "mine")), study.CodeNotFound)
	},
	"TheNewestRunOfASessionIsTheOneBegunLast": func(t *testing.T, s store.Store) {
		first, v := begun()
		second, _ := begun()
		second.SessionID = v.ID
		ok(t, s.BeginRun(t.Context(), second, v))
		ok(t, s.BeginRun(t.Context(), first, v))
		if got := must(s.NewestRun(t.Context(), v.ID))(t); got.ID != second.ID {
			t.Errorf("got %s, want %s", got.ID, second.ID)
		}
	},
	"AWorkerHearsWhichOfItsRunsHaveEnded": func(t *testing.T, s store.Store) {
		one, v := begun()
		two, w := begun()
		ok(t, s.BeginRun(t.Context(), one, v))
		ok(t, s.BeginRun(t.Context(), two, w))
		two.State, two.Outcome = study.RunCancelled, json.RawMessage(`{"error":"cancelled"}`)
		ok(t, s.EndRun(t.Context(), two, study.Session{}))
		same(t, must(s.KeepRunsAlive(t.Context(), "there/1.1", one.ID, two.ID, noID))(t), two.ID, noID)
		if got := must(s.RunByID(t.Context(), one.ID))(t); got.Worker != "there/1.1" || !recent(got.AliveAt) {
			t.Errorf("kept %+v", got)
		}
		if got := must(s.RunByID(t.Context(), two.ID))(t); got.Worker != "here/0.1" {
			t.Errorf("kept %+v", got)
		}
	},
	"ARunGoesWithItsSession": func(t *testing.T, s store.Store) {
		r, v := begun()
		ok(t, s.BeginRun(t.Context(), r, v))
		ok(t, s.DeleteSession(t.Context(), v.ID))
		_, err := s.RunByID(t.Context(), r.ID)
		wantCode(t, err, study.CodeNotFound)
		r.State, r.Outcome = study.RunFailed, json.RawMessage(`{}`)
		ok(t, s.EndRun(t.Context(), r, study.Session{}))
		_, err = s.NewestRun(t.Context(), v.ID)
		wantCode(t, err, study.CodeNotFound)
	},
	"OldRunsArePruned": func(t *testing.T, s store.Store) {
		at := time.Now().Truncate(time.Millisecond)
		old, v := begun()
		id := uuid.MustParse(old.ID)
		ms := at.Add(-time.Hour).UnixMilli()
		for i := range 6 {
			id[i] = byte(ms >> (40 - 8*i))
		}
		old.ID = id.String()
		young, _ := begun()
		young.SessionID = v.ID
		ok(t, s.BeginRun(t.Context(), old, v))
		ok(t, s.BeginRun(t.Context(), young, v))
		if n := must(s.PruneRuns(t.Context(), at.Add(-time.Hour)))(t); n != 0 {
			t.Errorf("%d runs of that very moment were removed", n)
		}
		if n := must(s.PruneRuns(t.Context(), at.Add(-time.Minute)))(t); n != 1 {
			t.Errorf("%d runs were removed, want 1", n)
		}
		must(s.RunByID(t.Context(), young.ID))(t)
	},
	"ARunOutOfBoundsIsRefused": func(t *testing.T, s store.Store) {
		r, v := begun()
		big := r
		big.Request = make(json.RawMessage, store.MaxRunBytes+1)
		wantFault(t, s.BeginRun(t.Context(), big, v), "request")
		big.Request, big.Outcome = nil, make(json.RawMessage, store.MaxRunBytes+1)
		wantFault(t, s.EndRun(t.Context(), big, v), "outcome")
		nameless := r
		nameless.ID = "x"
		wantFault(t, s.BeginRun(t.Context(), nameless, v), "run_id")
		for _, id := range []string{"", "x", noID} {
			_, err := s.RunByID(t.Context(), id)
			wantCode(t, err, study.CodeNotFound)
			_, err = s.NewestRun(t.Context(), id)
			wantCode(t, err, study.CodeNotFound)
		}
	},
}
