package httpapi

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"studysharper/app/agent"
	"studysharper/app/httpserver"
	"studysharper/app/limit"
	"studysharper/app/study"
)

func TestWhatTheHeadDecidesIsAnsweredBeforeTheBodyComes(t *testing.T) {
	plain, _ := serveLimited(t)
	full := serve(t)
	full.runs.full.Store(true)
	users := serveUsers(t)
	limited, _ := serveLimited(t, func(o *Options) { o.Admission.Limits = []limit.Policy{{Name: "minute", Quota: 1, Window: time.Hour}} })
	limited.ask("POST", "/api/ai/process-stream", chat)
	for name, tt := range map[string]struct {
		f                    *face
		request, head, wants string
	}{
		"an unknown path":        {plain, "POST /nope", "", "404"},
		"a method":               {plain, "PUT /api/ai/process", "", "405"},
		"an encoding":            {plain, "POST /api/notes", "Content-Encoding: gzip\r\n", "415"},
		"an expectation":         {plain, "POST /nope", "Expect: 100-continue\r\n", "404"},
		"no token":               {users, "POST /api/notes", "", "401"},
		"no token, unknown path": {users, "POST /api/ai/nope", "", "401"},
		"no admin token":         {users, "POST /api/admin/reload", "", "403"},
		"no room":                {full, "POST /api/ai/process", "", "503"},
		"no room for a stream":   {full, "POST /api/ai/process-stream", "", "503"},
		"over its limit":         {limited, "POST /api/ai/process-stream", "", "429"},
	} {
		for _, body := range []string{"Content-Length: 1\r\n", "Content-Length: 60000\r\n", "Transfer-Encoding: chunked\r\n"} {
			c := tt.f.dial()
			r := c.say(tt.request + " HTTP/1.1\r\nHost: x\r\n" + tt.head + body + "\r\n")
			if !strings.HasPrefix(r.Status, tt.wants) || !r.Close {
				t.Errorf("%s, %q: %s, close %v; want %s and the end of the connection", name, body, r.Status, r.Close, tt.wants)
			}
			if tt.f.used() != 0 {
				t.Errorf("%s: %d bytes are held for a body that is refused", name, tt.f.used())
			}
		}
	}
	c := plain.dial()
	if r := c.say("POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 65537\r\n\r\n"); r.StatusCode != 413 {
		t.Errorf("a length over the limit: %s", r.Status)
	}
}

