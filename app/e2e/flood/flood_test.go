// Package flood_test floods the service as it is deployed: what one client costs the operator and the other students.
package flood_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/client"
	"studysharper/loadtest/fakellm"
)

const (
	connections = 50
	answerIn    = 300 * time.Millisecond // answer time of the model
	noteBytes   = 200_000
	pace        = 20 // the student's requests per second
	askTimeout  = 30 * time.Second

	// The defaults of the settings that limit the flood.
	perMinute, perHour = 120, 1000 // RUN_LIMIT_*
	accountsPerHour    = 60        // ACCOUNT_LIMIT_PER_HOUR
	quotaBytes         = 50 << 20  // QUOTA_NOTES_MB
	storedBytes        = 200 << 20 // STORE_LIMIT_MB_PER_DAY
)

// The flooding client and the student have different addresses.
var (
	flooding = netip.MustParseAddr("127.0.0.2")
	studying = netip.MustParseAddr("127.0.0.3")
)

// TestAFloodOfOneClientCostsWhatItsLimitsAllow floods a production service with default settings from one address, over
// fifty connections: without an account, with new accounts, with notes and with requests to the model. Meanwhile a
// student works. FULL=1 floods for a minute.
func TestAFloodOfOneClientCostsWhatItsLimitsAllow(t *testing.T) {
	lasts := time.Duration(testkit.Size(5, 60)) * time.Second
	model := fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{LatencyMS: int(answerIn / time.Millisecond)}}})
	s := servicetest.Start(t, "ENVIRONMENT=production", "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, model.ServeHTTP)+"/v1",
		"RUN_LIMIT_PER_MINUTE=", "RUN_LIMIT_PER_HOUR=", "RATE_LIMIT_PER_MINUTE=", "RATE_LIMIT_PER_HOUR=",
		"MAX_CONCURRENT_RUNS_PER_CLIENT=", "SSE_MAX_STREAMS_PER_CLIENT=")
	address := netip.MustParseAddrPort(s.Address())

	student := newStudent(t, address)
	alone := student.work(lasts / 2)
	own := model.Counts().Calls

	wait := startFlood(t, address, lasts)
	beside := student.work(lasts)
	got := wait()

	calls := model.Counts().Calls - own - len(beside["chat"])
	if allowed := perMinute + int(got.Took.Seconds()*perMinute/60) + 1; calls > allowed {
		t.Errorf("%d calls of the model in %v, of %d allowed", calls, got.Took, allowed)
	}
	if len(got.Codes) > accountsPerHour+int(got.Took.Minutes())+1 {
		t.Errorf("%d accounts", len(got.Codes))
	}
	all, most := stored(t, address, got.Codes)
	if most > quotaBytes || all > storedBytes*101/100 {
		t.Errorf("%d MB are stored for one account, %d MB for all of an address", most>>20, all>>20)
	}
	t.Logf("%d calls of the model, %d accounts, %d kB stored in %v; answers: %v", calls, len(got.Codes), all>>10, got.Took.Round(time.Millisecond), got.Statuses)
	for _, what := range []string{"read", "write", "chat"} {
		t.Logf("a student's %s: p50 %v, p99 %v alone (%d); p50 %v, p99 %v beside the flood (%d)", what, quantile(alone[what], .5), quantile(alone[what], .99), len(alone[what]),
			quantile(beside[what], .5), quantile(beside[what], .99), len(beside[what]))
	}
	for status := range got.Statuses {
		if strings.HasSuffix(status, " 500") || strings.HasSuffix(status, " 0") {
			t.Errorf("of the flood's answers: %v", got.Statuses)
		}
	}
}

func quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[int(float64(len(times)-1)*q)].Round(10 * time.Microsecond)
}

// dialer makes requests over a connection that it replaces when it breaks.
type dialer struct {
	to   netip.AddrPort
	from netip.Addr
	conn *client.Conn
}

