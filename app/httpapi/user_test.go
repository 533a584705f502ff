package httpapi

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// passes maps tokens to users: a Tokens for tests.
type passes map[string]string

func (p passes) User(_ context.Context, token string) (string, error) {
	user, ok := p[token]
	switch {
	case token == "away":
		return "", study.Errorf(study.CodeUnavailable, "there are no keys")
	case !ok:
		return "", study.Errorf(study.CodeUnauthorized, "the token has expired")
	}
	return user, nil
}

func (p passes) Healthy() bool { return p["away"] == "" }

// The users of these tests, as headers.
var (
	ann = []string{"Authorization", "Bearer canary-ann"}
	bob = []string{"Authorization", "Bearer canary-bob"}
)

// serveUsers is serve with user authentication. At the end its log must not contain a token.
func serveUsers(t *testing.T, change ...func(*Options)) *face {
	t.Helper()
	f := serve(t, append(change, func(o *Options) { o.Tokens = passes{"canary-ann": "ann", "canary-bob": "bob"} })...)
	t.Cleanup(func() {
		if strings.Contains(f.log.String(), "canary") {
			t.Errorf("a token is in the log:\n%s", f.log)
		}
	})
	return f
}

const anID = "0197a3e4-5b6c-7d8e-9f00-112233445566"

// guarded are the endpoints that require a token.
var guarded = []string{
	"POST /api/ai/agent-test", "POST /api/ai/process", "POST /api/ai/process-stream", "GET /api/ai/stream/" + anID,
	"GET /api/ai/stream-status", "GET /api/ai/sessions", "GET /api/ai/sessions/" + anID, "DELETE /api/ai/sessions/" + anID,
	"GET /api/ai/sessions/" + anID + "/messages", "GET /api/ai/generated-content/quizzes", "GET /api/ai/content-stats/ann",
	"POST /api/ai/feedback", "POST /api/notes", "POST /api/notes/", "GET /api/notes", "GET /api/notes/" + anID,
	"PATCH /api/notes/" + anID, "DELETE /api/notes/" + anID, "GET /api/ai/nowhere",
}

