package httpapi

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"studysharper/app/limit"
)

// A neighbouring host can set the cookie whose name is not bound to this one.
func TestBehindTLSOnlyTheCookieOfThisHostCounts(t *testing.T) {
	f := serveAccounts(t, func(o *Options) { o.Admission.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	ada := f.enrol()
	for proto, want := range map[string]int{"http": 200, "https": 401} {
		if r := f.ask("GET", "/api/account", "", append([]string{"X-Forwarded-Proto", proto}, ada.cookie...)...); r.StatusCode != want {
			t.Errorf("%s over %s: %d, want %d", ada.cookie[1], proto, r.StatusCode, want)
		}
	}
	_, value, _ := strings.Cut(ada.cookie[1], "=")
	if r := f.ask("GET", "/api/account", "", "X-Forwarded-Proto", "https", "Cookie", secureCookieName+"="+value); r.StatusCode != 200 {
		t.Errorf("the cookie of this host: %d", r.StatusCode)
	}
}

func TestOpeningAnAccountEndsTheSessionThatWasOpenHere(t *testing.T) {
	f := serveAccounts(t)
	ada, bob := f.enrol(), f.enrol()
	r := f.ask("POST", "/api/account/session", `{"study_code":"`+bob.code+`"}`, ada.cookie...)
	if r.StatusCode != 201 {
		t.Fatalf("opening another's: %d %s", r.StatusCode, r.body)
	}
	for name, tt := range map[string]struct {
		header []string
		want   int
	}{"the session that was open": {ada.cookie, 401}, "its account": {ada.bearer(), 200}, "the new session": {cookieOf(t, r), 200}, "another session of the new account": {bob.cookie, 200}} {
		if got := f.ask("GET", "/api/account", "", tt.header...); got.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", name, got.StatusCode, tt.want)
		}
	}
	if r := f.ask("POST", "/api/account/session", `{"study_code":"wrong"}`, bob.cookie...); r.StatusCode != 401 {
		t.Errorf("a wrong code: %d", r.StatusCode)
	}
	if r := f.ask("GET", "/api/account", "", bob.cookie...); r.StatusCode != 200 {
		t.Errorf("after a wrong code: %d", r.StatusCode)
	}
}

func TestAnAddressSavesSoMuchADayWithAllItsAccounts(t *testing.T) {
	f := serveAccounts(t, func(o *Options) {
		o.Admission.Stored = limit.Policy{Name: "stored", Quota: 10_000, Window: 24 * time.Hour}
		o.Admission.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		reading(o)
	})
	ada, bob := f.enrol(), f.enrol()
	save := func(who student, from, method, path, body string) reply {
		return f.ask(method, path, body, append([]string{"X-Forwarded-For", from}, who.cookie...)...)
	}
	note := `{"content":"` + strings.Repeat("a", 2400) + `"}`
	for i := range 5 {
		r := save([]student{ada, bob}[i%2], "192.0.2.1", "POST", "/api/notes", note)
		if want := map[bool]int{true: 201, false: 429}[i < 4]; r.StatusCode != want {
			t.Fatalf("note %d: %d %s", i+1, r.StatusCode, r.body)
		}
		if r.StatusCode == 429 && (r.Header.Get("Retry-After") == "" || !strings.Contains(r.Header.Get("RateLimit-Policy"), `"stored";q=10000;qu="content-bytes";w=86400`)) {
			t.Errorf("the refusal: %v", r.Header)
		}
	}
	for name, tt := range map[string]struct {
		from, method, path, body string
		want                     int
	}{
		"a long file":             {"192.0.2.1", "POST", "/api/notes/import?filename=a.txt", strings.Repeat("a ", 500), 429},
		"a small note":            {"192.0.2.1", "POST", "/api/notes", `{"content":"x"}`, 201},
		"reading":                 {"192.0.2.1", "GET", "/api/notes", "", 200},
		"another address's notes": {"192.0.2.2", "POST", "/api/notes", note, 201},
	} {
		if r := save(ada, tt.from, tt.method, tt.path, tt.body); r.StatusCode != tt.want {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
}
