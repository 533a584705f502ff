package httpapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"studysharper/app/auth"
	"studysharper/app/testkit/openapitest"
)

// canary is part of everything that belongs to the victim: an answer to anyone else that contains it is a leak.
const canary = "canary-of-the-victim"

// exempt are operations that concern no user's data, with the reasons.
var exempt = map[string]string{
	"GET /": "the same for all", "GET /health": "the same for all", "GET /livez": "a probe", "GET /readyz": "a probe", "GET /metrics": "figures of the service",
	"GET /openapi.json": "the document", "GET /openapi-3.0.json": "the document", "GET /docs": "the document", "GET /admin": "a page without data", "GET /assets/{version}/{name}": "files of the page", "GET /sw.js": "a file of the page", "GET /manifest.webmanifest": "a file of the page",
	"POST /api/account": "makes a new account", "POST /api/account/session": "asks for the study code itself",
}

// ending are operations that end the caller's own identity: they are sent only for the victim.
var ending = []string{"DELETE /api/account", "DELETE /api/account/sessions", "POST /api/account/code"}

// asker is the sender of requests in the matrix.
type asker struct {
	name   string
	header []string
	known  bool
	id     string // not "": sent as user_id with each request, which is the caller's identity without user authentication
}

// matrix is a service with a victim, whose data contains the canary, and a stranger.
type matrix struct {
	*face
	victim things
	own    []asker // the victim's identities
	others []asker // the stranger's, and an anonymous one
}

func newMatrix(t *testing.T, f *face, victim, stranger string, own, others []asker) *matrix {
	t.Helper()
	m := &matrix{face: f, victim: f.fill(victim, canary), own: own, others: append(others, asker{name: "nobody"}, asker{name: "a made-up token", header: []string{"Authorization", "Bearer made-up"}},
		asker{name: "a made-up cookie", header: []string{"Cookie", cookieName + "=made-up"}})}
	f.fill(stranger, "the stranger's own")
	return m
}

// reading lets a service import files.
func reading(o *Options) { o.Import = Import{Reader: &fakeImporter{}, MaxBytes: 1 << 10} }

// matrices returns one for each mode with users.
func matrices(t *testing.T) map[string]*matrix {
	accounts := serveAccounts(t, reading, func(o *Options) { o.Admission.Counter = nil }) // wrong tokens are tested elsewhere
	ada, bob := accounts.enrol(), accounts.enrol()
	victims := newMatrix(t, accounts, ada.id, bob.id, []asker{{name: "cookie", header: ada.cookie, known: true}, {name: "code", header: ada.bearer(), known: true}},
		[]asker{{name: "another's cookie", header: bob.cookie, known: true}, {name: "another's code", header: bob.bearer(), known: true}})
	victims.victim["device"] = ada.session
	const secret = "a secret of more than thirty-two bytes"
	issued := serve(t, reading, func(o *Options) {
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
		"tokens": newMatrix(t, issued, "ann", "bob", []asker{{name: "token", header: token("ann"), known: true}}, []asker{{name: "another's token", header: token("bob"), known: true}})}
}

// TestNobodyReachesWhatIsAnothers sends each operation of the document for the victim's data, by its ids and by the
// victim's user_id, as everyone else: no answer may contain the canary, or be a success that concerns the victim's
// data.
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
					continue // there are no devices with tokens
				}
			}
			path, missing := victim.path(op)
			if missing != "" {
				t.Errorf("%s: what is {%s}? Name it in things", name, missing)
				continue
			}
			for _, who := range m.others {
				for _, asked := range []string{path, with(path, "user_id="+victim["user"])} {
					if asked == path && who.known && slices.Contains(ending, name) {
						continue
					}
					tries++
					m.refuses(mode, op, who, asked, fitting(op, victim))
				}
			}
		}
		m.intact(mode)
		tries += m.reachesOwn(mode, m.own[0])
		t.Logf("%s: %d tries", mode, tries)
	}
}

// namesThing reports whether an operation's path contains the id of something that belongs to a user.
func namesThing(op openapitest.Operation) bool { return strings.Contains(op.Path, "_id}") }

