package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"studysharper/app/agent"
	"studysharper/app/study"
)

// recordRun records a run of u in its own session, as process-stream does. The journal does not have it.
func (f *face) recordRun() study.Run {
	f.t.Helper()
	session := newID()
	r := study.Run{ID: agent.NewID(), SessionID: session, UserID: "u", Type: study.Chat, Worker: "here/0.1", Request: json.RawMessage(`{}`)}
	if err := f.store.BeginRun(f.t.Context(), r, study.Session{ID: session, UserID: "u"}, study.Message{Role: study.RoleUser, Text: "why?"}); err != nil {
		f.t.Fatal(err)
	}
	return r
}

func (f *face) recordEnd(r study.Run, state study.RunState, outcome string) {
	f.t.Helper()
	r.State, r.Outcome = state, json.RawMessage(outcome)
	if err := f.store.EndRun(f.t.Context(), r, study.Session{}); err != nil {
		f.t.Fatal(err)
	}
}

const completed = `{"data":{"type":"chat","response":"Because."},"success":true}`

func (f *face) status(id string) (v runStatus) {
	f.t.Helper()
	r := f.ask("GET", "/api/ai/runs/"+id, "")
	if err := json.Unmarshal(r.body, &v); err != nil || r.StatusCode != http.StatusOK {
		f.t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	return v
}

func TestARunCanBeAskedForUntilAndAfterItsEnd(t *testing.T) {
	f := serve(t)
	r := f.recordRun()
	if v := f.status(strings.ToUpper(r.ID)); v.State != study.RunRunning || v.RunID != r.ID || v.SessionID != r.SessionID || v.Type != study.Chat || v.EndedAt != nil || v.Result != nil || v.Error != nil {
		t.Errorf("under way: %+v", v)
	}
	failed := f.recordRun()
	f.recordEnd(failed, study.RunFailed, `{"error":"timed out","code":"timeout","retryable":true}`)
	if v := f.status(failed.ID); v.State != study.RunFailed || v.EndedAt == nil || v.Result != nil || !strings.Contains(string(v.Error), "timed out") {
		t.Errorf("failed: %+v", v)
	}
	for path, want := range map[string]int{"/api/ai/runs/x": 422, "/api/ai/runs/" + newID(): 404, "/api/ai/runs/" + r.ID + "?user_id=other": 404, "/api/ai/runs/" + r.ID + "?user_id=u": 200} {
		if got := f.ask("GET", path, ""); got.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, got.StatusCode, want)
		}
	}
}

func TestARunWhoseWorkerDiedHasFailed(t *testing.T) {
	f := serve(t)
	r := f.recordRun()
	f.dead.Store(true)
	if v := f.status(r.ID); v.State != study.RunFailed || !strings.Contains(string(v.Error), `"retryable":true`) || v.EndedAt == nil {
		t.Errorf("got %+v", v)
	}
}

func TestARunIsCancelledOnce(t *testing.T) {
	f := serve(t)
	r := f.recordRun()
	if got := f.ask("DELETE", "/api/ai/runs/"+r.ID+"?user_id=other", ""); got.StatusCode != http.StatusNotFound || len(f.fleet.cancelled) != 0 {
		t.Fatalf("another user: %d, cancelled %v", got.StatusCode, f.fleet.cancelled)
	}
	if got := f.ask("DELETE", "/api/ai/runs/"+r.ID, ""); got.StatusCode != http.StatusAccepted || len(f.fleet.cancelled) != 1 || f.fleet.cancelled[0] != r.ID {
		t.Fatalf("%d, cancelled %v", got.StatusCode, f.fleet.cancelled)
	}
	if v := f.status(r.ID); v.State != study.RunCancelled || !strings.Contains(string(v.Error), `"code":"cancelled"`) {
		t.Errorf("got %+v", v)
	}
	if got := f.ask("DELETE", "/api/ai/runs/"+r.ID, ""); got.StatusCode != http.StatusConflict || len(f.fleet.cancelled) != 1 {
		t.Errorf("again: %d, cancelled %v", got.StatusCode, f.fleet.cancelled)
	}
}

func TestAStreamWithoutAJournalIsAnsweredByTheRunsRecord(t *testing.T) {
	f := serve(t)
	r := f.recordRun()
	f.recordEnd(r, study.RunSucceeded, completed)
	got := f.ask("GET", "/api/ai/stream/"+r.SessionID, "", "Last-Event-ID", "abc.7")
	body := string(got.body)
	gap, complete := strings.Index(body, `{"type":"gap","seq":8,"run_id":"`+r.ID+`","missed":1}`), strings.Index(body, `{"type":"complete","seq":9,"run_id":"`+r.ID+`","data"`)
	if got.StatusCode != 200 || gap < 0 || complete < gap || strings.Count(body, "\nid: ") != 2 {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	_, id, _ := strings.Cut(body[strings.LastIndex(body, "id: "):], " ")
	id, _, _ = strings.Cut(id, "\n")
	if again := f.ask("GET", "/api/ai/stream/"+r.SessionID, "", "Last-Event-ID", id); again.StatusCode != http.StatusNoContent {
		t.Errorf("after the last event %q: %d", id, again.StatusCode)
	}
	if other := f.ask("GET", "/api/ai/stream/"+r.SessionID+"?user_id=other", ""); other.StatusCode != http.StatusNotFound {
		t.Errorf("another user: %d", other.StatusCode)
	}
}

func TestAStreamWhoseRunDiedWithItsJournalEndsInAnError(t *testing.T) {
	f := serve(t)
	f.dead.Store(true)
	r := f.recordRun()
	got := f.ask("GET", "/api/ai/stream/"+r.SessionID+"?run_id="+r.ID, "")
	if !strings.Contains(string(got.body), `{"type":"error","seq":2,"run_id":"`+r.ID+`","error":"the run was interrupted","code":"unavailable","retryable":true}`) {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
}