func TestWithoutATokenNothingOfAUserIsAnswered(t *testing.T) {
	f := serveUsers(t)
	for _, endpoint := range guarded {
		method, path, _ := strings.Cut(endpoint, " ")
		r := f.ask(method, path, chat)
		if got := r.object(t); r.StatusCode != 401 || got["code"] != "unauthorized" || r.Header.Get("WWW-Authenticate") != `Bearer realm="studysharper"` {
			t.Errorf("%s: %d %s, %q", endpoint, r.StatusCode, r.body, r.Header.Get("WWW-Authenticate"))
		}
	}
	for _, path := range []string{"/", "/health", "/livez", "/readyz"} {
		if r := f.ask("GET", path, ""); r.StatusCode != 200 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if r := f.ask("GET", "/api/admin/errors", "", "X-Admin-Token", token, "Authorization", "Bearer canary-ann"); r.StatusCode != 200 {
		t.Errorf("an admin who is a user too: %d", r.StatusCode)
	}
	r := f.ask("OPTIONS", "/api/ai/process", "", "Origin", "http://localhost:3000", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization")
	if r.StatusCode != 204 || !strings.Contains(r.Header.Get("Access-Control-Allow-Headers"), "authorization") {
		t.Errorf("a preflight: %d %v", r.StatusCode, r.Header)
	}
}

func TestAFaultyTokenIsToldWhyAndNothingElse(t *testing.T) {
	f := serveUsers(t)
	const invalid = `Bearer realm="studysharper", error="invalid_token", error_description="the token has expired"`
	tests := []struct {
		name, authorization, challenge string
		status                         int
	}{
		{"a faulty token", "Bearer canary", invalid, 401},
		{"in small letters", "bearer canary-ann", "", 200},
		{"in spaces", "Bearer   canary-ann ", "", 200},
		{"another scheme", "Basic canary-ann", realm, 401},
		{"no token", "Bearer ", realm, 401},
		{"no scheme", "canary-ann", realm, 401},
		{"while there are no keys", "Bearer away", "", 503},
	}
	for _, tt := range tests {
		r := f.ask("GET", "/api/ai/stream-status", "", "Authorization", tt.authorization)
		if r.StatusCode != tt.status || r.Header.Get("WWW-Authenticate") != tt.challenge || strings.Contains(string(r.body), "canary") {
			t.Errorf("%s: %d %q %s", tt.name, r.StatusCode, r.Header.Get("WWW-Authenticate"), r.body)
		}
	}
}

// beginAs starts a user's run in a new session.
func (f *face) beginAs(user string) (session string, run stream.Writer) {
	f.t.Helper()
	session = newID()
	run, err := f.journal.Begin(context.Background(), stream.RunInfo{Session: session, Run: newID(), Owner: user})
	if err != nil {
		f.t.Fatal(err)
	}
	return session, run
}

func TestTheUserOfARequestIsTheTokens(t *testing.T) {
	f := serveUsers(t)
	made := f.ask("POST", "/api/notes", `{"content":"Chlorophyll absorbs light."}`, ann...).object(t)
	if made["user_id"] != "ann" {
		t.Fatalf("a note of %v", made)
	}
	var asked []string
	f.runs.start = func(q study.Request) (string, error) { asked = append(asked, q.UserID); return newID(), nil }
	tests := []struct {
		name, method, path, body string
		status                   int
	}{
		{"no user in the body", "POST", "/api/ai/process", `{"type":"chat","message":"m"}`, 200},
		{"a user of null", "POST", "/api/ai/process", `{"type":"chat","user_id":null,"message":"m"}`, 200},
		{"herself", "POST", "/api/ai/process", `{"type":"chat","user_id":"ann","message":"m"}`, 200},
		{"another", "POST", "/api/ai/process", `{"type":"chat","user_id":"bob","message":"m"}`, 403},
		{"another, nearly herself", "POST", "/api/ai/process", `{"type":"chat","user_id":"ann ","message":"m"}`, 403},
		{"a run", "POST", "/api/ai/process-stream", `{"type":"chat","message":"m"}`, 200},
		{"another's run", "POST", "/api/ai/process-stream", `{"type":"chat","user_id":"bob","message":"m"}`, 403},
		{"a number", "POST", "/api/ai/process", `{"type":"chat","user_id":7,"message":"m"}`, 422},
		{"her notes", "GET", "/api/notes", "", 200},
		{"another's notes", "GET", "/api/notes?user_id=bob", "", 403},
		{"a note for another", "POST", "/api/notes", `{"user_id":"bob","content":"c"}`, 403},
		{"her note", "GET", "/api/notes/" + made["id"].(string), "", 200},
		{"her note as another", "GET", "/api/notes/" + made["id"].(string) + "?user_id=bob", "", 403},
		{"her sessions", "GET", "/api/ai/sessions", "", 200},
		{"another's sessions", "GET", "/api/ai/sessions?user_id=bob", "", 403},
		{"her content", "GET", "/api/ai/generated-content/quizzes", "", 200},
		{"another's content", "GET", "/api/ai/generated-content/quizzes?user_id=bob", "", 403},
		{"her figures", "GET", "/api/ai/content-stats/ann", "", 200},
		{"another's figures", "GET", "/api/ai/content-stats/bob", "", 403},
		{"her preferences", "GET", "/api/ai/preferences", "", 200},
		{"another's preferences", "GET", "/api/ai/preferences?user_id=bob", "", 403},
		{"her new preferences", "PUT", "/api/ai/preferences", `{"detail":"short"}`, 200},
		{"another's new preferences", "PUT", "/api/ai/preferences", `{"user_id":"bob","detail":"short"}`, 403},
		{"another's rating", "POST", "/api/ai/feedback?user_id=bob", `{"content_type":"quizzes","content_id":"` + anID + `","rating":5}`, 403},
		{"another's rating in the body", "POST", "/api/ai/feedback", `{"user_id":"bob","content_type":"quizzes","content_id":"` + anID + `","rating":5}`, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if r := f.ask(tt.method, tt.path, tt.body, ann...); r.StatusCode != tt.status {
				t.Errorf("got %d %s, want %d", r.StatusCode, r.body, tt.status)
			}
		})
	}
	if len(asked) != 1 || asked[0] != "ann" {
		t.Errorf("runs of %v", asked)
	}
}

// stored saves data of a user: a session with a message, a note and a quiz.
func (f *face) stored(user string) (session, note, content string) {
	f.t.Helper()
	ctx := context.Background()
	session = newID()
	err := f.store.AppendMessages(ctx, study.Session{ID: session, UserID: user}, study.Message{Role: study.RoleUser, Text: "hello"})
	if err != nil {
		f.t.Fatal(err)
	}
	n, err := f.store.CreateNote(ctx, study.Note{UserID: user, Content: "c"})
	if err != nil {
		f.t.Fatal(err)
	}
	quiz, err := f.store.SaveContent(ctx, study.Content{UserID: user, SessionID: session, Type: study.Quiz, Data: []byte("{}")})
	if err != nil {
		f.t.Fatal(err)
	}
	return session, n.ID, quiz.ID
}

func TestWhatIsAnothersIsNotThere(t *testing.T) {
	f := serveUsers(t)
	session, note, quiz := f.stored("ann")
	running, _ := f.beginAs("ann")
	in := func(session string) string {
		return fmt.Sprintf(`{"type":"chat","message":"m","session_id":%q}`, session)
	}
	tests := []struct {
		name, method, path, body string
		hers                     int // the owner's status; 0 = not requested
	}{
		{"a session", "GET", "/api/ai/sessions/" + session, "", 200},
		{"its messages", "GET", "/api/ai/sessions/" + session + "/messages", "", 200},
		{"the messages of one that runs", "GET", "/api/ai/sessions/" + running + "/messages", "", 200},
		{"its stream", "GET", "/api/ai/stream/" + session, "", 0},
		{"the stream of one that runs", "GET", "/api/ai/stream/" + running, "", 0},
		{"a question in it", "POST", "/api/ai/process", in(session), 200},
		{"a question in one that runs", "POST", "/api/ai/process", in(running), 200},
		{"a run in it", "POST", "/api/ai/process-stream", in(session), 200},
		{"a run in one that runs", "POST", "/api/ai/process-stream", in(running), 200},
		{"a note", "GET", "/api/notes/" + note, "", 200},
		{"a note to change", "PATCH", "/api/notes/" + note, `{"title":"t"}`, 200},
		{"a note to delete", "DELETE", "/api/notes/" + note, "", 204},
		{"a rating", "POST", "/api/ai/feedback", `{"content_type":"quizzes","content_id":"` + quiz + `","rating":5}`, 201},
		{"a session to delete", "DELETE", "/api/ai/sessions/" + session, "", 204},
		{"one that runs to delete", "DELETE", "/api/ai/sessions/" + running, "", 204},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if r := f.ask(tt.method, tt.path, tt.body, bob...); r.StatusCode != 404 {
				t.Errorf("another gets %d %s", r.StatusCode, r.body)
			}
			if tt.hers == 0 {
				return
			}
			if r := f.ask(tt.method, tt.path, tt.body, ann...); r.StatusCode != tt.hers {
				t.Errorf("its owner gets %d %s, want %d", r.StatusCode, r.body, tt.hers)
			}
		})
	}
}

