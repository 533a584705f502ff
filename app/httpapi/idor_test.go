package httpapi

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"studysharper/app/attempt"
	"studysharper/app/auth"
	"studysharper/app/httpapi/openapitest"
	"studysharper/app/study"
)

// canary is in everything that belongs to the victim: an answer to anyone else that has it is a leak.
const canary = "canary-of-the-victim"

// exempt are the operations of nobody's, each with its reason.
var exempt = map[string]string{
	"GET /": "the same for all", "GET /health": "the same for all", "GET /livez": "a probe", "GET /readyz": "a probe", "GET /metrics": "figures of the service",
	"GET /openapi.json": "the document", "GET /openapi-3.0.json": "the document", "GET /docs": "the document", "GET /admin": "a page without data", "GET /assets/{version}/{name}": "files of the page", "GET /sw.js": "a file of the page", "GET /manifest.webmanifest": "a file of the page",
	"POST /api/account": "makes a new account", "POST /api/account/session": "asks for the study code itself",
}

// things are ids of what a user has, by the name of the path's parameter.
type things map[string]string

// asker is who sends a request of the matrix.
type asker struct {
	name   string
	header []string
	known  bool
}

// matrix is a service with a victim, whose things have the canary, and a stranger.
type matrix struct {
	*face
	victim things
	own    []asker // the victim's identities
	others []asker // the stranger's, and nobody
}

// fill makes one of each thing for a user, and returns their ids.
func (f *face) fill(user, mark string) things {
	f.t.Helper()
	session, run := newID(), newID()
	check := func(err error) {
		f.t.Helper()
		if err != nil {
			f.t.Fatal(err)
		}
	}
	ctx := f.t.Context()
	note, err := f.store.CreateNote(ctx, study.Note{UserID: user, Title: mark, Content: mark})
	check(err)
	content, err := f.store.SaveContent(ctx, study.Content{UserID: user, SessionID: session, Type: study.Flashcards, Title: mark,
		Data: []byte(`{"flashcards":[{"question":"` + mark + `","answer":"a","topic":"t","difficulty":"easy"}],"total_count":1,"topics_covered":["t"]}`)})
	check(err)
	quiz, err := f.store.SaveContent(ctx, study.Content{UserID: user, Type: study.Quiz, Title: mark,
		Data: []byte(`{"quiz":{"title":"` + mark + `","questions":[{"id":"1","type":"short_answer","question":"` + mark + `","acceptable_answers":["` + mark + `"],"points":1}]},"total_points":1,"estimated_time_minutes":1}`)})
	check(err)
	graded, _, err := attempt.Grade(quiz, []study.GivenAnswer{{ItemID: "1", Answer: "not " + mark}})
	check(err)
	_, err = f.store.SaveAttempt(ctx, graded)
	check(err)
	owner := study.Session{ID: session, UserID: user, Title: mark}
	check(f.store.BeginRun(ctx, study.Run{ID: run, SessionID: session, UserID: user, Type: study.Chat, Request: []byte(`{}`)}, owner, study.Message{Role: study.RoleUser, Text: mark}))
	check(f.store.EndRun(ctx, study.Run{ID: run, SessionID: session, UserID: user, Type: study.Chat, State: study.RunFailed, Outcome: study.ErrorFields(study.Errorf(study.CodeInternal, "%s", mark))}, study.Session{}))
	return things{"note_id": note.ID, "session_id": session, "run_id": run, "user": user, "kind": "flashcards", "id": content.ID, "content_id": content.ID, "quiz": quiz.ID,
		"item_id": "1", "card_id": content.ID + ":1", "n": "1", "attempt": "1", "review_id": newID()}
}