// refuses sends a request that must not reach the victim's data.
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
	case who.known && r.StatusCode == 401:
		m.t.Errorf("%s: %s %s: %s is nobody any more", mode, op.Method, path, who.name)
	case who.known && !admin && namesThing(op) && r.StatusCode != 404 && r.StatusCode != 403:
		m.t.Errorf("%s: %s %s as %s: %d %.200s", mode, op.Method, path, who.name, r.StatusCode, r.body)
	case who.known && strings.Contains(path, "user_id=") && r.StatusCode < 300 && !admin && op.Path != "/api/ai/stream-status" && !strings.HasPrefix(op.Path, "/api/account/"):
		m.t.Errorf("%s: %s %s as %s: %d %.200s", mode, op.Method, path, who.name, r.StatusCode, r.body)
	}
}

// TestAUserIDReachesNothingOfAnotherWithoutAuthentication is the matrix for AUTH_MODE=none: the request says who the
// user is, so another user's user_id gives access to everything. But a request with one's own user_id reaches nothing
// of another user's by id, and a request without a user lists nothing.
func TestAUserIDReachesNothingOfAnotherWithoutAuthentication(t *testing.T) {
	f := serve(t, reading)
	m := &matrix{face: f, victim: f.fill("ann", canary), own: []asker{{name: "user_id", id: "ann"}}}
	f.fill("bob", "the stranger's own")
	m.reachesOwn("none", m.own[0])
	tries := 0
	for _, op := range document.Operations() {
		name := op.Method + " " + op.Path
		if exempt[name] != "" || strings.HasPrefix(op.Path, "/debug/") || op.Path == "/mcp" || strings.HasPrefix(op.Path, "/api/admin/") {
			continue
		}
		path, missing := m.victim.path(op)
		if missing != "" {
			t.Errorf("%s: what is {%s}? Name it in things", name, missing)
			continue
		}
		bobs := maps.Clone(m.victim)
		bobs["user"] = "bob"
		tries++
		body := fitting(op, bobs)
		byID := namesThing(op) || strings.Contains(body, m.victim["session_id"]) || strings.Contains(body, m.victim["id"])
		r := f.ask(op.Method, with(path, "user_id=bob"), body)
		if strings.Contains(string(r.body), canary) || byID && r.StatusCode != 404 {
			t.Errorf("%s as another user: %d %s", name, r.StatusCode, r.body)
		}
		if byID {
			continue // a request with an id and no user is not checked, as in the original API
		}
		tries++
		if r := f.ask(op.Method, path, fitting(op, things{})); strings.Contains(string(r.body), canary) {
			t.Errorf("%s as nobody: %d %s", name, r.StatusCode, r.body)
		}
	}
	m.intact("none")
	t.Logf("%d tries", tries)
}

// as returns a path with the asker's user_id.
func (a asker) as(path string) string {
	if a.id == "" {
		return path
	}
	return with(path, "user_id="+a.id)
}

// reachesOwn sends each operation for data of the asker's own, created for it alone: this proves that others are
// refused because of the owner, and for no other reason.
func (m *matrix) reachesOwn(mode string, who asker) (tries int) {
	m.t.Helper()
	own := m.fill(m.victim["user"], canary)
	for _, op := range document.Operations() {
		name := op.Method + " " + op.Path
		if exempt[name] != "" || strings.HasPrefix(op.Path, "/debug/") || op.Path == "/mcp" || strings.HasPrefix(op.Path, "/api/admin/") || strings.HasPrefix(op.Path, "/api/account") {
			continue // accounts are tested in account_test.go
		}
		path, _ := own.path(op)
		tries++
		r := m.ask(op.Method, who.as(path), fitting(op, own), who.header...)
		if r.StatusCode >= 300 && r.StatusCode != 409 { // it exists, but in another state
			m.t.Errorf("%s: %s of the asker's own as %s: %d %s", mode, name, who.name, r.StatusCode, r.body)
		}
		if op.Method == "DELETE" || strings.HasSuffix(op.Path, "/merge") {
			own = m.fill(m.victim["user"], canary)
		}
	}
	return tries
}

// intact checks, with each of the victim's own identities, that the victim's data is complete and unchanged.
func (m *matrix) intact(mode string) {
	m.t.Helper()
	for _, who := range m.own {
		for _, path := range []string{"/api/notes/" + m.victim["note_id"], "/api/ai/sessions/" + m.victim["session_id"], "/api/ai/sessions/" + m.victim["session_id"] + "/messages",
			"/api/ai/generated-content/flashcards", "/api/ai/runs/" + m.victim["run_id"], "/api/ai/generated-content/quizzes/" + m.victim["quiz"] + "/attempts/1"} {
			if r := m.ask("GET", who.as(path), "", who.header...); r.StatusCode != 200 || !strings.Contains(string(r.body), canary) {
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
