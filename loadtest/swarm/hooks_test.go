package swarm

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestAClientIsToldWhenAStreamOpensAndWhenItIsLeft(t *testing.T) {
	to := serve(t, func(conn *net.TCPConn, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer x" || r.Header.Get("Host") != "study.example" {
			t.Errorf("asked with %v", r.Header)
		}
		switch r.URL.Path {
		case "/whole":
			io.WriteString(conn, head+tokens(1, 2)+event(3, "complete", ""))
		case "/cut":
			io.WriteString(conn, head+tokens(1, 2))
		case "/full":
			io.WriteString(conn, "HTTP/1.1 503 No\r\n\r\n")
		case "/held":
			io.WriteString(conn, head)
			conn.Read(make([]byte, 1))
		}
	})
	var mu sync.Mutex
	opened, left := map[string]State{}, map[string]State{}
	note := func(all map[string]State) func(*Stream, State) {
		return func(st *Stream, state State) {
			mu.Lock()
			defer mu.Unlock()
			all[st.Path()] = state
		}
	}
	s := start(t, Options{Address: to, Host: "study.example", Header: "Authorization: Bearer x\r\n", Opened: note(opened), Left: note(left)})
	held := s.Stream("/held", StreamOptions{})
	s.Open(s.Stream("/whole", StreamOptions{}), s.Stream("/cut", StreamOptions{}), s.Stream("/full", StreamOptions{}), held)
	await(t, s, func(c Counts) bool { return c.Ended == 1 && c.Broken == 1 && c.Refused == 1 && c.Open == 1 })
	s.Cut(FIN, held)
	mu.Lock()
	defer mu.Unlock()
	if len(opened) != 3 || opened["/held"].Answered.IsZero() {
		t.Errorf("opened %+v", opened)
	}
	if len(left) != 3 || left["/whole"].Terminal != "complete" || left["/whole"].Events != 3 || left["/cut"].Err == nil || left["/full"].Status != 503 {
		t.Errorf("left %+v", left)
	}
	if strings.Contains(string(held.request(Options{Address: to})), "Authorization") {
		t.Error("a header from nowhere")
	}
}
