package httpapi

import (
	"strings"
	"testing"
)

func TestAWriteOfAForeignPageIsRefused(t *testing.T) {
	f := serve(t)
	for name, tt := range map[string]struct {
		header []string
		status int
	}{
		"no browser":                    {nil, 201},
		"an allowed origin":             {[]string{"Origin", "http://localhost:3000", "Sec-Fetch-Site", "cross-site"}, 201},
		"an allowed origin, capitals":   {[]string{"Origin", "http://LOCALHOST:3000"}, 201},
		"its own page":                  {[]string{"Origin", f.url}, 201},
		"its own page behind TLS":       {[]string{"Origin", "https://" + f.address}, 201},
		"its own page, Host rewritten":  {[]string{"Origin", "https://study.example", "Sec-Fetch-Site", "same-origin"}, 201},
		"a foreign page":                {[]string{"Origin", "https://evil.example"}, 403},
		"a sibling of its own page":     {[]string{"Origin", f.url, "Sec-Fetch-Site", "same-site"}, 403},
		"another port":                  {[]string{"Origin", "http://127.0.0.1:1"}, 403},
		"a page of a file or a sandbox": {[]string{"Origin", "null"}, 403},
		"a name that begins alike":      {[]string{"Origin", "http://localhost:3000.evil.example"}, 403},
	} {
		r := f.ask("POST", "/api/notes", `{"user_id":"u","content":"x"}`, tt.header...)
		if r.StatusCode != tt.status || tt.status == 403 && r.object(t)["code"] != "forbidden" {
			t.Errorf("%s: %d %s, want %d", name, r.StatusCode, r.body, tt.status)
		}
	}
	for _, write := range []string{"POST /api/ai/process", "POST /api/ai/process-stream", "PATCH /api/notes/" + session, "DELETE /api/ai/sessions/" + session,
		"PUT /api/ai/preferences", "DELETE /api/admin/cache", "POST /api/admin/reload"} {
		method, path, _ := strings.Cut(write, " ")
		if r := f.ask(method, path, "", "Origin", "https://evil.example", "X-Admin-Token", token); r.StatusCode != 403 {
			t.Errorf("%s: %d %s", write, r.StatusCode, r.body)
		}
	}
	if r := f.ask("GET", "/api/notes?user_id=u", "", "Origin", "https://evil.example"); r.StatusCode != 200 || r.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a read: %d %v", r.StatusCode, r.Header)
	}
	if f.fleet.reloads != 0 || len(f.fleet.cleared) != 0 {
		t.Error("a foreign page has changed something")
	}
}

func TestOnlyAllowedHostsAreServed(t *testing.T) {
	f := serve(t, func(o *Options) { o.Hosts = []string{"study.example", "127.0.0.1:8000", "[::1]"} })
	for host, status := range map[string]string{
		"study.example": "200", "STUDY.example:8443": "200", "study.example.": "200", "study.example.:8443": "200", "127.0.0.1:8000": "200", "[::1]": "200", "[::1]:9": "200",
		"evil.example": "403", "evil.example.": "403", "study.example..": "403", "study.example.evil.example": "403", "127.0.0.1:8001": "403", "127.0.0.1": "403",
	} {
		got, err := f.sendAll("GET /api/notes?user_id=u HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
		if err != nil || !strings.HasPrefix(got, "HTTP/1.1 "+status) {
			t.Errorf("%s: %.40q, %v; want %s", host, got, err, status)
		}
	}
	for request, status := range map[string]string{"GET /api/notes?user_id=u HTTP/1.0\r\n\r\n": "403", "GET /readyz HTTP/1.1\r\nHost: 10.0.0.7:8000\r\nConnection: close\r\n\r\n": "200"} {
		got, err := f.sendAll(request)
		if err != nil || !strings.HasPrefix(got, "HTTP/1.1 "+status) {
			t.Errorf("%q: %.40q, %v; want %s", request, got, err, status)
		}
	}
}

func TestABodyNeedsAJSONContentType(t *testing.T) {
	f := serve(t)
	for kind, status := range map[string]int{
		"application/json": 200, "Application/JSON; charset=utf-8": 200, "application/vnd.study+json": 200,
		"text/plain": 415, "text/plain; application/json": 415, "application/x-www-form-urlencoded": 415,
		"multipart/form-data; boundary=x": 415, "": 415, "json": 415, "text/json": 415,
	} {
		r := f.ask("POST", "/api/ai/process", chat, "Content-Type", kind)
		if r.StatusCode != status || (status == 415) != (r.Header.Get("Accept") == "application/json") {
			t.Errorf("%q: %d %v %s, want %d", kind, r.StatusCode, r.Header, r.body, status)
		}
	}
	if r := f.ask("POST", "/api/admin/reload", "", "X-Admin-Token", token); r.StatusCode != 202 {
		t.Errorf("without a body: %d", r.StatusCode)
	}
}
