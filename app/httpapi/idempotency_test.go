package httpapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"studysharper/app/agent"
	"studysharper/app/store"
	"studysharper/app/study"
)

func TestAWriteSentAgainWithItsKeyIsAnsweredAsTheFirstWas(t *testing.T) {
	f := serve(t)
	note := f.ask("POST", "/api/notes", `{"user_id":"u","title":"a","content":"b"}`).object(t)["id"].(string)
	kept, err := f.store.SaveContent(t.Context(), study.Content{UserID: "u", Type: study.Quiz, Data: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.store.AppendMessages(t.Context(), study.Session{ID: session, UserID: "u"}); err != nil {
		t.Fatal(err)
	}
	runs := 0
	f.runs.do = func(q study.Request) (agent.Outcome, error) { runs++; return answer(q) }
	f.runs.start = func(study.Request) (string, error) { runs++; return newID(), nil }
	for i, write := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/api/notes", `{"user_id":"u","title":"x","content":"y"}`, 201},
		{"PATCH", "/api/notes/" + note + "?user_id=u", `{"title":"z"}`, 200},
		{"DELETE", "/api/notes/" + note + "?user_id=u", "", 204},
		{"POST", "/api/ai/feedback?user_id=u", `{"content_type":"quizzes","content_id":"` + kept.ID + `","rating":5}`, 201},
		{"PUT", "/api/ai/preferences", `{"user_id":"u","difficulty":"hard"}`, 200},
		{"DELETE", "/api/ai/sessions/" + session, "", 204},
		{"POST", "/api/ai/process", `{"type":"chat","user_id":"u","message":"hi"}`, 200},
		{"POST", "/api/ai/process-stream", `{"type":"chat","user_id":"u","message":"hi"}`, 200},
		{"DELETE", "/api/admin/cache", "", 200},
		{"POST", "/api/admin/reload", "", 202},
	} {
		send := func(path, body string) reply {
			return f.ask(write.method, path, body, "Idempotency-Key", fmt.Sprint("key-", i), "X-Admin-Token", token)
		}
		first, again := send(write.path, write.body), send(write.path, write.body)
		if first.StatusCode != write.status || first.Header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%s %s: %d %s, want %d", write.method, write.path, first.StatusCode, first.body, write.status)
		}
		if again.StatusCode != write.status || again.Header.Get("Idempotent-Replayed") != "true" || string(again.body) != string(first.body) ||
			again.Header.Get("Location") != first.Header.Get("Location") || again.Header.Get("Content-Type") != first.Header.Get("Content-Type") {
			t.Errorf("%s %s: %d %v %s again, want %d %v %s", write.method, write.path,
				again.StatusCode, again.Header, again.body, first.StatusCode, first.Header, first.body)
		}
		if other := send(write.path+map[bool]string{true: "&", false: "?"}[strings.Contains(write.path, "?")]+"x=1", write.body); other.StatusCode != 422 || !strings.Contains(string(other.body), "Idempotency-Key") {
			t.Errorf("%s %s: another request with its key: %d %s", write.method, write.path, other.StatusCode, other.body)
		}
	}
	if runs != 2 || f.fleet.reloads != 1 || len(f.fleet.cleared) != 1 {
		t.Errorf("%d runs, %d reloads, cleared %d times; want 2, 1 and 1", runs, f.fleet.reloads, len(f.fleet.cleared))
	}
}

func TestAKeyIsOneUsers(t *testing.T) {
	f := serve(t)
	seen := map[string]bool{}
	for _, user := range []string{"u", "v"} {
		r := f.ask("POST", "/api/notes", `{"user_id":"`+user+`","content":"y"}`, "Idempotency-Key", "k")
		if r.StatusCode != 201 || r.Header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%s: %d %s", user, r.StatusCode, r.body)
		}
		seen[r.Header.Get("Location")] = true
	}
	if len(seen) != 2 {
		t.Errorf("notes: %v", seen)
	}
}

