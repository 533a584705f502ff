package httpapi

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"studysharper/app/httpserver"
	"studysharper/app/metrics"
	"studysharper/app/study"
)

func TestHEADIsAnsweredAsGETAndOpensNothing(t *testing.T) {
	f := serve(t)
	f.keep()
	n, err := f.store.CreateNote(t.Context(), study.Note{UserID: "u", Content: "x"})
	if err != nil {
		t.Fatal(err)
	}
	params := strings.NewReplacer(":session", session, ":note", n.ID, ":kind", "quizzes", ":user", "u", ":version", "x", ":name", "x.js")
	for _, r := range f.server.app.GetRoutes(true) {
		if r.Method != http.MethodHead {
			continue
		}
		path := params.Replace(r.Path) + "?user_id=u&admin_token=" + token
		stream := strings.HasPrefix(path, "/api/ai/stream/")
		c := f.dial()
		c.send("HEAD " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		head, err := http.ReadResponse(c.r, &http.Request{Method: http.MethodHead})
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if stream {
			rest, err := io.ReadAll(c.r)
			if head.StatusCode != 200 || head.Header.Get("Content-Type") != "text/event-stream" || len(rest) > 0 || err != nil || f.server.o.Own.Gauge(metrics.Streams) != 0 {
				t.Errorf("the stream: %s %v, then %q, %v", head.Status, head.Header, rest, err)
			}
			continue
		}
		get := f.ask("GET", path, "")
		if head.StatusCode != get.StatusCode || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
			t.Errorf("%s: %s %v, GET: %s %v", path, head.Status, head.Header, get.Status, get.Header)
		}
		if next := c.say("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"); next.StatusCode != 200 { // no body precedes it
			t.Errorf("%s: then %s", path, next.Status)
		}
	}
}

func TestHEADOfAStreamIsNotCountedAndNotRefusedWhenFull(t *testing.T) {
	f := serve(t, func(o *Options) { o.Admission.MaxStreams = 0 })
	for range 3 {
		if r := f.ask("HEAD", "/api/ai/stream/"+session, ""); r.StatusCode != 200 || len(r.body) > 0 {
			t.Errorf("%d %q", r.StatusCode, r.body)
		}
	}
	if n := f.server.o.Own.Gauge(metrics.Streams); n != 0 {
		t.Errorf("%d streams", n)
	}
}

func TestANumberOutOfBoundsIsRefusedAndTheBoundsAreNamed(t *testing.T) {
	f := serve(t)
	if err := f.store.AppendMessages(t.Context(), study.Session{ID: session, UserID: "u"}, study.Message{Role: study.RoleUser, Text: "x"}); err != nil {
		t.Fatal(err)
	}
	for path, bounds := range map[string]string{
		"/api/notes?user_id=u&limit=":                        "from 1 to 200",
		"/api/ai/sessions?user_id=u&limit=":                  "from 1 to 200",
		"/api/ai/sessions/" + session + "/messages?limit=":   "from 1 to 200",
		"/api/ai/generated-content/quizzes?user_id=u&limit=": "from 1 to 200",
		"/api/admin/errors?limit=":                           "from 1 to 200",
		"/api/admin/user-activity/u?limit=":                  "from 1 to 200",
		"/api/admin/metrics?hours=":                          "to 720",
	} {
		most := bounds[strings.LastIndex(bounds, " ")+1:]
		name := path[strings.LastIndexAny(path, "?&")+1 : len(path)-1]
		for given, want := range map[string]int{most: 200, most + "0": 422, "1000000000": 422, "-1": 422, "1.5": 422, "x": 422, "99999999999999999999": 422} {
			r := f.ask("GET", path+given, "", "X-Admin-Token", token)
			if r.StatusCode != want || want == 422 && (!strings.Contains(string(r.body), bounds) || !strings.Contains(string(r.body), `"field":"`+name+`"`)) {
				t.Errorf("%s%s: %d %s", path, given, r.StatusCode, r.body)
			}
		}
	}
}

func TestAListIsAtMostOneMebibyteAndGoesOn(t *testing.T) {
	f := serve(t)
	for i := range 40 {
		if _, err := f.store.CreateNote(t.Context(), study.Note{UserID: "u", Content: strings.Repeat("<&\n", 20_000) + fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	seen, cursor := 0, ""
	for pages := 0; pages == 0 || cursor != ""; pages++ {
		r := f.ask("GET", "/api/notes?user_id=u&limit=200&before="+cursor, "")
		got := r.object(t)
		if len(r.body) > 1<<20 || got["count"] == 0.0 || pages > 40 {
			t.Fatalf("page %d: %d bytes, %v rows", pages, len(r.body), got["count"])
		}
		seen += len(got["notes"].([]any))
		cursor, _ = got["next_cursor"].(string)
	}
	if seen != 40 {
		t.Errorf("%d notes of 40", seen)
	}
}

// stuck requests something large and reads none of it.
func (f *face) stuck(path string, buffer int) net.Conn {
	f.t.Helper()
	conn := f.dial().conn
	if err := conn.(*net.TCPConn).SetReadBuffer(buffer); err != nil {
		f.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
		f.t.Fatal(err)
	}
	return conn
}

func TestAnswersThatNobodyReadsAreCountedAndGivenUp(t *testing.T) {
	const size = 800_000
	f := serve(t, func(o *Options) {
		o.HTTP.TransitBytes = 3 * size
		o.HTTP.Answers = httpserver.Pace{Bytes: 1 << 20, Window: 3 * time.Second, Longest: time.Minute}
	})
	if _, err := f.store.CreateNote(t.Context(), study.Note{UserID: "u", Content: strings.Repeat("x", size)}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f.stuck("/api/notes?user_id=u", 4<<10)
	}
	f.until("two answers are held", func() bool { return f.used() > 2*size && f.used() < 3*size })
	r := f.ask("GET", "/api/notes?user_id=u", "")
	if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || r.object(t)["code"] != "busy" {
		t.Errorf("one more: %d %.200s", r.StatusCode, r.body)
	}
	if r := f.ask("GET", "/livez", ""); r.StatusCode != 200 {
		t.Errorf("a small one: %d", r.StatusCode)
	}
	f.until("those that do not read are closed", func() bool { return f.used() == 0 && f.open() == 0 })
	if r := f.ask("GET", "/api/notes?user_id=u", ""); r.StatusCode != 200 || len(r.body) < size {
		t.Errorf("afterwards: %d, %d bytes", r.StatusCode, len(r.body))
	}
}

func TestAReaderThatKeepsThePaceGetsItAll(t *testing.T) {
	const size = 1_000_000
	f := serve(t, func(o *Options) {
		o.HTTP.Answers = httpserver.Pace{Bytes: 10_000, Window: 2 * time.Second, Longest: time.Minute}
	})
	if _, err := f.store.CreateNote(t.Context(), study.Note{UserID: "u", Content: strings.Repeat("x", size)}); err != nil {
		t.Fatal(err)
	}
	conn := f.stuck("/api/notes?user_id=u", 64<<10)
	var got int
	in := bufio.NewReaderSize(conn, 64<<10)
	pause := time.NewTicker(700 * time.Millisecond)
	defer pause.Stop()
	for range 4 { // longer than a window, with 200 kB in each pause
		n, err := io.CopyN(io.Discard, in, size/5)
		if got += int(n); err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
		<-pause.C
	}
	if n, err := io.CopyN(io.Discard, in, size-int64(got)); err != nil {
		t.Errorf("after %d bytes more: %v", n, err)
	}
}
