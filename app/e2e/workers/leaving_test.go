package workers_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

// asking posts a chat on a goroutine; the client disconnects when ctx ends. The channel gets
// the status, or 0 if the client disconnected.
func asking(ctx context.Context, s *servicetest.Service) <-chan int {
	status := make(chan int, 1)
	go func() {
		body := strings.NewReader(servicetest.Request("chat", "What does a plant live on?", nil))
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/api/ai/agent-test", body)
		if err != nil {
			panic(err)
		}
		req.Header.Set("Content-Type", "application/json")
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := client.Do(req)
		if err != nil {
			status <- 0
			return
		}
		res.Body.Close()
		status <- res.StatusCode
	}()
	return status
}

func TestFault_L11_ClientThatLeavesCancelsTheModel(t *testing.T) {
	s, fake := servicetest.StartStudying(t, []fakellm.Rule{{Fault: fakellm.Hang}})
	for i := range 3 {
		ctx, leave := context.WithCancel(t.Context())
		status := asking(ctx, s)
		if _, err := fake.Await(t.Context(), func(c fakellm.Counts) bool { return c.Active == 1 }); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		leave()
		if counts, err := fake.Await(t.Context(), func(c fakellm.Counts) bool { return c.Cancelled == i+1 }); err != nil {
			t.Fatalf("the model still answers: %+v", counts)
		}
		t.Logf("the model was cancelled after %v", time.Since(began))
		<-status
	}
	if log := s.Log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the log says %s", log)
	}
}

func TestFault_L15_ClientThatLeavesTakesNoAnswerFromTheOthers(t *testing.T) {
	open := make(chan struct{})
	fake := fakellm.New(fakellm.Options{Answer: func(r fakellm.Request) string {
		<-open
		return fakellm.StudyAnswer(r)
	}})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, fake.ServeHTTP)+"/v1", "WEB_CONCURRENCY=1")
	active := func(n float64) func() bool {
		return func() bool {
			_, got := s.Ask("GET", "/api/admin/metrics", "")
			return got["runs"].(map[string]any)["active"] == n
		}
	}
	ctx, leave := context.WithCancelCause(t.Context())
	leader := asking(ctx, s)
	if _, err := fake.Await(t.Context(), func(c fakellm.Counts) bool { return c.Active == 1 }); err != nil {
		t.Fatal(err)
	}
	follower := asking(t.Context(), s)
	s.Eventually("both wait", active(2))
	leave(errors.New("has left"))
	<-leader
	s.Eventually("one is gone", active(1))
	close(open)
	if status := <-follower; status != http.StatusOK {
		t.Errorf("who stayed gets %d", status)
	}
	if n := fake.Counts(); n.Calls != 1 || n.Cancelled != 0 {
		t.Errorf("the model's counts are %+v", n)
	}
}
