package cluster_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/store/postgrestest"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
	"studysharper/loadtest/fakellm"
)

const (
	answerWords = 24 // words in the model's answer, eight per second
	endWithin   = 15 * time.Second
	watchFor    = 90 * time.Second
)

// outage is something that happens to Redis while runs are in progress.
type outage struct {
	name  string
	start func(t *testing.T, redis *redistest.Server) // before the instances start; nil = nothing
	begin func(t *testing.T, redis *redistest.Server) // when half of the runs have started; nil = nothing
	end   func(t *testing.T, redis *redistest.Server) // 3 s later; nil = it lasts
}

var outages = []outage{
	{name: "killed", begin: kill, end: func(t *testing.T, r *redistest.Server) { r.Resume(t) }},
	{name: "frozen", begin: freeze, end: func(t *testing.T, r *redistest.Server) { r.Thaw(t) }},
	{name: "frozen for good", begin: freeze},
	{name: "full for good", begin: fill},
	{name: "gone for good", begin: kill},
	{name: "absent", start: kill},
}

func kill(_ *testing.T, r *redistest.Server) { r.Kill() }

func freeze(t *testing.T, r *redistest.Server) { r.Freeze(t) }

// fill makes Redis refuse every write.
func fill(t *testing.T, r *redistest.Server) {
	if err := r.Client(t).ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Error(err)
	}
}

// figures counts what readers received.
type figures struct {
	sync.Mutex
	streams, silent, doubled, late, failed, looping, gaps int
	slowest                                               time.Duration
}

func (f *figures) add(t *testing.T, s *servicetest.Service, run string, got *servicetest.Follower) {
	var status map[string]any
	var ended time.Time
	var err error
	tries := 0
	testkit.Poll(func() bool { // an answer that a busy database could not store at once is sent, and stored later
		tries++
		_, status = s.Ask("GET", "/api/ai/runs/"+run+"?user_id=student", "")
		ended, err = time.Parse(time.RFC3339Nano, fmt.Sprint(status["ended_at"]))
		return err == nil
	})
	if tries > 1 {
		t.Logf("run %s: its end was recorded after its reader had it: %.300s", run, got.Last)
	}
	f.Lock()
	defer f.Unlock()
	f.streams++
	if got.Doubled > 0 {
		f.doubled++
	}
	if got.Lost > 0 {
		f.gaps++
	}
	if !got.Stopped || got.Again > 0 {
		f.looping++
	}
	switch {
	case !got.Ended:
		f.silent++
		t.Logf("run %s, %v: not ended: %v", run, status["state"], got)
	case !got.Answered(fmt.Sprintf("fact%d", answerWords)):
		f.failed++
		t.Logf("run %s, %v: %q", run, status["state"], got.Failure)
	case err != nil:
		t.Errorf("run %s has no end: %v", run, status)
	default:
		took := got.EndedAt.Sub(ended)
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
		t.Run(o.name, func(t *testing.T) {
			for _, recycling := range []string{"0", "15"} {
				t.Run("recycling after "+recycling, func(t *testing.T) {
					t.Parallel() // they wait for the model and for Redis
					redis := redistest.Start(t, "--maxmemory-policy", "noeviction")
					if o.start != nil {
						o.start(t, redis)
					}
					env := []string{"REDIS_URL=" + redis.URL(), "DATABASE_URL=" + postgres.Database(t), "LLM_API_KEY=k", "LLM_BASE_URL=" + model, "LLM_JUDGE=off",
						"MAX_REQUESTS=" + recycling, "MIN_WORKER_AGE=0", "MAX_CONCURRENT_RUNS=500", "RUN_LIMIT_PER_MINUTE=0", "RUN_LIMIT_PER_HOUR=0"}
					c := &crowd{T: t, outage: o, redis: redis, a: servicetest.Start(t, env...), b: servicetest.Start(t, env...)}
					if recycling == "0" {
						c.same, c.other = c.a.Pair()
					}
					c.check(runs)
				})
			}
		})
	}
}

// crowd is students on two instances during an outage.
type crowd struct {
	*testing.T
	outage
	redis       *redistest.Server
	a, b        *servicetest.Service
	same, other int // the workers of a; 0 = they are recycled, so a run and its reader may meet either of them
}

// check checks that every stream ends with its answer.
func (c *crowd) check(runs int) {
	c.Helper()
	f := c.study(runs)
	c.Logf("%d streams: %d silent, %d doubled, %d late, %d without the answer, %d not told to stop, %d with a gap; the slowest %v after its run's end",
		f.streams, f.silent, f.doubled, f.late, f.failed, f.looping, f.gaps, f.slowest.Round(time.Millisecond))
	if f.silent+f.doubled+f.late+f.failed+f.looping > 0 || f.streams != runs {
		c.Errorf("want every stream to end within %v of its run, with the answer and nothing twice", endWithin)
	}
}

// study starts runs at one worker of a, one every 50 ms. A third of them are watched at the same worker, a third at the
// other one, and a third at b.
func (c *crowd) study(runs int) *figures {
	var all sync.WaitGroup
	defer all.Wait()
	f := &figures{}
	for n := range runs {
		if n == runs/2 && c.begin != nil {
			c.begin(c.T, c.redis)
			if c.end != nil {
				all.Go(func() { testkit.Pause(3 * time.Second); c.end(c.T, c.redis) })
			}
		}
		session, run := post(c.a, c.same)
		at, worker := c.a, []int{c.same, c.other, 0}[n%3]
		if n%3 == 2 {
			at = c.b
		}
		conn := at.Dial(worker)
		all.Go(func() {
			f.add(c.T, c.a, run, servicetest.Follow(at.Address(), "/api/ai/stream/"+session, conn, watchFor))
		})
		testkit.Pause(50 * time.Millisecond)
	}
	all.Wait()
	return f
}

// post starts a run at a worker (0 = either); a database that is slow on a busy machine may refuse it for a moment.
func post(s *servicetest.Service, worker int) (session, run string) {
	s.Eventually("a run begins", func() bool {
		body := servicetest.Request("chat", "Tell me all about run "+uuid.NewString(), nil)
		status, got := s.Exchange(worker, "POST", "/api/ai/process-stream", body)
		session, _ = got["session_id"].(string)
		run, _ = got["run_id"].(string)
		return status == http.StatusOK
	})
	return session, run
}
