package recycle

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/loadtest/client"
	"studysharper/loadtest/command"
)

// standIn answers requests as a StudySharper does. say returns the answer to the n-th request of all, and whether the
// connection stays open.
func standIn(t *testing.T, say func(n int64, id string) (answer string, goOn bool)) (to netip.AddrPort, requests, connections *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	requests, connections = new(atomic.Int64), new(atomic.Int64)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for goOn := true; goOn; {
					request, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					var answer string
					answer, goOn = say(requests.Add(1), request.Header.Get("X-Request-ID"))
					_, _ = io.WriteString(conn, answer)
				}
			}()
		}
	}()
	return listener.Addr().(*net.TCPAddr).AddrPort(), requests, connections
}

func well(id, extra string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nX-Request-ID: %s\r\n%sContent-Length: 2\r\n\r\n{}", id, extra)
}

func TestALoadMakesExactlyItsRequestsAndTriesNoneAgain(t *testing.T) {
	to, requests, connections := standIn(t, func(n int64, id string) (string, bool) {
		switch {
		case n%10 == 0:
			return "", false // closed without an answer
		case n%10 == 5:
			return well(id, "Connection: close\r\n"), false
		default:
			return well(id, ""), true
		}
	})
	l := &load{to: to, clients: 4, requests: 1000}
	got := l.run(context.Background())
	if got.requests != 1000 || requests.Load() != 1000 {
		t.Errorf("%d made, %d arrived", got.requests, requests.Load())
	}
	if got.failures != 100 || got.kinds[client.Closed] != 100 || len(got.kept) != keptFailures || l.failed.Load() != 100 {
		t.Errorf("%d failures: %s", got.failures, got.words())
	}
	if got.goodbyes != 100 || got.connections != connections.Load() {
		t.Errorf("%d goodbyes, %d of %d connections", got.goodbyes, got.connections, connections.Load())
	}
}

func TestALoadGoesOnWhileMoreIsWantedWithinItsBound(t *testing.T) {
	for name, c := range map[string]struct{ until, made int64 }{
		"wanted until 150": {150, 150},
		"wanted for ever":  {1 << 40, 100 * overtime},
	} {
		to, requests, _ := standIn(t, func(_ int64, id string) (string, bool) { return well(id, ""), true })
		l := &load{to: to, clients: 1, requests: 100, more: func() bool { return requests.Load() < c.until }}
		if got := l.run(context.Background()); got.requests != c.made {
			t.Errorf("%s: %d made, want %d", name, got.requests, c.made)
		}
	}
}

func TestFreshConnectionsCarryOneRequestEach(t *testing.T) {
	to, _, connections := standIn(t, func(_ int64, id string) (string, bool) { return well(id, "Connection: close\r\n"), false })
	got := (&load{to: to, clients: 40, requests: 200, fresh: true}).run(context.Background())
	if got.failures != 0 || got.requests != 200 || connections.Load() != 200 {
		t.Errorf("%d connections; %s", connections.Load(), got.words())
	}
}

func TestALoadWithoutNumberEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	to, _, _ := standIn(t, func(n int64, id string) (string, bool) {
		if n == 50 {
			cancel()
		}
		return well(id, ""), true
	})
	got := (&load{to: to, clients: 2}).run(ctx)
	if got.failures != 0 || got.requests < 50 {
		t.Errorf("%d requests; %s", got.requests, got.words())
	}
}

func TestARefusedConnectionIsAFailedRequest(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := listener.Addr().(*net.TCPAddr).AddrPort()
	listener.Close()
	var heard atomic.Int64
	l := &load{to: to, clients: 1, requests: 3, heard: func(e exchange) {
		if e.err != nil && e.port == 0 {
			heard.Add(1)
		}
	}}
	if got := l.run(context.Background()); got.kinds[client.Refused] != 3 || got.connections != 0 || heard.Load() != 3 {
		t.Errorf("%s; heard %d", got.words(), heard.Load())
	}
}

func TestTheVerdictSortsFailuresByWhoseConnectionTheyWereOn(t *testing.T) {
	bad := errors.New("reset")
	var v verdict
	var o outcome
	v.hear(exchange{port: 1})
	v.begin(map[int]bool{1: true, 2: true})
	for _, e := range []exchange{{1, bad}, {2, bad}, {3, bad}, {0, bad}, {3, nil}, {1, nil}} {
		v.hear(e)
	}
	o.take(&v)
	if o.faults != 1 || o.held != 2 || o.own != 2 || len(o.collected) != 2 || o.silent != 0 {
		t.Errorf("got %+v", o)
	}
	v.hear(exchange{1, bad}) // long after: not excused
	v.begin(map[int]bool{4: true})
	o.take(&v)
	if o.own != 2 || len(o.collected) != 3 || o.silent != 1 {
		t.Errorf("got %+v", o)
	}
}

func TestShareOfCountsWhatNoWorkerHolds(t *testing.T) {
	workers := []Worker{{PID: 1, Slot: 0}, {PID: 2, Slot: 1}}
	holds := map[int]map[int]bool{1: {10: true, 11: true, 99: true}, 2: {12: true}}
	clients := func(pid int) map[int]bool { return holds[pid] }
	for _, c := range []struct {
		ports []int
		want  float64
	}{
		{[]int{10, 11, 12}, 2. / 3},
		{[]int{10, 11, 12, 13}, .5},
		{[]int{10, 13, 14, 15}, .75}, // three belong to no worker
	} {
		if got, words := shareOf(workers, clients, c.ports); got != c.want {
			t.Errorf("%v: got %v (%s), want %v", c.ports, got, words, c.want)
		}
	}
}

