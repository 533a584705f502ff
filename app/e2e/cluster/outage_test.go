package cluster_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/cluster/redistest"
	"studysharper/app/e2e/servicetest"
	"studysharper/app/eventstream"
	"studysharper/app/store/postgrestest"
	"studysharper/app/testkit"
	"studysharper/loadtest/client"
	"studysharper/loadtest/fakellm"
)

const (
	answerWords = 24 // of the model, eight a second
	endWithin   = 15 * time.Second
	watchFor    = 90 * time.Second
)

// outage is something that befalls Redis while runs are under way.
type outage struct {
	name  string
	begin func(t *testing.T, redis *redistest.Server) // when half of the runs have begun
	end   func(t *testing.T, redis *redistest.Server) // 3 s later; nil = it lasts
}

var outages = []outage{
	{"killed", func(_ *testing.T, r *redistest.Server) { r.Kill() }, func(t *testing.T, r *redistest.Server) { r.Resume(t) }},
	{"frozen", func(t *testing.T, r *redistest.Server) { r.Freeze(t) }, func(t *testing.T, r *redistest.Server) { r.Thaw(t) }},
	{"full for good", fill, nil},
	{"gone for good", func(_ *testing.T, r *redistest.Server) { r.Kill() }, nil},
}

// fill has Redis refuse every write.
func fill(t *testing.T, r *redistest.Server) {
	if err := r.Client(t).ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Error(err)
	}
}

// reading is what a client got of a run, reconnecting like an EventSource.
type reading struct {
	client.Sequence
	answered bool // complete came with the whole answer
	ended    time.Time
}

// watch reads a run's stream to its end, on as many connections as it takes.
func watch(address, path string) *reading {
	got, giveUp := &reading{}, time.Now().Add(watchFor)
	for !got.Ended && time.Now().Before(giveUp) {
		if conn, err := net.DialTimeout("tcp", address, 5*time.Second); err == nil {
			_ = conn.SetDeadline(giveUp)
			status := got.readFrom(conn, path)
			_ = conn.Close()
			if status == http.StatusNoContent {
				return got
			}
		}
		testkit.Pause(200 * time.Millisecond)
	}
	return got
}

// readFrom reads one response to its end, and returns its status; 0 = there was none.
func (r *reading) readFrom(conn net.Conn, path string) (status int) {
	head := "GET " + path + " HTTP/1.1\r\nHost: studysharper\r\nAccept: text/event-stream\r\n"
	if id := r.LastID(); id != "" {
		head += "Last-Event-ID: " + id + "\r\n"
	}
	if _, err := conn.Write([]byte(head + "\r\n")); err != nil {
		return 0
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return res.StatusCode
	}
	for events := eventstream.NewReader(res.Body, eventstream.Limits{}); !r.Ended; {
		raw, err := events.Next()
		if err != nil {
			return res.StatusCode
		}
		e := client.Event{ID: raw.ID}
		if json.Unmarshal(raw.Data, &e) == nil {
			r.Take(e)
			r.ended, r.answered = time.Now(), e.Type == "complete" && strings.Contains(string(raw.Data), fmt.Sprintf("fact%d", answerWords))
		}
	}
	return res.StatusCode
}

// figures count what readers got.
type figures struct {
	sync.Mutex
	streams, silent, doubled, late, failed, gaps int
	slowest                                      time.Duration
}

func (f *figures) add(t *testing.T, s *servicetest.Service, run string, got *reading) {
	_, status := s.Ask("GET", "/api/ai/runs/"+run+"?user_id=student", "")
	ended, err := time.Parse(time.RFC3339Nano, fmt.Sprint(status["ended_at"]))
	f.Lock()
	defer f.Unlock()
	f.streams++
	if got.Doubled > 0 {
		f.doubled++
	}
	if got.Lost > 0 {
		f.gaps++
	}
	switch {
	case !got.Ended:
		f.silent++
		t.Logf("run %s, %v: not ended: %+v", run, status["state"], got)
	case got.Failure != "" || !got.answered:
		f.failed++
		t.Logf("run %s, %v: %q", run, status["state"], got.Failure)
	case err != nil:
		t.Errorf("run %s has no end: %v", run, status)
	default:
		took := got.ended.Sub(ended)
		f.slowest = max(f.slowest, took)
		if took > endWithin {
			f.late++
		}
	}
}

func TestEveryStreamEndsWithItsAnswerWhateverHappensToRedis(t *testing.T) {
	runs := testkit.Size(18, 120)
	postgres := postgrestest.Start(t)
	fake := fakellm.New(fakellm.Options{Answer: func(fakellm.Request) string { return servicetest.Essay(answerWords) }, Rules: []fakellm.Rule{{TokensPerSecond: 8}}})
	model := testkit.HTTPServer(t, fake.ServeHTTP) + "/v1"
	for _, o := range outages {
		for _, recycling := range []string{"0", "15"} {
			t.Run(o.name+", recycling after "+recycling, func(t *testing.T) {
				redis := redistest.Start(t, "--maxmemory-policy", "noeviction")
				env := []string{"REDIS_URL=" + redis.URL(), "DATABASE_URL=" + postgres.Database(t), "LLM_API_KEY=k", "LLM_BASE_URL=" + model, "LLM_JUDGE=off",
					"MAX_REQUESTS=" + recycling, "MIN_WORKER_AGE=0", "MAX_CONCURRENT_RUNS=500", "RUN_LIMIT_PER_MINUTE=0", "RUN_LIMIT_PER_HOUR=0"}
				f := throughOutage(t, o, redis, servicetest.Start(t, env...), servicetest.Start(t, env...), runs)
				t.Logf("%d streams: %d silent, %d doubled, %d late, %d without the answer, %d with a gap; the slowest %v after its run's end",
					f.streams, f.silent, f.doubled, f.late, f.failed, f.gaps, f.slowest.Round(time.Millisecond))
				if f.silent+f.doubled+f.late+f.failed > 0 {
					t.Errorf("want every stream to end within %v of its run, with the answer and nothing twice", endWithin)
				}
			})
		}
	}
}

// throughOutage begins runs at a, one each 50 ms. A third of them are watched at b, the others at a, by either worker.
func throughOutage(t *testing.T, o outage, redis *redistest.Server, a, b *servicetest.Service, runs int) *figures {
	var all sync.WaitGroup
	defer all.Wait()
	f := &figures{}
	for n := range runs {
		if n == runs/2 {
			o.begin(t, redis)
			if o.end != nil {
				all.Go(func() { testkit.Pause(3 * time.Second); o.end(t, redis) })
			}
		}
		session, run := post(a)
		at := []*servicetest.Service{a, a, b}[n%3]
		all.Go(func() { f.add(t, a, run, watch(strings.TrimPrefix(at.URL, "http://"), "/api/ai/stream/"+session)) })
		testkit.Pause(50 * time.Millisecond)
	}
	all.Wait()
	return f
}

// post begins a run; a database that a busy machine holds up refuses it for a moment.
func post(s *servicetest.Service) (session, run string) {
	s.Eventually("a run begins", func() bool {
		body := servicetest.Request("chat", "Tell me all about run "+uuid.NewString(), nil)
		status, got := s.Exchange(0, "POST", "/api/ai/process-stream", body)
		session, _ = got["session_id"].(string)
		run, _ = got["run_id"].(string)
		return status == http.StatusOK
	})
	return session, run
}