// path fills an operation's path; missing names a parameter that no thing is known for.
func (v things) path(op openapitest.Operation) (path, missing string) {
	if strings.Contains(op.Path, "/attempts") {
		v = maps.Clone(v)
		v["kind"], v["content_id"] = "quizzes", v["quiz"]
	}
	parts := strings.Split(op.Path, "/")
	for i, part := range parts {
		name, isParameter := strings.CutPrefix(part, "{")
		if !isParameter {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		value, ok := v[name]
		if !ok {
			return "", name
		}
		parts[i] = value
	}
	return strings.Join(parts, "/"), ""
}

// fitting is a body that an operation accepts, of a user; "" for one that has none.
func fitting(op openapitest.Operation, v things) string {
	switch op.Method + " " + op.Path {
	case "POST /api/ai/agent-test", "POST /api/ai/process", "POST /api/ai/process-stream":
		return fmt.Sprintf(`{"type":"chat","message":"m","user_id":%q,"session_id":%q}`, v["user"], v["session_id"])
	case "POST /api/notes", "PATCH /api/notes/{note_id}":
		return fmt.Sprintf(`{"user_id":%q,"content":"c"}`, v["user"])
	case "POST /api/ai/feedback":
		return fmt.Sprintf(`{"user_id":%q,"content_type":"flashcards","content_id":%q,"rating":1}`, v["user"], v["id"])
	case "POST /api/ai/generated-content/{kind}/{content_id}/attempts":
		return `{"answers":[{"item_id":"1","answer":"changed"}]}`
	case "PATCH /api/ai/generated-content/{kind}/{content_id}/attempts/{n}":
		return `{"item_id":"1","correct":true}`
	}
	switch op.Method {
	case "POST", "PUT", "PATCH":
		return fmt.Sprintf(`{"user_id":%q}`, v["user"])
	}
	return ""
}

func newMatrix(t *testing.T, f *face, victim, stranger string, own, others []asker) *matrix {
	t.Helper()
	m := &matrix{face: f, victim: f.fill(victim, canary), own: own, others: append(others, asker{name: "nobody"}, asker{"a made-up token", []string{"Authorization", "Bearer made-up"}, false},
		asker{"a made-up cookie", []string{"Cookie", cookieName + "=made-up"}, false})}
	f.fill(stranger, "the stranger's own")
	return m
}

// matrices are those of both modes with users.
func matrices(t *testing.T) map[string]*matrix {
	accounts := serveAccounts(t, func(o *Options) { o.Admission.Counter = nil }) // guesses are counted elsewhere
	ada, bob := accounts.enrol(), accounts.enrol()
	victims := newMatrix(t, accounts, ada.id, bob.id, []asker{{"cookie", ada.cookie, true}, {"code", ada.bearer(), true}}, []asker{{"another's cookie", bob.cookie, true}, {"another's code", bob.bearer(), true}})
	victims.victim["device"] = ada.session
	const secret = "a secret of more than thirty-two bytes"
	issued := serve(t, func(o *Options) {
		o.Tokens, o.Tickets = auth.NewSecret(secret, auth.Accepted{}), auth.NewTickets(auth.NewSigner(o.Store))
	})
	token := func(user string) []string {
		signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": user, "exp": 1 << 33}).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		return []string{"Authorization", "Bearer " + signed}
	}
	return map[string]*matrix{"accounts": victims,
		"tokens": newMatrix(t, issued, "ann", "bob", []asker{{"token", token("ann"), true}}, []asker{{"another's token", token("bob"), true}})}
}

// TestNobodyReachesWhatIsAnothers asks each operation of the document for the victim's things, by their ids and by the
// victim's user_id, as everyone else: no answer may have the canary or be a success that touches them.
func TestNobodyReachesWhatIsAnothers(t *testing.T) {
	for mode, m := range matrices(t) {
		tries := 0
		for _, op := range document.Operations() {
			name := op.Method + " " + op.Path
			if exempt[name] != "" || strings.HasPrefix(op.Path, "/debug/") || strings.HasPrefix(op.Path, "/mcp") {
				continue
			}
			victim := m.victim
			if strings.HasPrefix(op.Path, "/api/account/sessions/") {
				victim = things{"session_id": m.victim["device"], "user": m.victim["user"]}
				if m.victim["device"] == "" {
					continue // there are none with tokens
				}
			}
			path, missing := victim.path(op)
			if missing != "" {
				t.Errorf("%s: what is {%s}? Name it in things", name, missing)
				continue
			}
			for _, who := range m.others {
				for _, query := range []string{"", "?user_id=" + victim["user"]} {
					tries++
					m.refuses(mode, op, who, path+query, fitting(op, victim))
				}
			}
		}
		m.intact(mode)
		t.Logf("%s: %d tries", mode, tries)
	}
}

// refuses sends a request that must not reach what is the victim's.
func (m *matrix) refuses(mode string, op openapitest.Operation, who asker, path, body string) {
	m.t.Helper()
	r := m.ask(op.Method, path, body, who.header...)
	admin := strings.HasPrefix(op.Path, "/api/admin/")
	switch {
	case strings.Contains(string(r.body), canary) || strings.Contains(fmt.Sprint(r.Header), canary):
		m.t.Errorf("%s: %s of %s as %s leaks: %d %s", mode, op.Method, path, who.name, r.StatusCode, r.body)
	case admin && r.StatusCode != 403:
		m.t.Errorf("%s: %s %s as %s: %d", mode, op.Method, path, who.name, r.StatusCode)
	case !admin && !who.known && r.StatusCode != 401 && r.StatusCode != 404:
		m.t.Errorf("%s: %s %s as %s: %d", mode, op.Method, path, who.name, r.StatusCode)
	case who.known && strings.Contains(path, "user_id=") && r.StatusCode < 300 && !admin && op.Path != "/api/ai/stream-status" && !strings.HasPrefix(op.Path, "/api/account/"):
		m.t.Errorf("%s: %s %s as %s: %d %.200s", mode, op.Method, path, who.name, r.StatusCode, r.body)
	}
}

// intact checks that the victim still has everything, unchanged, by each of the victim's own identities.
func (m *matrix) intact(mode string) {
	m.t.Helper()
	for _, who := range m.own {
		for _, path := range []string{"/api/notes/" + m.victim["note_id"], "/api/ai/sessions/" + m.victim["session_id"], "/api/ai/sessions/" + m.victim["session_id"] + "/messages",
			"/api/ai/generated-content/flashcards", "/api/ai/runs/" + m.victim["run_id"], "/api/ai/generated-content/quizzes/" + m.victim["quiz"] + "/attempts/1"} {
			if r := m.ask("GET", path, "", who.header...); r.StatusCode != 200 || !strings.Contains(string(r.body), canary) {
				m.t.Errorf("%s: %s of the victim by %s: %d %s", mode, path, who.name, r.StatusCode, r.body)
			}
		}
	}
}

func TestMadeUpIDsAnswerAsAnothersDo(t *testing.T) {
	for mode, m := range matrices(t) {
		made := things{}
		for name, value := range m.victim {
			if made[name] = value; len(value) == len(anID) && strings.Count(value, "-") == 4 {
				made[name] = anID
			}
		}
		for _, op := range document.Operations() {
			if exempt[op.Method+" "+op.Path] != "" || !strings.Contains(op.Path, "{") || strings.HasPrefix(op.Path, "/api/admin/") || strings.Contains(op.Path, "{user}") || strings.Contains(op.Path, "/stream/") {
				continue
			}
			theirs, missing := m.victim.path(op)
			nowhere, _ := made.path(op)
			if missing != "" || theirs == nowhere {
				continue
			}
			who := m.others[0]
			a := m.ask(op.Method, theirs, fitting(op, things{}), who.header...)
			b := m.ask(op.Method, nowhere, fitting(op, things{}), who.header...)
			if a.StatusCode != b.StatusCode {
				t.Errorf("%s: %s %s: another's is %d, one that is not there %d", mode, op.Method, op.Path, a.StatusCode, b.StatusCode)
			}
		}
	}
}
