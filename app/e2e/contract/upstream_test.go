package contract_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

func TestFault_L13_HealthTellsOfAnUpstreamThatIsDownAndServesOn(t *testing.T) {
	fake := fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{Fault: fakellm.Status, Status: 503}}})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, fake.ServeHTTP)+"/v1", "WEB_CONCURRENCY=1")
	health := func() (status, llm any) {
		code, got := s.Ask("GET", "/health", "")
		if code != http.StatusOK {
			t.Fatalf("health: %d %v", code, got)
		}
		return got["status"], got["components"].(map[string]any)["llm"]
	}
	if status, llm := health(); status != "healthy" || llm != "openai" {
		t.Errorf("before: %v, llm %v", status, llm)
	}
	s.Eventually("the breaker opens", func() bool {
		if code, got := s.Ask("POST", "/api/ai/agent-test", servicetest.Request("chat", "What does a plant live on?", nil)); code != http.StatusServiceUnavailable {
			t.Fatalf("%d %v", code, got)
		}
		status, llm := health()
		return status == "degraded" && llm == "degraded"
	})
	if code, got := s.Ask("GET", "/readyz", ""); code != http.StatusOK {
		t.Errorf("readyz: %d %v", code, got)
	}
	_, got := s.Ask("GET", "/api/admin/metrics", "")
	if open := got["llm"].(map[string]any)["open_breakers"]; open != 1.0 {
		t.Errorf("metrics count %v open breakers", open)
	}
	fake.Reset()
	s.Eventually("the breaker closes", func() bool {
		_, _ = s.Ask("POST", "/api/ai/agent-test", servicetest.Request("chat", "What does a plant live on?", nil))
		status, llm := health()
		return status == "healthy" && llm == "openai"
	})
}

func TestFault_L2_LongWaitIsPassedOnToTheClientAtOnce(t *testing.T) {
	fake := fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{Fault: fakellm.Status, Status: 429, RetryAfter: "40"}}})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, fake.ServeHTTP)+"/v1", "WEB_CONCURRENCY=1")
	for range 2 { // the second is refused by the breaker
		res, err := http.Post(s.URL+"/api/ai/agent-test", "application/json", strings.NewReader(servicetest.Request("chat", "What does a plant live on?", nil)))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		err = json.NewDecoder(res.Body).Decode(&got)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if wait, _ := strconv.Atoi(res.Header.Get("Retry-After")); res.StatusCode != http.StatusServiceUnavailable || got["code"] != "rate_limited" || wait < 39 || wait > 41 {
			t.Errorf("%d, Retry-After %d, %v", res.StatusCode, wait, got)
		}
	}
	session, _ := s.Post(0, "")
	all := s.Open(0, session).End()
	if last := all[len(all)-1]; last.Type != "error" || last.Code != "rate_limited" || !last.Retryable || last.Wait < 39 || last.Wait > 41 {
		t.Errorf("the stream ends with %+v", last)
	}
	if n := fake.Counts().Calls; n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestFault_L2_ShortWaitIsToldInTheStream(t *testing.T) {
	s, _ := servicetest.StartStudying(t, []fakellm.Rule{{Times: 1, Fault: fakellm.Status, Status: 429, RetryAfter: "0.5"}})
	session, _ := s.Post(0, "")
	all := s.Open(0, session).End()
	told := slices.ContainsFunc(all, func(e servicetest.Event) bool {
		return e.Type == "progress" && e.Data.Message == "The AI service asks us to wait 1 s"
	})
	if last := all[len(all)-1]; !told || last.Type != "complete" {
		t.Errorf("told %v, ends with %+v", told, last)
	}
}

func TestABaseURLAloneIsAModelWithoutAKey(t *testing.T) {
	keys := make(chan []string, 9)
	upstream := testkit.HTTPServer(t, func(w http.ResponseWriter, r *http.Request) {
		keys <- append(r.Header.Values("Authorization"), r.Header.Values("Api-Key")...)
		_, _ = w.Write([]byte(`{"model":"m","choices":[{"message":{"role":"assistant","content":"from the model"},"finish_reason":"stop"}]}`))
	})
	s := servicetest.Start(t, "LLM_BASE_URL="+upstream, "LLM_MODEL=m")
	status, got := s.Ask("POST", "/api/ai/process", servicetest.Request("chat", "hello", nil))
	if status != 200 || got["model_used"] != "m" {
		t.Errorf("%d %v", status, got)
	}
	if given := <-keys; len(given) > 0 {
		t.Errorf("the model's API was given %q", given)
	}
	if _, health := s.Ask("GET", "/health", ""); health["components"].(map[string]any)["llm"] != "openai" {
		t.Errorf("health says %v", health["components"])
	}
}
