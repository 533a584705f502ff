package httpapi

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"studysharper/app/auth"
	"studysharper/app/limit"
	"studysharper/app/memory/shm"
)

// serveAccounts is serve with accounts. At the end its log must not contain a study code or a cookie.
func serveAccounts(t *testing.T, change ...func(*Options)) *face {
	t.Helper()
	f := serve(t, append([]func(*Options){func(o *Options) {
		changes := uint64(0) // nothing is cached; versions are tested elsewhere
		accounts := auth.NewAccounts(o.Store, auth.NewSigner(o.Store), func(string) (uint64, bool) { changes++; return changes, true })
		o.AuthMode, o.Tokens, o.Accounts, o.Tickets = "account", accounts, accounts, auth.NewTickets(auth.NewSigner(o.Store))
		o.Admission.Counter = limit.NewTable(shm.Local(limit.TableSize))
	}}, change...)...)
	return f
}

// student is an account, and the cookie of the device that created it.
type student struct {
	id, code, session string
	cookie            []string // a request header
}

func (s student) bearer() []string { return []string{"Authorization", "Bearer " + s.code} }

// cookieOf returns the header that sends back the cookie of an answer.
func cookieOf(t *testing.T, r reply) []string {
	t.Helper()
	for _, c := range r.Cookies() {
		if c.Name == cookieName || c.Name == secureCookieName {
			return []string{"Cookie", c.Name + "=" + c.Value}
		}
	}
	t.Fatalf("no cookie in %v", r.Header)
	return nil
}

func (f *face) enrol() student {
	f.t.Helper()
	r := f.ask("POST", "/api/account", "")
	got := r.object(f.t)
	if r.StatusCode != 201 {
		f.t.Fatalf("an account: %d %s", r.StatusCode, r.body)
	}
	s := student{id: got["user_id"].(string), code: got["study_code"].(string), session: got["session_id"].(string), cookie: cookieOf(f.t, r)}
	f.t.Cleanup(func() {
		_, value, _ := strings.Cut(s.cookie[1], "=")
		if log := f.log.String(); strings.Contains(log, s.code) || strings.Contains(log, value) {
			f.t.Errorf("a study code or a cookie is in the log:\n%s", log)
		}
	})
	return s
}

func TestAnAccountIsMadeAndOpenedElsewhere(t *testing.T) {
	f := serveAccounts(t)
	ada := f.enrol()
	if note := f.ask("POST", "/api/notes", `{"content":"Chlorophyll absorbs light."}`, ada.cookie...).object(t); note["user_id"] != ada.id {
		t.Errorf("a note of %v", note)
	}
	elsewhere := f.ask("POST", "/api/account/session", `{"study_code":"`+strings.ToLower(ada.code)+`"}`)
	if got := elsewhere.object(t); elsewhere.StatusCode != 201 || got["user_id"] != ada.id || got["study_code"] != nil {
		t.Fatalf("elsewhere: %d %s", elsewhere.StatusCode, elsewhere.body)
	}
	for name, header := range map[string][]string{"the cookie": ada.cookie, "the code": ada.bearer(), "the other device": cookieOf(t, elsewhere)} {
		if got := f.ask("GET", "/api/notes", "", header...).object(t); got["count"] != 1.0 {
			t.Errorf("by %s: %v", name, got)
		}
		if got := f.ask("GET", "/api/account", "", header...).object(t); got["user_id"] != ada.id || got["auth_mode"] != "account" || got["created_at"] == nil {
			t.Errorf("by %s: %v", name, got)
		}
	}
	if r := f.ask("POST", "/api/account", "", ada.cookie...); r.StatusCode != 409 {
		t.Errorf("a second account in one browser: %d", r.StatusCode)
	}
	if got := f.ask("GET", "/health", "").object(t); got["auth_mode"] != "account" {
		t.Errorf("health: %v", got)
	}
}