func TestAfterTenWrongTokensAnAddressWaitsAndRightOnesPass(t *testing.T) {
	limited, _ := serveLimited(t, func(o *Options) { o.Tokens = passes{"canary-ann": "ann"} })
	for i := range 12 {
		r := limited.ask("GET", "/api/notes", "", "Authorization", "Bearer canary")
		if want := 401; i < 10 && r.StatusCode != want || i >= 10 && (r.StatusCode != 429 || r.Header.Get("Retry-After") == "") {
			t.Errorf("wrong token %d: %d, Retry-After %q", i+1, r.StatusCode, r.Header.Get("Retry-After"))
		}
	}
	if r := limited.ask("GET", "/api/notes", "", ann...); r.StatusCode != 200 { // other users share the address
		t.Errorf("a right one: %d", r.StatusCode)
	}
	if r := limited.ask("GET", "/api/notes", "", "Authorization", "Bearer canary", "X-Forwarded-For", "203.0.113.9"); r.StatusCode != 401 {
		t.Errorf("from another address: %d", r.StatusCode)
	}
}

func TestHealthSaysWhetherTheIssuerIsAway(t *testing.T) {
	for away, want := range map[string]string{"": "healthy", "yes": "degraded"} {
		f := serve(t, func(o *Options) { o.Tokens = passes{"away": away} })
		r := f.ask("GET", "/health", "")
		got := r.object(t)
		if got["status"] != want || got["components"].(map[string]any)["authentication"] != want {
			t.Errorf("%s", r.body)
		}
		if r := f.ask("GET", "/readyz", ""); r.StatusCode != 200 { // with the cached keys
			t.Errorf("readyz: %d", r.StatusCode)
		}
	}
	if _, told := serve(t).ask("GET", "/health", "").object(t)["components"].(map[string]any)["authentication"]; told {
		t.Error("a component without users")
	}
}