func TestStreamsAreJudgedWhole(t *testing.T) {
	event := func(kind string, seq uint64, text string) client.Event {
		return client.Event{ID: fmt.Sprintf("e.%d", seq), Type: kind, Seq: seq, Text: text, ErrorMsg: text}
	}
	for name, c := range map[string]struct {
		events  []client.Event
		unwhole int64
	}{
		"whole":        {[]client.Event{event("token", 1, "a "), event("token", 2, "b"), event("complete", 3, "")}, 0},
		"another text": {[]client.Event{event("token", 1, "a "), event("complete", 2, "")}, 1},
		"failed":       {[]client.Event{event("token", 1, "a b"), event("error", 2, "lost")}, 1},
		"given up":     {[]client.Event{event("token", 1, "a b")}, 1},
		"wrong id":     {[]client.Event{{ID: "e.9", Type: "token", Seq: 1, Text: "a b"}, event("complete", 2, "")}, 1},
	} {
		n := &streamCount{tally: newTally()}
		var q client.Sequence
		for _, e := range c.events {
			q.Take(e)
		}
		n.settle(&q, "a b", 2)
		if n.unwhole != c.unwhole || n.tally.failures != c.unwhole || n.streams != 1 || n.crossings != 2 {
			t.Errorf("%s: %s; %s", name, n.words(), n.tally.words())
		}
	}
}

func TestFiguresHoldTheirGoals(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		f    figure
		pass bool
	}{
		{zeroOf("", "", 0, 1), true},
		{zeroOf("", "", 1, 1e6), false},
		{zeroOf("", "", 0, 0), false}, // nothing was measured
		{atLeast("", "", .9, .9, 1), true},
		{atLeast("", "", .899, .9, 1), false},
		{atMost("", "", 4, 4, 1), true},
		{atMost("", "", 5, 4, 1), false},
		{atMost("", "", 0, 4, 0), false},
		{within("", "", []time.Duration{ms, 2 * ms, 3 * ms}, .5, 2*ms), true},
		{within("", "", []time.Duration{ms, 2 * ms, 3 * ms}, 1, 2*ms), false},
		{within("", "", nil, 1, ms), false},
		{zeroOf("", "", 0, 9).during(1), true},
		{zeroOf("", "", 0, 9).during(0), false},
		{zeroOf("", "", 1, 9).during(1), false},
	} {
		if c.f.Pass != c.pass {
			t.Errorf("%+v", c.f)
		}
	}
}

func TestQuantileIsAValueThatWasMeasured(t *testing.T) {
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(200-i))
	}
	if got := quantile(nil, .5); got != 0 {
		t.Errorf("of none: %d", got)
	}
	for q, want := range map[float64]time.Duration{0: 1, .5: 100, .99: 198, 1: 200} {
		if got := quantile(times, q); got != want {
			t.Errorf("%v: got %d, want %d", q, got, want)
		}
	}
}

func TestTheReportFailsWithAnyFigureAndWithNone(t *testing.T) {
	good, bad := zeroOf("a", "x", 0, 5), zeroOf("b", "y", 1, 5).withFailures(newTally())
	for _, c := range []struct {
		figures []figure
		pass    bool
	}{{[]figure{good}, true}, {[]figure{good, bad}, false}, {nil, false}} {
		r := newReport(&bench{figures: c.figures}, time.Now())
		var table strings.Builder
		if err := r.writeTable(&table); err != nil || r.Pass != c.pass {
			t.Errorf("%d figures: %+v, %v", len(c.figures), r, err)
		}
		if strings.Contains(table.String(), "NO") == c.pass {
			t.Errorf("the table says otherwise:\n%s", table.String())
		}
	}
}

func TestSettingsOutOfBoundsAreNamed(t *testing.T) {
	for args, want := range map[string]string{
		"-requests 0":             "-requests",
		"-requests 100000001":     "-requests",
		"-jitter -1":              "-jitter",
		"-idle-for 2h":            "-idle-for",
		"-stream-run 0s":          "-stream-run",
		"-stream-quiet -1s":       "-stream-quiet",
		"-parts keepalive,nobody": "nobody",
		"-parts ,":                "names no part",
		"-env NAME":               "NAME=VALUE",
		"-env =1":                 "NAME=VALUE",
		"extra":                   "extra",
		"-nonsense":               "nonsense",
	} {
		if _, err := parseSettings(strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", args, err)
		}
		if status := command.Status("", Run(t.Context(), strings.Fields(args), io.Discard, io.Discard), io.Discard); status != command.Usage {
			t.Errorf("%s: exit status %d", args, status)
		}
	}
}

func TestSettingsAreTheIssuesFiguresByDefault(t *testing.T) {
	s, err := parseSettings(nil, io.Discard)
	if err != nil || s.requests != 1_000_000 || s.freshRequests != 300_000 || s.idleRequests != 6000 || s.streams != 200 || s.kills != 200 || len(s.parts) != len(parts) {
		t.Errorf("got %+v, %v", s, err)
	}
	s, err = parseSettings([]string{"-parts", "kill, stop", "-env", "A=b=c", "-jitter", "0", "-stream-quiet", "0"}, io.Discard)
	if err != nil || len(s.parts) != 2 || s.env["A"] != "b=c" || s.jitter != 0 || s.streamQuiet != 0 {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestABinaryThatDoesNotStartFailsTheRun(t *testing.T) {
	var table bytes.Buffer
	if err := Run(t.Context(), []string{"-binary", "/bin/false", "-parts", "keepalive"}, &table, io.Discard); !errors.Is(err, command.ErrMissed) {
		t.Errorf("%v\n%s", err, table.String())
	}
	if !strings.Contains(table.String(), "could not be measured") {
		t.Errorf("the table does not say so:\n%s", table.String())
	}
}