func TestABodyThatIsRefusedAndHasComeCostsNoConnection(t *testing.T) {
	f := serve(t)
	f.runs.full.Store(true)
	c := f.dial()
	for range 3 {
		r := c.say(fmt.Sprintf("POST /api/ai/process HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(chat), chat))
		body, err := io.ReadAll(r.Body)
		if r.StatusCode != 503 || r.Close || err != nil {
			t.Fatalf("%s, close %v, %s, %v", r.Status, r.Close, body, err)
		}
	}
}

func TestBodiesFollowEachOtherOnAConnection(t *testing.T) {
	f := serve(t)
	c := f.dial()
	note := `{"user_id":"u","content":"x"}`
	fixed := fmt.Sprintf("POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(note), note)
	chunked := fmt.Sprintf("POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", 5, note[:5], len(note)-5, note[5:])
	wants := []int{201, 201, 200, 201, 404, 201}
	all := fixed + chunked + "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + chunked + "POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" + fixed
	for _, step := range []int{len(all), 100, 7} {
		go func() {
			for i := 0; i < len(all); i += step {
				c.send(all[i:min(len(all), i+step)])
			}
		}()
		for i, want := range wants {
			r := c.answer()
			if _, err := io.ReadAll(r.Body); r.StatusCode != want || err != nil {
				t.Fatalf("answer %d of steps of %d: %s, %v", i, step, r.Status, err)
			}
			if r.Close { // refused before its body has arrived
				if step == len(all) {
					t.Fatalf("answer %d of steps of %d ends the connection", i, step)
				}
				c = f.dial()
				break
			}
		}
	}
}

func TestAClientIsToldToGoOnWhenItAsksForThatOnly(t *testing.T) {
	f := serve(t)
	head := fmt.Sprintf("POST /api/ai/process HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", len(chat))
	c := f.dial()
	if r := c.say(head + "Expect: 100-continue\r\n\r\n"); r.StatusCode != 100 {
		t.Fatalf("%s", r.Status)
	}
	if r := c.say(chat); r.StatusCode != 200 {
		t.Errorf("%s", r.Status)
	}
	c = f.dial()
	c.send(head + "\r\n")
	f.until("the body is awaited", func() bool { return f.used() > 0 })
	if r := c.say(chat); r.StatusCode != 200 {
		t.Errorf("unasked: %s", r.Status)
	}
}

func TestBodiesOnTheirWayShareABudget(t *testing.T) {
	const size = 60_000
	f := serve(t, func(o *Options) { o.HTTP.TransitBytes = 2*size - 1 })
	body := `{"user_id":"u","content":"` + strings.Repeat("x", size-28) + `"}`
	head := fmt.Sprintf("POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", size)
	first := f.dial()
	first.send(head + body[:size-1])
	f.until("the first is being read", func() bool { return f.used() == size })
	for name, other := range map[string]string{"a second": head + body[:size-1], "in chunks": "POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"} {
		r := f.dial().say(other)
		if got, _ := io.ReadAll(r.Body); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || !strings.Contains(string(got), `"busy"`) {
			t.Errorf("%s: %s %v %s", name, r.Status, r.Header, got)
		}
	}
	if r := f.ask("POST", "/api/ai/process", chat); r.StatusCode != 200 { // the body arrives with its head
		t.Errorf("a small body: %d", r.StatusCode)
	}
	if r := first.say(body[size-1:]); r.StatusCode != 201 {
		t.Errorf("the first: %s", r.Status)
	}
	f.until("the budget is free", func() bool { return f.used() == 0 })
	if r := f.dial().say(head + body); r.StatusCode != 201 {
		t.Errorf("afterwards: %s", r.Status)
	}
}

func TestARunHoldsNoBody(t *testing.T) {
	f := serve(t)
	body := `{"type":"chat","user_id":"u","message":"` + strings.Repeat("x", 2000) + `"}` + strings.Repeat(" ", 40_000)
	held := int64(-1)
	f.runs.do = func(q study.Request) (agent.Outcome, error) {
		held = f.used()
		return answer(q)
	}
	c := f.dial()
	c.send(fmt.Sprintf("POST /api/ai/process HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body)))
	f.until("the body is awaited", func() bool { return f.used() == int64(len(body)) })
	if r := c.say(body); r.StatusCode != 200 || held != 0 {
		t.Errorf("%s, %d bytes are held during the run", r.Status, held)
	}
}

func TestABodyLargerThanTheBudgetIsReadAlone(t *testing.T) {
	f := serve(t, func(o *Options) { o.HTTP.TransitBytes = 1 })
	note := `{"user_id":"u","content":"` + strings.Repeat("x", 50_000) + `"}`
	if r := f.ask("POST", "/api/notes", note); r.StatusCode != 201 {
		t.Errorf("%d", r.StatusCode)
	}
}

func TestABodyThatComesTooSlowlyIsGivenUp(t *testing.T) {
	f := serve(t, func(o *Options) {
		o.HTTP.Bodies = httpserver.Pace{Bytes: 10, Window: 200 * time.Millisecond, Longest: time.Minute}
	})
	for name, request := range map[string]string{
		"nothing of it":  "Content-Length: 1000\r\n\r\n",
		"one byte short": "Content-Length: 1000\r\n\r\n" + strings.Repeat("x", 999),
		"no more chunks": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"half a size":    "Transfer-Encoding: chunked\r\n\r\n5",
	} {
		c := f.dial()
		r := c.say("POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nOrigin: http://localhost:3000\r\n" + request)
		if got, _ := io.ReadAll(r.Body); r.StatusCode != 408 || !r.Close || !strings.Contains(string(got), `"timeout"`) || r.Header.Get("Access-Control-Allow-Origin") == "" {
			t.Errorf("%s: %s %v %s", name, r.Status, r.Header, got)
		}
		f.until("its memory is free", func() bool { return f.used() == 0 })
	}
	f.until("the connections are closed, whose clients still hold them", func() bool { return f.open() == 0 })
}

func TestABodyThatKeepsThePaceIsReadHoweverLongItTakes(t *testing.T) {
	f := serve(t, func(o *Options) {
		o.HTTP.Bodies = httpserver.Pace{Bytes: 10, Window: 2 * time.Second, Longest: time.Minute}
	})
	c := f.dial()
	c.send(fmt.Sprintf("POST /api/ai/process HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(chat)))
	pause := time.NewTicker(500 * time.Millisecond)
	defer pause.Stop()
	for part := chat; len(part) > 0; part = part[min(10, len(part)):] { // longer than a window
		c.send(part[:min(10, len(part))])
		<-pause.C
	}
	if r := c.answer(); r.StatusCode != 200 {
		t.Errorf("%s", r.Status)
	}
}

func TestABodyHasATimeThatNoPaceExtends(t *testing.T) {
	f := serve(t, func(o *Options) {
		o.HTTP.Bodies = httpserver.Pace{Bytes: 1, Window: time.Minute, Longest: 100 * time.Millisecond}
	})
	if r := f.dial().say("POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\nxx"); r.StatusCode != 408 {
		t.Errorf("%s", r.Status)
	}
}

func TestASlowBodyIsNoRequestThatNeverEnds(t *testing.T) {
	f := serve(t)
	c := f.dial()
	c.send("POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
	f.until("the body is awaited", func() bool { return f.used() == 1000 })
	f.until("it counts for no stuck request", func() bool { return f.server.http.OldestRequest() == 0 })
}

func TestAnEncodingThatIsNoneIsTaken(t *testing.T) {
	f := serve(t)
	for encoding, want := range map[string]int{"identity": 200, "Identity": 200, "": 200, "identity, identity": 200, "gzip": 415, "identity, gzip": 415, "br": 415} {
		r := f.ask("POST", "/api/ai/process", chat, "Content-Encoding", encoding)
		if r.StatusCode != want || (want == 415) != (r.Header.Get("Accept-Encoding") == "identity") {
			t.Errorf("%q: %d %v", encoding, r.StatusCode, r.Header)
		}
	}
}

// The limits on reading bodies must not depend on a wrapper that a new route might lack.
func TestEveryRouteFindsItsBody(t *testing.T) {
	f := serve(t)
	registered := 0
	for _, r := range f.server.app.GetRoutes(true) {
		if r.Method != http.MethodHead {
			registered++
		}
		if len(r.Handlers) < 2 {
			t.Errorf("%s %s is registered past router: nobody reads its body", r.Method, r.Path)
		}
	}
	if registered < 30 {
		t.Errorf("only %d routes were found", registered)
	}
}