func TestAKeyIs1To128VisibleCharacters(t *testing.T) {
	f := serve(t)
	for key, status := range map[string]int{
		"": 422, "a b": 422, "é": 422, "a\tb": 422, strings.Repeat("~", 129): 422,
		"!": 201, strings.Repeat("~", 128): 201, `"8e03978e-40d5-43dd-bc93-6894a57f9324"`: 201,
	} {
		r := f.ask("POST", "/api/notes", `{"user_id":"u","content":"y"}`, "Idempotency-Key", key)
		if r.StatusCode != status {
			t.Errorf("%q: %d %s, want %d", key, r.StatusCode, r.body, status)
		}
	}
}

func TestWhatFailedMayBeSentAgainWithItsKey(t *testing.T) {
	f := serve(t)
	fails := true
	f.runs.do = func(q study.Request) (agent.Outcome, error) {
		if fails {
			return agent.Outcome{}, study.Errorf(study.CodeUpstreamFailed, "no")
		}
		return answer(q)
	}
	run := func() reply {
		return f.ask("POST", "/api/ai/process", `{"type":"chat","user_id":"u","message":"hi"}`, "Idempotency-Key", "k")
	}
	if r := run(); r.StatusCode != 502 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	fails = false
	if r := run(); r.StatusCode != 200 || r.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("again: %d %s", r.StatusCode, r.body)
	}
	if r := f.ask("POST", "/api/notes", `{"user_id":"u"}`, "Idempotency-Key", "n"); r.StatusCode != 422 {
		t.Errorf("a note without content: %d", r.StatusCode)
	}
	if r := f.ask("POST", "/api/notes", `{"user_id":"u","content":"x"}`, "Idempotency-Key", "n"); r.StatusCode != 201 {
		t.Errorf("the request put right, with its key: %d %s", r.StatusCode, r.body)
	}
}

func TestASecondRequestBesideTheFirstIsInConflict(t *testing.T) {
	f := serve(t)
	under, finish := make(chan struct{}), make(chan struct{})
	f.runs.do = func(q study.Request) (agent.Outcome, error) {
		close(under)
		<-finish
		return answer(q)
	}
	run := func() reply {
		return f.ask("POST", "/api/ai/process", `{"type":"chat","user_id":"u","message":"hi"}`, "Idempotency-Key", "k")
	}
	first := make(chan reply)
	go func() { first <- run() }()
	<-under
	if r := run(); r.StatusCode != 409 || r.Header.Get("Retry-After") == "" || !strings.Contains(string(r.body), `"code":"conflict"`) {
		t.Errorf("beside the first: %d %s", r.StatusCode, r.body)
	}
	close(finish)
	if r := <-first; r.StatusCode != 200 {
		t.Errorf("the first: %d %s", r.StatusCode, r.body)
	}
	if r := run(); r.StatusCode != 200 || r.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("after the first: %d %s", r.StatusCode, r.body)
	}
}

// keyless is a store that must not be asked for keys.
type keyless struct{ store.Store }

func (keyless) Once(context.Context, store.Key, func(context.Context) (store.Answer, error)) (store.Answer, bool, error) {
	return store.Answer{}, false, errors.New("asked")
}

func TestARequestWithoutAKeyAsksForNone(t *testing.T) {
	f := serve(t, func(o *Options) { o.Store = keyless{o.Store} })
	if r := f.ask("POST", "/api/notes", `{"user_id":"u","content":"y"}`); r.StatusCode != 201 {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

func TestAnAnswerThatWasNotKeptIsSaidSo(t *testing.T) {
	f := serve(t, func(o *Options) { o.Store = cutting{o.Store} })
	send := func() reply {
		return f.ask("POST", "/api/notes", `{"user_id":"u","content":"y"}`, "Idempotency-Key", "k")
	}
	first, again := send(), send()
	if again.StatusCode != 409 || again.Header.Get("Location") != first.Header.Get("Location") || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again: %d %v %s", again.StatusCode, again.Header, again.body)
	}
}

// cutting is a store that reports every answer as truncated.
type cutting struct{ store.Store }

func (c cutting) Once(ctx context.Context, k store.Key, f func(context.Context) (store.Answer, error)) (store.Answer, bool, error) {
	a, again, err := c.Store.Once(ctx, k, f)
	a.Cut = true
	return a, again, err
}
