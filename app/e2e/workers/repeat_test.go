package workers_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
)

const (
	oneToken = "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"Light is a wave. \"}}]}\n\n"
	theRest  = "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"It is also a particle.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
)

// killed starts a run, kills the worker that executes it once ready returns true, and
// returns what a watcher on another worker received.
func killed(t *testing.T, s *servicetest.Service, ready func() bool) []map[string]any {
	t.Helper()
	_, got := s.Ask("POST", "/api/ai/process-stream", servicetest.Request("chat", "canary-prompt", nil))
	var running int
	s.Eventually("the log names the worker that runs it", func() bool {
		_, rest, _ := strings.Cut(s.Log.String(), "msg=request worker=")
		_, err := fmt.Sscan(rest, &running)
		return err == nil
	})
	seen := make(chan []map[string]any, 64)
	watching := func() (elsewhere int) {
		for _, w := range s.Workers() {
			if int(w["pid"].(float64)) != running {
				elsewhere += int(w["streams"].(float64))
			}
		}
		return elsewhere
	}
	s.Eventually("a stream is open on the other worker", func() bool {
		if len(seen) < cap(seen) && watching() == 0 {
			go func() { seen <- s.Watch(got["stream_url"].(string)) }()
		}
		return watching() > 0
	})
	s.Eventually("it is time to kill", ready)
	if err := syscall.Kill(running, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var events []map[string]any
	s.Eventually("a watcher comes to the end", func() bool {
		select {
		case events = <-seen:
			return len(events) > 0 && terminal(events[len(events)-1])
		default:
			return false
		}
	})
	if strings.Contains(s.Log.String(), "canary") {
		t.Errorf("a prompt is in the log:\n%s", s.Log)
	}
	return events
}

func terminal(e map[string]any) bool { return e["type"] == "complete" || e["type"] == "error" }

// checkStory checks that events belong to one run: one start, one end, no gap.
func checkStory(t *testing.T, events []map[string]any) {
	t.Helper()
	starts, ends := 0, 0
	for i, e := range events {
		if e["type"] == "start" {
			starts++
		}
		if terminal(e) {
			ends++
		}
		if e["seq"] != float64(i+1) {
			t.Errorf("event %d has seq %v", i+1, e["seq"])
		}
	}
	if starts != 1 || ends != 1 || events[0]["type"] != "start" {
		t.Errorf("%d starts and %d ends: %v", starts, ends, events)
	}
}

// hangsOnce is an upstream that never answers its first call.
func hangsOnce(t *testing.T) (url string, calls *atomic.Int64) {
	calls = &atomic.Int64{}
	return testkit.HTTPServer(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(oneToken + theRest))
	}), calls
}

func TestARunWhoseOnlyWorkerIsKilledIsMadeAgainByItsSuccessor(t *testing.T) {
	upstream, calls := hangsOnce(t)
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+upstream, "LLM_TIMEOUT=30", "GRACEFUL_TIMEOUT=0", "WEB_CONCURRENCY=1", "MAX_CONCURRENT_RUNS=1")
	_, got := s.Ask("POST", "/api/ai/process-stream", servicetest.Request("chat", "canary-prompt", nil))
	s.Eventually("the model is asked", func() bool { return calls.Load() == 1 })
	for pid := range s.PIDs() {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	events := s.Watch(got["stream_url"].(string)) // waits in the socket's backlog for the successor
	checkStory(t, events)
	if last := events[len(events)-1]; last["type"] != "complete" || calls.Load() != 2 || strings.Contains(s.Log.String(), "canary") {
		t.Errorf("%d upstream calls, the end is %v\n%s", calls.Load(), last, s.Log)
	}
}

func TestARunWhoseWorkerIsKilledIsMadeAgainOnTheOther(t *testing.T) {
	upstream, calls := hangsOnce(t)
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+upstream, "LLM_TIMEOUT=30", "GRACEFUL_TIMEOUT=0")
	events := killed(t, s, func() bool { return calls.Load() == 1 })
	checkStory(t, events)
	last := events[len(events)-1]
	if last["type"] != "complete" || !strings.Contains(fmt.Sprint(last["data"]), "particle") || calls.Load() != 2 {
		t.Errorf("%d upstream calls, the end is %v\n%s", calls.Load(), last, s.Log)
	}
	if !strings.Contains(s.Log.String(), "rerunning a request") {
		t.Errorf("the log does not say so:\n%s", s.Log)
	}
	s.Eventually("the journals have no run open", func() bool {
		_, got := s.Ask("GET", "/api/admin/metrics", "")
		runs := got["runs"].(map[string]any)
		return runs["active"] == 0.0 && runs["completed"] == 1.0
	})
}

func TestAWatcherOfAKilledWorkersRunIsToldSo(t *testing.T) {
	var calls atomic.Int64
	upstream := testkit.HTTPServer(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(oneToken))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+upstream, "LLM_TIMEOUT=30", "GRACEFUL_TIMEOUT=0")
	events := killed(t, s, func() bool {
		_, got := s.Ask("GET", "/api/admin/metrics", "")
		return got["sse"].(map[string]any)["queued_events"].(float64) > 4 // start, three steps, a token
	})
	checkStory(t, events)
	if last := events[len(events)-1]; last["type"] != "error" || last["retryable"] != true || calls.Load() != 1 {
		t.Errorf("%d upstream calls, the end is %v\n%s", calls.Load(), last, s.Log)
	}
}
