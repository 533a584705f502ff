package httpapi

import (
	"net/netip"
	"strings"
	"testing"
)

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	f := serve(t)
	for _, path := range []string{"/", "/admin", "/health", "/nowhere", "/openapi.json", "/docs", "/api/notes?user_id=u", "/api/notes/" + session + "?user_id=u", "/api/admin/metrics"} {
		r := f.ask("GET", path, "")
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": ""} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		policy := r.Header.Get("Content-Security-Policy")
		if page := path == "/admin" || path == "/docs"; !strings.HasPrefix(policy, "default-src 'none'; ") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "script-src") != page {
			t.Errorf("%s: the policy is %q", path, policy)
		}
	}
}

func TestWhatBelongsToAUserIsNotStoredByBrowsers(t *testing.T) {
	f := serve(t)
	for path, want := range map[string]string{"/api/notes?user_id=u": "no-store", "/api/ai/sessions?user_id=u": "no-store", "/api/notes": "no-store",
		"/api/ai/nowhere": "no-store", "/api/admin/errors": "no-store", "/admin": "no-cache", "/health": ""} {
		if got := f.ask("GET", path, "").Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := f.ask("POST", "/api/ai/process", chat).Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("an answer: %q", got)
	}
}

func TestBrowsersStayWithTLSWhereATrustedProxySaysTheyUseIt(t *testing.T) {
	trusting := serve(t, func(o *Options) { o.Admission.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	for _, tt := range []struct {
		f           *face
		proto, want string
	}{{trusting, "https", "max-age=31536000"}, {trusting, "HTTPS, http", "max-age=31536000"}, {trusting, "http", ""}, {trusting, "http, https", ""}, {trusting, "", ""}, {serve(t), "https", ""}} {
		if got := tt.f.ask("GET", "/health", "", "X-Forwarded-Proto", tt.proto).Header.Get("Strict-Transport-Security"); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.proto, got, tt.want)
		}
	}
}
