package httpapi

import (
	"bytes"
	"compress/gzip"
	"io"
	"regexp"
	"strings"
	"testing"
)

func TestRootIsThePageForThoseWhoPreferHTML(t *testing.T) {
	f := serve(t)
	tests := []struct {
		accept string
		html   bool
	}{
		{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", true},
		{"text/html", true},
		{"text/html, application/json;q=0.5", true},
		{"", false},
		{"*/*", false},
		{"application/json", false},
		{"application/json, text/html;q=0.9", false},
		{"application/json, text/plain, */*", false},
		{"image/png", false},
	}
	for _, tt := range tests {
		r := f.ask("GET", "/", "", "Accept", tt.accept)
		html := strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
		if r.StatusCode != 200 || html != tt.html || !strings.Contains(strings.Join(r.Header.Values("Vary"), ","), "Accept") {
			t.Errorf("Accept %q: %d %s, Vary %q", tt.accept, r.StatusCode, r.Header.Get("Content-Type"), r.Header.Values("Vary"))
		}
		if !html {
			has(t, r.object(t), "message", "version", "status")
		}
	}
}

func TestPagesForbidWhatTheyDoNotNeed(t *testing.T) {
	f := serve(t)
	for path, title := range map[string]string{"/": `data-place="study"`, "/admin": "operator", "/docs": "Search operations", "/sw.js": "install", "/manifest.webmanifest": "standalone"} {
		r := f.ask("GET", path, "", "Accept", "text/html")
		if r.StatusCode != 200 || !bytes.Contains(r.body, []byte(title)) {
			t.Errorf("%s: %d %.80s", path, r.StatusCode, r.body)
		}
		policy := r.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: no %s in %q", path, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: %q", path, policy)
		}
		for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"} {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q", path, header, got)
			}
		}
	}
}

func TestAssetsAreKeptForEverUnderTheirOwnVersion(t *testing.T) {
	f := serve(t)
	page := f.ask("GET", "/", "", "Accept", "text/html")
	for _, path := range regexp.MustCompile(`/assets/[0-9a-f]+/[a-z.]+`).FindAllString(string(page.body), -1) {
		r := f.ask("GET", path, "")
		if r.StatusCode != 200 || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
		}
		old := f.ask("GET", regexp.MustCompile(`[0-9a-f]{16}`).ReplaceAllString(path, "0000000000000000"), "")
		if old.StatusCode != 200 || old.Header.Get("Cache-Control") != "no-cache" || !bytes.Equal(old.body, r.body) {
			t.Errorf("%s of another release: %d %v", path, old.StatusCode, old.Header)
		}
	}
	for _, path := range []string{"/assets/x/no.js", "/assets/x/desk.html", "/assets/x/..%2fweb.go", "/assets/x", "/assets/x/y/desk.js", "/desk.html"} {
		if r := f.ask("GET", path, ""); r.StatusCode != 404 || r.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
}

func TestAPageIsSentOnceAndCompressedWhereThatIsTaken(t *testing.T) {
	f := serve(t)
	plain := f.ask("GET", "/admin", "")
	small := f.ask("GET", "/admin", "", "Accept-Encoding", "br, gzip")
	r, err := gzip.NewReader(bytes.NewReader(small.body))
	if err != nil || small.Header.Get("Content-Encoding") != "gzip" || plain.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%v, %v, %v", err, small.Header, plain.Header)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain.body) {
		t.Errorf("%d bytes of %d, %v", len(got), len(plain.body), err)
	}
	for _, refused := range []string{"gzip;q=0", "identity", "br"} {
		if r := f.ask("GET", "/admin", "", "Accept-Encoding", refused); r.Header.Get("Content-Encoding") != "" {
			t.Errorf("Accept-Encoding %q gives %s", refused, r.Header.Get("Content-Encoding"))
		}
	}
	tag := plain.Header.Get("ETag")
	for given, status := range map[string]int{tag: 304, strings.TrimPrefix(tag, "W/"): 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "": 200} {
		if r := f.ask("GET", "/admin", "", "If-None-Match", given); r.StatusCode != status || (status == 304 && len(r.body) > 0) {
			t.Errorf("If-None-Match %q: %d with %d bytes", given, r.StatusCode, len(r.body))
		}
	}
	head := f.ask("HEAD", "/admin", "")
	if head.StatusCode != 200 || head.ContentLength != int64(len(plain.body)) || len(head.body) != 0 {
		t.Errorf("HEAD: %d, %d bytes of %d", head.StatusCode, head.ContentLength, len(plain.body))
	}
}

func TestMetricsWithoutTotalsAreForThoseWhoLookOften(t *testing.T) {
	f := serve(t)
	none := f.ask("GET", "/api/admin/metrics?hours=0", "", "X-Admin-Token", token).object(t)
	if none["metrics"] != nil || none["workers"] == nil || none["runs"] == nil {
		t.Errorf("got %v", none)
	}
	if all := f.ask("GET", "/api/admin/metrics", "", "X-Admin-Token", token).object(t); all["metrics"] == nil {
		t.Errorf("got %v", all)
	}
	for _, hours := range []string{"-1", "00", "x"} {
		if r := f.ask("GET", "/api/admin/metrics?hours="+hours, "", "X-Admin-Token", token); r.StatusCode != 422 {
			t.Errorf("hours=%s: %d", hours, r.StatusCode)
		}
	}
}
