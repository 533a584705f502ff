package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/metrics"
	"studysharper/app/stream"
	"studysharper/app/study"
)

// begin starts a run in a new session.
func (f *face) begin() (session string, run stream.Writer) {
	f.t.Helper()
	session = newID()
	run, err := f.journal.Begin(context.Background(), stream.RunInfo{Session: session, Run: newID(), Owner: "u"})
	if err != nil {
		f.t.Fatal(err)
	}
	return session, run
}

func (f *face) append(run stream.Writer, kind study.Kind, fields any) {
	f.t.Helper()
	e, err := study.NewEvent(kind, fields)
	if err == nil {
		err = run.Append(context.Background(), e)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// listen opens a stream on a raw socket and returns its bytes as they arrive.
func (f *face) listen(session string, header ...string) (net.Conn, *bufio.Reader) {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		f.t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "GET /api/ai/stream/%s HTTP/1.1\r\nHost: x\r\n%s\r\n", session, strings.Join(append(header, ""), "\r\n"))
	if err != nil {
		f.t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// until reads lines up to and including the one that contains text.
func until(t *testing.T, r *bufio.Reader, text string) string {
	t.Helper()
	var got strings.Builder
	for {
		line, err := r.ReadString('\n')
		got.WriteString(line)
		if err != nil {
			t.Fatalf("waiting for %q: %v after\n%s", text, err, got.String())
		}
		if strings.Contains(line, text) {
			return got.String()
		}
	}
}

func TestAStreamIsServedBeforeDuringAndAfterItsRun(t *testing.T) {
	f := serve(t)
	session, run := f.begin()
	f.append(run, study.KindStart, map[string]string{"n": "1"})
	_, r := f.listen(session)
	head := until(t, r, "\"type\":\"start\"")
	for _, want := range []string{"HTTP/1.1 200 OK\r\n", "Content-Type: text/event-stream\r\n", "Cache-Control: no-cache, no-transform\r\n",
		"X-Accel-Buffering: no\r\n", "Connection: close\r\n", "X-Request-Id: ", "retry: ", `data: {"type":"start","seq":1,"run_id":"`, `","n":"1"}`} {
		if !strings.Contains(head, want) {
			t.Errorf("%q is missing in\n%s", want, head)
		}
	}
	if strings.Contains(head, "Content-Length") || strings.Contains(head, "event:") {
		t.Errorf("got\n%s", head)
	}
	f.append(run, study.KindComplete, map[string]bool{"success": true})
	rest, err := io.ReadAll(r)
	if err != nil || !strings.Contains(string(rest), `data: {"type":"complete","seq":2,"run_id":"`) {
		t.Errorf("got %q, %v", rest, err)
	}
	after := f.ask("GET", "/api/ai/stream/"+session, "")
	if n := strings.Count(string(after.body), "data: "); n != 2 || after.StatusCode != 200 {
		t.Errorf("afterwards: %d events in\n%s", n, after.body)
	}
}

func TestAStreamResumesBehindTheLastEventAndEndsWith204(t *testing.T) {
	f := serve(t)
	session, run := f.begin()
	f.append(run, study.KindStart, map[string]string{})
	f.append(run, study.KindToken, map[string]string{"text": "a"})
	f.append(run, study.KindComplete, map[string]bool{"success": true})
	all := f.ask("GET", "/api/ai/stream/"+session, "")
	var ids []string
	for line := range strings.SplitSeq(string(all.body), "\n") {
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			ids = append(ids, id)
		}
	}
	if len(ids) != 3 {
		t.Fatalf("got %v", ids)
	}
	for i, id := range ids[:2] {
		byHeader := f.ask("GET", "/api/ai/stream/"+session, "", "Last-Event-ID", id)
		byQuery := f.ask("GET", "/api/ai/stream/"+session+"?last_event_id="+id, "")
		for _, r := range []reply{byHeader, byQuery} {
			if n := strings.Count(string(r.body), "data: "); n != 2-i {
				t.Errorf("behind %s: %d events, want %d", id, n, 2-i)
			}
		}
	}
	if r := f.ask("GET", "/api/ai/stream/"+session, "", "Last-Event-ID", ids[2]); r.StatusCode != http.StatusNoContent {
		t.Errorf("behind the last: %d", r.StatusCode)
	}
	for _, foreign := range []string{"garbage", "zzzz.1", "1.99999", strings.Repeat("9", 5000)} {
		r := f.ask("GET", "/api/ai/stream/"+session, "", "Last-Event-ID", foreign)
		if !strings.Contains(string(r.body), `"type":"gap"`) || !strings.Contains(string(r.body), `"type":"complete"`) {
			t.Errorf("from %.20s: %d\n%s", foreign, r.StatusCode, r.body)
		}
	}
}

func TestOneStreamTooManyIsShed(t *testing.T) {
	f := serve(t)
	session, _ := f.begin()
	for range 3 {
		_, r := f.listen(session)
		until(t, r, "retry: ")
	}
	r := f.ask("GET", "/api/ai/stream/"+session, "")
	if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %v", r.StatusCode, r.Header)
	}
	if got := f.ask("GET", "/api/ai/stream-status", "").object(t); got["active_connections"] != 3.0 {
		t.Errorf("got %v", got)
	}
}

func TestAClientThatLeavesIsNoticedAtOnce(t *testing.T) {
	f := serve(t)
	session, _ := f.begin()
	conn, r := f.listen(session)
	until(t, r, "retry: ")
	_ = conn.Close()
	for deadline := time.Now().Add(time.Minute); f.board.Sum(metrics.Streams) > 0; {
		if time.Now().After(deadline) {
			t.Fatal("the stream is still counted")
		}
	}
}

func TestADeletedSessionEndsItsStreams(t *testing.T) {
	f := serve(t)
	session, run := f.begin()
	f.append(run, study.KindStart, map[string]string{})
	_, r := f.listen(session)
	until(t, r, `"type":"start"`)
	if got := f.ask("DELETE", "/api/ai/sessions/"+session, ""); got.StatusCode != 204 {
		t.Errorf("got %d %s", got.StatusCode, got.body)
	}
	rest, err := io.ReadAll(r)
	if err != nil || !strings.Contains(string(rest), `"type":"error"`) {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestADrainEndsStreamsAndSaysGoodbyeToConnections(t *testing.T) {
	f := serve(t)
	session, _ := f.begin()
	_, r := f.listen(session)
	until(t, r, "retry: ")
	released := make(chan struct{})
	entered := make(chan struct{})
	var once sync.Once
	f.runs.drain = func(context.Context) error { once.Do(func() { close(entered) }); <-released; return nil }
	drained := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		drained <- f.server.Drain(ctx)
	}()
	<-entered
	if r := f.ask("GET", "/readyz", ""); r.StatusCode != 503 || !strings.Contains(string(r.body), "draining") || !r.Close {
		t.Errorf("readyz while draining: %d %s, close %v", r.StatusCode, r.body, r.Close)
	}
	close(released)
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
	if _, err := io.ReadAll(r); err != nil {
		t.Errorf("the stream's end: %v", err)
	}
}

func TestAStopCancelsRunsWhileTheirErrorsCanStillBeSent(t *testing.T) {
	for patience, want := range map[time.Duration]time.Duration{time.Minute: farewell, 2 * time.Second: 500 * time.Millisecond} {
		f := serve(t)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		end, _ := ctx.Deadline()
		var given time.Time
		f.runs.drain = func(ctx context.Context) error { given, _ = ctx.Deadline(); return nil }
		if err := f.server.Drain(ctx); err != nil {
			t.Error(err)
		}
		if left := end.Sub(given); left <= 0 || left > want {
			t.Errorf("of %v the runs leave %v for their ends, want %v", patience, left, want)
		}
	}
}

func TestWhoHasSeenTheEndGets204WithoutAJournal(t *testing.T) {
	f := serve(t)
	session := newID()
	for id, want := range map[string]int{"7a.5.": 204, "0.1.": 204, "7a.1.": 204} {
		if got := f.ask("GET", "/api/ai/stream/"+session+"?last_event_id="+id, ""); got.StatusCode != want {
			t.Errorf("%s: %d, want %d", id, got.StatusCode, want)
		}
	}
	if got := f.ask("GET", "/api/ai/stream/"+session+"?run_id=x", ""); got.StatusCode != 422 {
		t.Errorf("a run's id that is not a UUID: %d", got.StatusCode)
	}
}

func TestABusySessionIsAConflictThatNamesItsRun(t *testing.T) {
	p, _ := problemOf(stream.ErrBusy("r1"))
	if p.Status != 409 || p.Code != study.CodeConflict || p.RunID != "r1" {
		t.Errorf("%+v", p)
	}
}

func TestAnOpenStreamGoesOnAtTheSuccessor(t *testing.T) {
	p := serveTwo(t)
	session, run := p.old.begin()
	_, r := p.old.listen(session)
	got := until(t, r, "retry: ")
	for i := range 10 {
		p.old.append(run, study.KindToken, map[string]int{"n": i})
	}
	got += until(t, r, `"n":9`)
	if err := p.leave(); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		p.old.append(run, study.KindToken, map[string]int{"n": 10 + i})
	}
	p.old.append(run, study.KindComplete, map[string]bool{"success": true})
	rest, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	got += string(rest)
	for seq := 1; seq <= 21; seq++ {
		if n := strings.Count(got, fmt.Sprintf(`"seq":%d,`, seq)); n != 1 {
			t.Errorf("event %d came %d times", seq, n)
		}
	}
	if strings.Count(got, "HTTP/1.1") != 1 || strings.Count(got, "retry:") != 1 {
		t.Errorf("headers or retry twice:\n%s", got)
	}
	if n := p.old.board.Sum(metrics.Streams) + p.next.board.Sum(metrics.Streams); n != 0 {
		t.Errorf("%d streams still counted", n)
	}
}