// ask returns the status and the body of an answer; 0 = none.
func (d *dialer) ask(method, path, code, body string) (int, []byte) {
	if d.conn == nil || !d.conn.Usable() {
		d.close()
		conn, err := client.Dial(context.Background(), d.to, d.from, askTimeout)
		if err != nil {
			return 0, nil
		}
		d.conn = conn
	}
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: studysharper\r\n", method, path)
	if code != "" {
		fmt.Fprintf(&head, "Authorization: Bearer %s\r\n", code)
	}
	if body != "" {
		head.WriteString("Content-Type: application/json\r\n")
	}
	fmt.Fprintf(&head, "Content-Length: %d\r\n\r\n%s", len(body), body)
	answer, _ := d.conn.Do([]byte(head.String()), "")
	return answer.Status, answer.Body
}

func (d *dialer) close() {
	if d.conn != nil {
		d.conn.Close()
	}
	d.conn = nil
}

// student works at a steady pace.
type student struct {
	t    *testing.T
	to   netip.AddrPort
	code string
	n    int
}

func newStudent(t *testing.T, to netip.AddrPort) *student {
	t.Helper()
	d := dialer{to: to, from: studying}
	defer d.close()
	status, body := d.ask("POST", "/api/account", "", "")
	s := &student{t: t, to: to, code: codeIn(body)}
	if status != 201 || s.code == "" {
		t.Fatalf("an account: %d %s", status, body)
	}
	return s
}

func codeIn(body []byte) string {
	var made struct {
		Code string `json:"study_code"`
	}
	_ = json.Unmarshal(body, &made)
	return made.Code
}

// work makes requests for a while, and returns how long each kind took, from when it was due.
func (s *student) work(lasts time.Duration) map[string][]time.Duration {
	var mu sync.Mutex
	times := map[string][]time.Duration{}
	began := time.Now()
	var group sync.WaitGroup
	idle := make(chan *dialer, 100)
	for due := time.Duration(0); due < lasts; due += time.Second / pace {
		testkit.Pause(time.Until(began.Add(due)))
		s.n++
		n := s.n
		group.Go(func() {
			var d *dialer
			select {
			case d = <-idle:
			default:
				d = &dialer{to: s.to, from: studying}
			}
			what, status := s.request(d, n)
			if status >= 300 || status == 0 {
				s.t.Errorf("a student's %s beside a flood: %d", what, status)
			}
			mu.Lock()
			times[what] = append(times[what], time.Since(began.Add(due)))
			mu.Unlock()
			idle <- d
		})
	}
	group.Wait()
	for len(idle) > 0 {
		(<-idle).close()
	}
	return times
}

func (s *student) request(d *dialer, n int) (what string, status int) {
	switch n % pace {
	case 0:
		status, _ = d.ask("POST", "/api/ai/agent-test", s.code, fmt.Sprintf(`{"type":"chat","message":"What is light, question %d?"}`, n))
		return "chat", status
	case 5, 10, 15:
		status, _ = d.ask("POST", "/api/notes", s.code, fmt.Sprintf(`{"title":"Note %d","content":"Chlorophyll absorbs red and blue light."}`, n))
		return "write", status
	default:
		status, _ = d.ask("GET", "/api/notes?limit=10", s.code, "")
		return "read", status
	}
}

// stored returns how many bytes are stored for the accounts of a flood, in total and at most for one.
func stored(t *testing.T, to netip.AddrPort, codes []string) (sum, most int64) {
	t.Helper()
	d := dialer{to: to, from: studying}
	defer d.close()
	for _, code := range codes {
		var held struct {
			Stored struct {
				Notes  int64 `json:"note_bytes"`
				Others int64 `json:"other_bytes"`
			} `json:"stored"`
		}
		status, body := d.ask("GET", "/api/account", code, "")
		if err := json.Unmarshal(body, &held); err != nil || status != 200 {
			t.Fatalf("an account: %d %s", status, body)
		}
		sum += held.Stored.Notes + held.Stored.Others
		most = max(most, held.Stored.Notes, held.Stored.Others)
	}
	return sum, most
}
