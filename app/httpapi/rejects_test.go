package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"studysharper/app/metrics"
)

// broken are heads that are refused, with their methods and statuses in the log.
var broken = []struct{ head, method, status string }{
	{"GET /livez HTTP/1.1\r\nHost: x\r\nX: y\nZ: CANARY\r\n\r\n", "GET", "400"}, // refused by checkHead
	{"CANARY /livez HTTP/1.1\r\nHost: x\r\n\r\n", "-", "501"},
	{"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: CANARY\r\n\r\n", "-", "400"}, // by fasthttp
	{"GET /livez?CANARY HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 9000) + "\r\n\r\n", "-", "431"},
	{"OPTIONS /livez HTTP/1.1\r\nHost: x\r\nOrigin: http://localhost:3000\r\nAccess-Control-Request-Method: GET\r\nX: y\nZ: w\r\n\r\n", "OPTIONS", "400"},
}

func TestWhatIsRefusedForItsHeadIsLoggedAndCounted(t *testing.T) {
	f := serve(t)
	for _, b := range broken {
		got, err := f.sendAll(b.head)
		if err != nil || !strings.HasPrefix(got, "HTTP/1.1 "+b.status) {
			t.Errorf("%q: %.200s, %v", b.head, got, err)
		}
		line := fmt.Sprintf("method=%s route=- status=%s", b.method, b.status)
		f.until("the log has "+line, func() bool { return strings.Contains(f.log.String(), line) })
	}
	if strings.Contains(f.log.String(), "CANARY") {
		t.Errorf("what clients sent is in the log:\n%s", f.log)
	}
	page := string(f.ask("GET", "/metrics", "").body)
	for _, want := range []string{fmt.Sprintf("\nstudysharper_http_rejected_total %d\n", len(broken)), "\nstudysharper_http_requests_total 0\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in /metrics", want)
		}
	}
}

func TestOfAFloodOfBrokenHeadsAFewAreLogged(t *testing.T) {
	f := serve(t)
	const more = 5
	for range refusalLines + more {
		if _, err := f.sendAll(broken[0].head); err != nil {
			t.Fatal(err)
		}
	}
	f.until("all are counted", func() bool { return f.server.o.Own.Count(metrics.Rejected) == refusalLines+more })
	f.server.rejects.end()
	lines := strings.Count(f.log.String(), "route=- status=400")
	if !strings.Contains(f.log.String(), "not logged one by one") || lines < refusalLines || lines >= refusalLines+more {
		t.Errorf("%d lines:\n%s", lines, f.log)
	}
}

func TestTheLogNamesTheRouteThatARequestIsFor(t *testing.T) {
	f := serve(t)
	const preflight = "OPTIONS"
	for _, tt := range []struct{ method, path, route string }{
		{preflight, "/api/notes", "/api/notes"},
		{preflight, "/api/notes/" + session, "/api/notes/:note"},
		{preflight, "/", "/"},
		{preflight, "/nowhere", "-"},
		{"PUT", "/api/notes", "/api/notes"}, // 405
		{"GET", "/nowhere", "-"},
		{"GET", "/api/notes/" + session, "/api/notes/:note"},
		{"GET", "/api/admin/errors", "/api/admin/errors"}, // 403
	} {
		id := newID()
		req := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nX-Request-ID: %s\r\nOrigin: http://localhost:3000\r\nAccess-Control-Request-Method: POST\r\nConnection: close\r\n\r\n", tt.method, tt.path, id)
		if _, err := f.sendAll(req); err != nil {
			t.Fatal(err)
		}
		line := "id=" + id + " method=" + tt.method + " route=" + tt.route + " "
		f.until(tt.method+" "+tt.path+" is logged with route "+tt.route+":\n"+f.log.String(), func() bool { return strings.Contains(f.log.String(), line) })
	}
}
