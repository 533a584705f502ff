package workers_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
)

func TestARequestPastTheTimeoutIsCancelledUpstreamAndAnswered504(t *testing.T) {
	left := make(chan struct{}, 8)
	upstream := testkit.HTTPServer(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the server notices a disconnect only after the body
		<-r.Context().Done()
		left <- struct{}{}
	})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+upstream, "LLM_TIMEOUT=60", "WORKER_TIMEOUT=1")
	began := time.Now()
	status, got := s.Ask("POST", "/api/ai/process", servicetest.Request("chat", "hello", nil))
	if took := time.Since(began); status != 504 || took > 30*time.Second { // half of LLM_TIMEOUT, which would be a 504 too
		t.Errorf("got %d after %v: %v", status, took, got)
	}
	select {
	case <-left:
	case <-time.After(30 * time.Second):
		t.Error("the upstream call continues")
	}
	if n := strings.Count(s.Log.String(), "Worker timeout"); n != 0 {
		t.Errorf("%d workers were killed for it\n%s", n, s.Log)
	}
}

func TestHUPReplacesWorkersUnderAnOpenStreamAndConnection(t *testing.T) {
	release := make(chan struct{})
	upstream := testkit.HTTPServer(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"done\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"))
	})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+upstream)
	_, got := s.Ask("POST", "/api/ai/process-stream", servicetest.Request("chat", "hello", nil))
	res, err := http.Get(s.URL + got["stream_url"].(string))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	before := s.PIDs()
	if err := s.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.Eventually("both workers are new", func() bool {
		return strings.Count(s.Log.String(), "reason=reload") == 2 && strings.Count(s.Log.String(), "Worker ready") == 4
	})
	close(release)
	var last string
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "data: ") {
			last = lines.Text()
		}
	}
	if !strings.Contains(last, `"type":"complete"`) {
		t.Errorf("the stream ended with %s\n%s", last, s.Log)
	}
	for pid := range s.PIDs() {
		if before[pid] {
			t.Errorf("worker %d is still there", pid)
		}
	}
}

func TestWorkersAreRecycledAfterTheirRequestsAndNoneIsRefused(t *testing.T) {
	s := servicetest.Start(t, "MAX_REQUESTS=50", "MAX_REQUESTS_JITTER=5", "MIN_WORKER_AGE=0")
	for i := range 600 {
		if status, got := s.Ask("GET", "/api/ai/stream-status", ""); status != 200 {
			t.Fatalf("request %d: %d %v\n%s", i, status, got, s.Log)
		}
	}
	s.Eventually("recycles are counted", func() bool {
		_, got := s.Ask("GET", "/api/admin/metrics", "")
		return got["recycles"].(map[string]any)["max_requests"].(float64) >= 8
	})
	if !strings.Contains(s.Log.String(), "reason=max_requests") || strings.Contains(s.Log.String(), "level=ERROR") {
		t.Errorf("log:\n%s", s.Log)
	}
}

func TestTTINAndTTOUChangeTheNumberOfWorkers(t *testing.T) {
	s := servicetest.Start(t)
	for _, tt := range []struct {
		signal syscall.Signal
		want   int
	}{{syscall.SIGTTIN, 3}, {syscall.SIGTTOU, 2}, {syscall.SIGTTOU, 1}} {
		if err := s.Cmd.Process.Signal(tt.signal); err != nil {
			t.Fatal(err)
		}
		s.Eventually("the number of workers follows", func() bool { return len(s.Workers()) == tt.want })
	}
}

func TestWithoutAFolderForTheScoreboardTheServiceSaysSoAndServes(t *testing.T) {
	s := servicetest.Start(t, "WORKER_TMP_DIR=/nowhere")
	if status, _ := s.Ask("GET", "/readyz", ""); status != 200 || len(s.Workers()) != 2 {
		t.Errorf("got %d with %d workers", status, len(s.Workers()))
	}
	if !strings.Contains(s.Log.String(), "WORKER_TMP_DIR is not writable: scoreboard uses an anonymous memory file") {
		t.Errorf("the log does not say so:\n%s", s.Log)
	}
}

// TestReloadsUnderWriteLoadWarnOfNothing changes notes continuously: each change is announced to
// every worker, including workers that are leaving.
func TestReloadsUnderWriteLoadWarnOfNothing(t *testing.T) {
	s := servicetest.Start(t)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			body := strings.NewReader(fmt.Sprintf(`{"user_id":"u%d","title":"t","content":"Light is a kind of radiation."}`, i%200))
			if res, err := http.Post(s.URL+"/api/notes", "application/json", body); err == nil {
				_ = res.Body.Close()
			}
		}
	}()
	for reload := range 20 {
		s.Signal(syscall.SIGHUP)
		s.Eventually("both workers are replaced", func() bool { return strings.Count(s.Log.String(), "Worker exiting") == 2*reload+2 })
	}
	close(stop)
	<-ended
	for line := range strings.Lines(s.Log.String()) {
		if strings.Contains(line, "level=WARN") && !strings.Contains(line, "supervisor was stalled") { // caused by the machine
			t.Error(line)
		}
	}
}