func TestTheCookieOfAnAccountIsForThisServerAlone(t *testing.T) {
	f := serveAccounts(t, func(o *Options) { o.Admission.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	for _, tt := range []struct {
		proto, name string
		secure      bool
	}{{"http", cookieName, false}, {"https", secureCookieName, true}} {
		r := f.ask("POST", "/api/account", "", "X-Forwarded-Proto", tt.proto)
		c := r.Cookies()[0]
		if c.Name != tt.name || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure != tt.secure || c.Path != "/" || c.Domain != "" || c.MaxAge != 400*24*60*60 {
			t.Errorf("over %s: %s", tt.proto, r.Header.Get("Set-Cookie"))
		}
		if r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the study code may be kept: %v", r.Header)
		}
	}
}

func TestWithoutAnAccountNothingOfAUserIsAnswered(t *testing.T) {
	f := serveAccounts(t)
	own := []string{"GET /api/account", "POST /api/account/code", "GET /api/account/sessions", "DELETE /api/account/sessions", "DELETE /api/account/sessions/" + anID}
	for _, endpoint := range append(own, guarded...) {
		method, path, _ := strings.Cut(endpoint, " ")
		for name, header := range map[string][]string{"nothing": nil, "a made-up cookie": {"Cookie", cookieName + "=AAAA"}, "another cookie": {"Cookie", "a=b"}} {
			r := f.ask(method, path, "", header...)
			if got := r.object(t); r.StatusCode != 401 || got["code"] != "unauthorized" || r.Header.Get("WWW-Authenticate") != realm {
				t.Errorf("%s with %s: %d %s", endpoint, name, r.StatusCode, r.body)
			}
		}
	}
}

func TestAnothersUserIDIsForbiddenAndAnothersThingsAreNotThere(t *testing.T) {
	f := serveAccounts(t)
	ada, bob := f.enrol(), f.enrol()
	note := f.ask("POST", "/api/notes", `{"content":"Chlorophyll absorbs light."}`, ada.cookie...).object(t)["id"].(string)
	for _, header := range [][]string{bob.cookie, bob.bearer()} {
		if r := f.ask("GET", "/api/notes?user_id="+ada.id, "", header...); r.StatusCode != 403 {
			t.Errorf("another's notes: %d", r.StatusCode)
		}
		for _, method := range []string{"GET", "DELETE"} {
			if r := f.ask(method, "/api/notes/"+note, "", header...); r.StatusCode != 404 {
				t.Errorf("%s of another's note: %d", method, r.StatusCode)
			}
		}
		if r := f.ask("DELETE", "/api/account/sessions/"+ada.session, "", header...); r.StatusCode != 404 {
			t.Errorf("another's session: %d", r.StatusCode)
		}
		if r := f.ask("GET", "/api/account?user_id="+ada.id, "", header...); r.StatusCode != 403 {
			t.Errorf("another's account: %d", r.StatusCode)
		}
	}
	if r := f.ask("GET", "/api/notes?user_id="+ada.id, "", ada.cookie...); r.StatusCode != 200 {
		t.Errorf("her own id: %d", r.StatusCode)
	}
}

func TestARenewedStudyCodeOpensTheAccountAndTheOldOneDoesNot(t *testing.T) {
	f := serveAccounts(t)
	ada := f.enrol()
	r := f.ask("POST", "/api/account/code", "", ada.cookie...)
	code, _ := r.object(t)["study_code"].(string)
	if r.StatusCode != 201 || code == "" || code == ada.code {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if r := f.ask("GET", "/api/account", "", ada.bearer()...); r.StatusCode != 401 || !strings.Contains(r.Header.Get("WWW-Authenticate"), "invalid_token") {
		t.Errorf("the old code: %d", r.StatusCode)
	}
	if r := f.ask("POST", "/api/account/session", `{"study_code":"`+ada.code+`"}`); r.StatusCode != 401 {
		t.Errorf("a session by the old code: %d", r.StatusCode)
	}
	for _, header := range [][]string{ada.cookie, {"Authorization", "Bearer " + code}} {
		if r := f.ask("GET", "/api/account", "", header...); r.StatusCode != 200 {
			t.Errorf("by %s: %d", header[0], r.StatusCode)
		}
	}
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	f := serveAccounts(t)
	ada := f.enrol()
	open := func(agent string) (id string, cookie []string) {
		r := f.ask("POST", "/api/account/session", `{"study_code":"`+ada.code+`"}`, "User-Agent", agent)
		return r.object(t)["session_id"].(string), cookieOf(t, r)
	}
	phone, phoneCookie := open("a phone")
	_, lent := open("a lent one")
	list := f.ask("GET", "/api/account/sessions", "", phoneCookie...).object(t)["sessions"].([]any)
	current := 0
	for _, v := range list {
		if d := v.(map[string]any); d["current"] == true {
			current++
			if d["id"] != phone || d["device"] != "a phone" {
				t.Errorf("the current one: %v", d)
			}
		}
	}
	if len(list) != 3 || current != 1 {
		t.Errorf("%d sessions, %d of them current", len(list), current)
	}
	works := func(name string, cookie []string, want int) {
		t.Helper()
		if r := f.ask("GET", "/api/account", "", cookie...); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", name, r.StatusCode, want)
		}
	}
	if r := f.ask("DELETE", "/api/account/sessions/"+ada.session, "", phoneCookie...); r.StatusCode != 204 || len(r.Cookies()) > 0 {
		t.Errorf("ending another: %d %v", r.StatusCode, r.Header)
	}
	works("the ended one", ada.cookie, 401)
	works("the phone", phoneCookie, 200)
	for query, want := range map[string]int{"?others=maybe": 422, "?others=true": 204} {
		if r := f.ask("DELETE", "/api/account/sessions"+query, "", phoneCookie...); r.StatusCode != want {
			t.Errorf("%s: %d", query, r.StatusCode)
		}
	}
	works("the lent one", lent, 401)
	works("the phone", phoneCookie, 200)
	_, again := open("again")
	if r := f.ask("DELETE", "/api/account/sessions", "", phoneCookie...); r.StatusCode != 204 || r.Cookies()[0].MaxAge >= 0 && r.Cookies()[0].Expires.Year() > 1970 {
		t.Errorf("ending all: %d %v", r.StatusCode, r.Header)
	}
	works("the phone", phoneCookie, 401)
	works("the other", again, 401)
	last, lastCookie := open("last")
	if r := f.ask("DELETE", "/api/account/sessions/"+last, "", lastCookie...); r.StatusCode != 204 || len(r.Cookies()) != 1 {
		t.Errorf("ending this one: %d %v", r.StatusCode, r.Header)
	}
	works("by the code", ada.bearer(), 200)
}

func TestStudyCodesAreNotGuessedWithoutEnd(t *testing.T) {
	f := serveAccounts(t)
	ada := f.enrol()
	statuses := map[int]int{}
	for range 12 {
		statuses[f.ask("POST", "/api/account/session", `{"study_code":"wrong"}`).StatusCode]++
	}
	if statuses[401] != 10 || statuses[429] != 2 {
		t.Errorf("wrong codes: %v", statuses)
	}
	if r := f.ask("POST", "/api/account/session", `{"study_code":"`+ada.code+`"}`); r.StatusCode != 201 {
		t.Errorf("the right one: %d", r.StatusCode)
	}
	for body, want := range map[string]int{`{}`: 422, `{"study_code":7}`: 422, `{`: 400} {
		if r := f.ask("POST", "/api/account/session", body); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", body, r.StatusCode, want)
		}
	}
}

