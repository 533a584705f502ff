package upstreamtest

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"studysharper/app/testkit"
)

// asked is the part of a request that some behaviours depend on.
type asked struct {
	Stream              bool                  `json:"stream"`
	MaxTokens           int                   `json:"max_tokens"`
	MaxCompletionTokens int                   `json:"max_completion_tokens"`
	StreamOptions       *json.RawMessage      `json:"stream_options"`
	ResponseFormat      struct{ Type string } `json:"response_format"`
	bound               int
}

// conditional are the behaviours that occur only with some requests.
var conditional = map[string]func(asked) bool{
	"e400_lmstudio_json_object": func(a asked) bool { return a.ResponseFormat.Type == "json_object" },
	"e400_max_tokens":           func(a asked) bool { return a.MaxTokens > 0 },
	"e422_stream_options":       func(a asked) bool { return a.StreamOptions != nil },
	"reasoning_eats_budget":     func(a asked) bool { return a.bound > 0 && a.bound < 4000 },
	"reasoning_starves_judges":  func(a asked) bool { return a.bound > 0 && a.bound <= 500 },
}

// Server answers according to a case. Call Play only between two requests.
type Server struct {
	Case  Case
	Calls atomic.Int32
	Bytes atomic.Int64 // of the requests' bodies

	mu sync.Mutex // guards Case while the server listens
}

// Play changes the case, beginning with its first call.
func (s *Server) Play(c Case) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Case = c
	s.Calls.Store(0)
}

// Listen serves on its own port until the test ends, and returns the address of the API.
func (s *Server) Listen(t testing.TB) string {
	t.Helper()
	return "http://" + testkit.TCPServer(t, s.answer) + "/v1"
}

func (s *Server) answer(conn net.Conn) {
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	var a asked
	body, err := io.ReadAll(req.Body)
	if err != nil || json.Unmarshal(body, &a) != nil {
		return
	}
	s.Bytes.Add(int64(len(body)))
	a.bound = max(a.MaxTokens, a.MaxCompletionTokens)
	s.mu.Lock()
	c := s.Case
	raw := c.First
	if s.Calls.Add(1) > 1 {
		raw = c.Second
	}
	s.mu.Unlock()
	if applies := conditional[c.Behaviour]; applies != nil && !applies(a) {
		raw = c.Good
	}
	send(conn, c.Behaviour, raw)
}

// send writes a response as the behaviour requires: at once, byte by byte, or without an end.
func send(conn net.Conn, behaviour string, raw []byte) {
	switch behaviour {
	case "reset_midway":
		_, _ = conn.Write(raw)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	case "sse_split_utf8", "chunked":
		for i := range raw {
			if _, err := conn.Write(raw[i : i+1]); err != nil {
				return
			}
		}
	case "sse_no_done_open":
		_, _ = conn.Write(raw)
		_, _ = io.Copy(io.Discard, conn) // until the client closes the connection
	default:
		_, _ = conn.Write(raw)
	}
}
