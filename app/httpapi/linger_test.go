package httpapi

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"studysharper/app/httpserver"
	"studysharper/app/study"
)

// sendAll sends a complete request and only then reads: as browsers do, and most libraries.
func (f *face) sendAll(request string) (answer string, err error) {
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return "", fmt.Errorf("sending: %w", err)
	}
	got, err := io.ReadAll(conn)
	return string(got), err
}

func TestEveryRefusalReachesTheClientThatSendsItAll(t *testing.T) {
	f := serve(t)
	f.runs.full.Store(true)
	limited, _ := serveLimited(t, func(o *Options) { o.Admission.Limits = o.Admission.Limits[:1]; o.Admission.Limits[0].Quota = 1 })
	limited.ask("POST", "/api/ai/process-stream", chat)
	users := serveUsers(t)
	const large = 4 << 20 // more than the kernel buffers
	rest := strings.Repeat("x", large)
	length := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", large, rest)
	chunks := "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("10000\r\n"+strings.Repeat("x", 1<<16)+"\r\n", large>>16) + "0\r\n\r\n"
	for name, tt := range map[string]struct {
		f      *face
		begins string
		body   string
		status int
		code   study.Code
	}{
		"too large":           {f, "POST /api/notes HTTP/1.1", length, 413, "too_large"},
		"too large in chunks": {f, "POST /api/notes HTTP/1.1", chunks, 413, "too_large"},
		"compressed":          {f, "POST /api/notes HTTP/1.1\r\nContent-Encoding: gzip", length, 415, "unsupported"},
		"an unknown path":     {f, "POST /nope HTTP/1.1", chunks, 404, "not_found"},
		"a method":            {f, "PUT /api/ai/process HTTP/1.1", length, 405, "method"},
		"an unknown method":   {f, "BREW /api/notes HTTP/1.1", length, 501, "method"},
		"a version":           {f, "POST /api/notes HTTP/1.9", length, 505, "unsupported"},
		"an expectation":      {f, "POST /api/notes HTTP/1.1\r\nExpect: wonders", length, 417, "unsupported"},
		"a line's end":        {f, "POST /api/notes HTTP/1.1\r\nX: y\nZ: w", length, 400, "malformed"},
		"two lengths":         {f, "POST /api/notes HTTP/1.1\r\nContent-Length: 1", length, 400, "malformed"},
		"too many headers":    {f, "POST /api/notes HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 100) + "Z: w", length, 431, "too_large"},
		"an early origin":     {f, "POST /api/notes HTTP/1.1\r\nOrigin: http://localhost:3000\r\nX: " + strings.Repeat("x", 1<<16), length, 431, "too_large"},
		"a late origin":       {f, "POST /api/notes HTTP/1.1\r\nX: " + strings.Repeat("x", 1<<16), length, 431, "too_large"},
		"no room":             {f, "POST /api/ai/process HTTP/1.1", length, 503, "busy"},
		"over a limit":        {limited, "POST /api/ai/process-stream HTTP/1.1", length, 429, "rate_limited"},
		"no token":            {users, "POST /api/notes HTTP/1.1", length, 401, "unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			origin := "Origin: http://localhost:3000\r\n"
			if strings.Contains(tt.begins, origin) {
				origin = ""
			}
			got, err := tt.f.sendAll(tt.begins + "\r\nHost: x\r\nContent-Type: application/json\r\n" + origin + tt.body)
			if err != nil {
				t.Error(err)
			}
			wantRefusal(t, got, tt.status, tt.code)
		})
	}
}

// wantRefusal checks that an answer is a problem that a page from http://localhost:3000 may read.
func wantRefusal(t *testing.T, answer string, status int, code study.Code) {
	t.Helper()
	head, problem, _ := strings.Cut(answer, "\r\n\r\n")
	if !strings.HasPrefix(head, fmt.Sprintf("HTTP/1.1 %d ", status)) || !strings.Contains(problem, fmt.Sprintf(`"code":%q`, code)) {
		t.Errorf("%.1000s; want %d %s", answer, status, code)
	}
	for _, line := range []string{"Access-Control-Allow-Origin: http://localhost:3000\r\n", "Access-Control-Expose-Headers: ", "X-Request-Id: ", "Connection: close"} {
		if !strings.Contains(head+"\r\n", line) {
			t.Errorf("%q is missing in %s", line, head)
		}
	}
}

func TestARefusalNamesNoOriginThatIsNotAllowed(t *testing.T) {
	f := serve(t)
	for _, request := range []string{"BREW / HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX y\r\n", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 9000) + "\r\n"} {
		got, err := f.sendAll(strings.Replace(request, "\r\n", "\r\nOrigin: http://evil.example\r\n", 1) + "\r\n")
		if err != nil || !strings.HasPrefix(got, "HTTP/1.1 4") && !strings.HasPrefix(got, "HTTP/1.1 5") || strings.Contains(got, "evil") {
			t.Errorf("%q: %v %s", request, err, got)
		}
	}
}

func TestAClientThatDribblesIsGivenUpAfterItsTimeout(t *testing.T) {
	f := serve(t, func(o *Options) {
		o.HTTP.Bodies = httpserver.Pace{Bytes: 10, Window: 100 * time.Millisecond, Longest: time.Minute}
	})
	c := f.dial()
	if r := c.say("POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n"); r.StatusCode != 408 {
		t.Fatal(r.Status)
	}
	f.until("it is closed although bytes still come", func() bool {
		_, _ = c.conn.Write([]byte("x")) // fails when the connection is closed
		return f.open() == 0
	})
}
