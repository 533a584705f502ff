package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestARequestPastTheTimeoutIsCancelledUpstreamAndAnswered504(t *testing.T) {
	left := make(chan struct{}, 8)
	upstream := httpServer(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the server sees its client leave only behind the body
		<-r.Context().Done()
		left <- struct{}{}
	})
	s := start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+upstream, "LLM_TIMEOUT=60", "WORKER_TIMEOUT=1")
	began := time.Now()
	status, got := s.ask("POST", "/api/ai/process", request("chat", "hello", nil))
	if took := time.Since(began); status != 504 || took > 30*time.Second { // half of LLM_TIMEOUT, which would be a 504 too
		t.Errorf("got %d after %v: %v", status, took, got)
	}
	select {
	case <-left:
	case <-time.After(30 * time.Second):
		t.Error("the upstream call goes on")
	}
	if n := strings.Count(s.log.String(), "Worker timeout"); n != 0 {
		t.Errorf("%d workers were killed for it\n%s", n, s.log)
	}
}

func TestHUPReplacesWorkersUnderAnOpenStreamAndConnection(t *testing.T) {
	release := make(chan struct{})
	upstream := httpServer(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"done\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"))
	})
	s := start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+upstream)
	_, got := s.ask("POST", "/api/ai/process-stream", request("chat", "hello", nil))
	res, err := http.Get(s.url + got["stream_url"].(string))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	before := s.pids()
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.eventually("both workers are new", func() bool {
		return strings.Count(s.log.String(), "reason=reload") == 2 && strings.Count(s.log.String(), "Worker ready") == 4
	})
	close(release)
	var last string
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "data: ") {
			last = lines.Text()
		}
	}
	if !strings.Contains(last, `"type":"complete"`) {
		t.Errorf("the stream ended with %s\n%s", last, s.log)
	}
	for pid := range s.pids() {
		if before[pid] {
			t.Errorf("worker %d is still there", pid)
		}
	}
}

// pids are the ready workers' process ids.
func (s *service) pids() map[int]bool {
	pids := map[int]bool{}
	for _, w := range s.workers() {
		if w["state"] == "ready" {
			pids[int(w["pid"].(float64))] = true
		}
	}
	return pids
}

func TestWorkersAreRecycledAfterTheirRequestsAndNoneIsRefused(t *testing.T) {
	s := start(t, "MAX_REQUESTS=50", "MAX_REQUESTS_JITTER=5")
	for i := range 600 {
		if status, got := s.ask("GET", "/api/ai/stream-status", ""); status != 200 {
			t.Fatalf("request %d: %d %v\n%s", i, status, got, s.log)
		}
	}
	s.eventually("recycles are counted", func() bool {
		_, got := s.ask("GET", "/api/admin/metrics", "")
		return got["recycles"].(map[string]any)["max_requests"].(float64) >= 8
	})
	if !strings.Contains(s.log.String(), "reason=max_requests") || strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("log:\n%s", s.log)
	}
}

func TestTTINAndTTOUChangeTheNumberOfWorkers(t *testing.T) {
	s := start(t)
	for _, tt := range []struct {
		signal syscall.Signal
		want   int
	}{{syscall.SIGTTIN, 3}, {syscall.SIGTTOU, 2}, {syscall.SIGTTOU, 1}} {
		if err := s.cmd.Process.Signal(tt.signal); err != nil {
			t.Fatal(err)
		}
		s.eventually("the number of workers follows", func() bool { return len(s.workers()) == tt.want })
	}
}

func TestWithoutAFolderForTheScoreboardTheServiceSaysSoAndServes(t *testing.T) {
	s := start(t, "WORKER_TMP_DIR=/nowhere")
	if status, _ := s.ask("GET", "/readyz", ""); status != 200 || len(s.workers()) != 2 {
		t.Errorf("got %d with %d workers", status, len(s.workers()))
	}
	if !strings.Contains(s.log.String(), "WORKER_TMP_DIR is not writable: scoreboard uses an anonymous memory file") {
		t.Errorf("the log does not say so:\n%s", s.log)
	}
}

// TestReloadsUnderWriteLoadWarnOfNothing changes notes all the while: each change is told to every
// worker, to those that are leaving too.
func TestReloadsUnderWriteLoadWarnOfNothing(t *testing.T) {
	s := start(t)
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
			if res, err := http.Post(s.url+"/api/notes", "application/json", body); err == nil {
				_ = res.Body.Close()
			}
		}
	}()
	for reload := range 20 {
		s.signal(syscall.SIGHUP)
		s.eventually("both workers are replaced", func() bool { return strings.Count(s.log.String(), "Worker exiting") == 2*reload+2 })
	}
	close(stop)
	<-ended
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, "level=WARN") && !strings.Contains(line, "supervisor was stalled") { // that is the machine
			t.Error(line)
		}
	}
}
