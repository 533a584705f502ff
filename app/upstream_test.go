package main

import (
	"net/http"
	"testing"

	"studysharper/loadtest/fakellm"
)

func TestFault_L13_HealthTellsOfAnUpstreamThatIsDownAndServesOn(t *testing.T) {
	fake := fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{Fault: fakellm.Status, Status: 503}}})
	s := start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+httpServer(t, fake.ServeHTTP)+"/v1", "WEB_CONCURRENCY=1")
	health := func() (status, llm any) {
		code, got := s.ask("GET", "/health", "")
		if code != http.StatusOK {
			t.Fatalf("health: %d %v", code, got)
		}
		return got["status"], got["components"].(map[string]any)["llm"]
	}
	if status, llm := health(); status != "healthy" || llm != "openai" {
		t.Errorf("before: %v, llm %v", status, llm)
	}
	s.eventually("the breaker opens", func() bool {
		if code, got := s.ask("POST", "/api/ai/agent-test", request("chat", "What does a plant live on?", nil)); code != http.StatusServiceUnavailable {
			t.Fatalf("%d %v", code, got)
		}
		status, llm := health()
		return status == "degraded" && llm == "degraded"
	})
	if code, got := s.ask("GET", "/readyz", ""); code != http.StatusOK {
		t.Errorf("readyz: %d %v", code, got)
	}
	_, got := s.ask("GET", "/api/admin/metrics", "")
	if open := got["llm"].(map[string]any)["open_breakers"]; open != 1.0 {
		t.Errorf("metrics count %v open breakers", open)
	}
	fake.Reset()
	s.eventually("the breaker closes", func() bool {
		_, _ = s.ask("POST", "/api/ai/agent-test", request("chat", "What does a plant live on?", nil))
		status, llm := health()
		return status == "healthy" && llm == "openai"
	})
}