func TestAnAddressMakesSoManyAccountsAnHour(t *testing.T) {
	f := serveAccounts(t, func(o *Options) { o.Admission.Accounts = limit.Policies(0, 3) })
	for i := range 5 {
		r := f.ask("POST", "/api/account", "")
		if want := map[bool]int{true: 201, false: 429}[i < 3]; r.StatusCode != want || !strings.Contains(r.Header.Get("RateLimit-Policy"), `"hour";q=3;w=3600`) {
			t.Errorf("account %d: %d %v", i+1, r.StatusCode, r.Header)
		}
	}
}

func TestWithoutAccountsThereIsNothingToMake(t *testing.T) {
	for name, f := range map[string]*face{"no authentication": serve(t), "an issuer": serveUsers(t)} {
		for _, endpoint := range []string{"POST /api/account", "POST /api/account/session", "POST /api/account/code", "GET /api/account/sessions", "DELETE /api/account/sessions"} {
			method, path, _ := strings.Cut(endpoint, " ")
			if r := f.ask(method, path, ""); r.StatusCode != 404 {
				t.Errorf("%s, %s: %d", name, endpoint, r.StatusCode)
			}
		}
	}
	f := serve(t)
	if got := f.ask("GET", "/api/account?user_id=ann", "").object(t); got["user_id"] != "ann" || got["auth_mode"] != "none" {
		t.Errorf("got %v", got)
	}
}

func TestAStreamOpensByItsTicketAndByTheCookie(t *testing.T) {
	f := serveAccounts(t)
	ada := f.enrol()
	started := f.ask("POST", "/api/ai/process-stream", `{"type":"chat","message":"m"}`, ada.bearer()...).object(t)
	url := started["stream_url"].(string)
	path, _, ticketed := strings.Cut(url, "?ticket=")
	if !ticketed {
		t.Fatalf("stream_url %s", url)
	}
	for name, asked := range map[string][]string{"by the ticket": {url}, "by the cookie": append([]string{path}, ada.cookie...), "by the code in the query": {path + "?access_token=" + ada.code}} {
		if r := f.ask("HEAD", asked[0], "", asked[1:]...); r.StatusCode != 200 {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
	}
	if r := f.ask("HEAD", path, ""); r.StatusCode != 401 {
		t.Errorf("by nothing: %d", r.StatusCode)
	}
}
