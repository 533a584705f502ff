package scenario

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/loadtest/client"
	"studysharper/loadtest/measure"
	"studysharper/loadtest/pace"
)

const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

// service is a fake StudySharper; tests determine its answers.
type service struct {
	answer func(w http.ResponseWriter, n int)         // agent-test; nil = success
	stream func(conn net.Conn, begun <-chan struct{}) // writes what follows the head
	status int                                        // of process-stream; 0 = 200

	mu     sync.Mutex
	asked  []map[string]any
	header []http.Header
	paths  []string
	begun  map[string]chan struct{}
}

// start serves s, and returns options for it.
func start(t *testing.T, s *service) *Options {
	t.Helper()
	s.begun = map[string]chan struct{}{}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	target, err := client.ParseTarget(web.URL)
	if err == nil {
		err = target.Resolve(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return &Options{Target: target, Sheet: measure.NewSheet(), Timeout: time.Minute, Streams: 5, Keys: 50, Skew: 1.1}
}

// session returns the channel of a session's run, which is closed when the run begins.
func (s *service) session(id string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun[id] == nil {
		s.begun[id] = make(chan struct{})
	}
	return s.begun[id]
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	s.mu.Lock()
	s.paths = append(s.paths, r.URL.Path)
	if body != nil {
		s.asked = append(s.asked, body)
		s.header = append(s.header, r.Header)
	}
	n := len(s.asked)
	s.mu.Unlock()
	id, isStream := strings.CutPrefix(r.URL.Path, "/api/ai/stream/")
	switch {
	case isStream:
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, head)
		s.stream(conn, s.session(id))
	case r.URL.Path == "/api/ai/process-stream":
		if s.status != 0 {
			w.WriteHeader(s.status)
			return
		}
		close(s.session(body["session_id"].(string)))
		io.WriteString(w, `{"status":"processing"}`)
	case r.URL.Path == "/api/ai/agent-test" && s.answer != nil:
		s.answer(w, n)
	default:
		io.WriteString(w, `{"status":"success"}`)
	}
}

func event(seq int, kind, fields string) string {
	return fmt.Sprintf("id: e1.%d\ndata: {\"type\":\"%s\",\"seq\":%d%s}\n\n", seq, kind, seq, fields)
}

// whole returns a complete stream of a run: n tokens and the end.
func whole(n int) string {
	var b strings.Builder
	b.WriteString(event(1, "start", ""))
	for seq := 2; seq < n+2; seq++ {
		b.WriteString(event(seq, "token", `,"text":"x"`))
	}
	return b.String() + event(n+2, "complete", "")
}

// play runs a scenario and returns what it recorded.
func play(t *testing.T, name string, o *Options, plan pace.Plan) measure.Result {
	t.Helper()
	e, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.New(*o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	return o.Sheet.Result()
}
