package faults

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

const (
	modelKey     = "canary-of-the-models-key"
	studentWords = "canary-of-what-a-student-asks"
	modelTimeout = 3 * time.Second // for one answer of the model, retries included
	modelMemory  = 128 << 20       // that the container may use, whatever the model sends; a quarter of its limit
)

// scriptedModel is a service with a model that misbehaves as scripted. The model quotes the key and the prompt in every
// error.
type scriptedModel struct {
	*harness.Instance
	i        *incident
	upstream *fakellm.Server
}

// startScriptedModel starts a service and its model.
func (i *incident) startScriptedModel(rules ...fakellm.Rule) *scriptedModel {
	i.Helper()
	upstream := fakellm.New(fakellm.Options{Rules: rules})
	return &scriptedModel{Instance: i.startInstance(upstreamSettings(i.serveUpstream(upstream) + "/v1")), i: i, upstream: upstream}
}

// serveUpstream starts a server, which is closed at the end of the test, and returns its address.
func (i *incident) serveUpstream(handler http.Handler) string {
	server := httptest.NewServer(handler)
	i.Cleanup(server.Close)
	return server.URL
}

// upstreamSettings returns the settings of a service with a model at an address.
func upstreamSettings(url string) map[string]string {
	return map[string]string{"LLM_API_KEY": modelKey, "LLM_BASE_URL": url, "LLM_TIMEOUT": modelTimeout.String()}
}

// startInstance starts a service that logs everything and limits no client.
func (i *incident) startInstance(settings map[string]string) *harness.Instance {
	i.Helper()
	all := map[string]string{"LOG_LEVEL": "debug", "RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0"}
	maps.Copy(all, settings)
	return harness.StartInstance(i.T, harness.Image, all)
}

// chat returns a request that was not made before; the model streams its answer.
func chat(n int) map[string]any {
	return map[string]any{"type": "chat", "user_id": "student", "message": fmt.Sprintf("%s: what is light? (%d)", studentWords, n)}
}

// flashcards returns a request that the model answers in one piece.
func flashcards(n int) map[string]any {
	const text = "Chlorophyll absorbs blue light. Carotene absorbs violet light. Stomata let carbon dioxide in. "
	return map[string]any{"type": "flashcard_generation", "user_id": "student", "message": fmt.Sprintf("%s: cards, please (%d)", studentWords, n),
		"options": map[string]any{"count": 2, "content": text + studentWords}}
}

func askChat(s *harness.Service, n int) (harness.Answer, error) {
	return askOnce(s, http.MethodPost, harness.ChatURL, chat(n))
}

// state returns the service's status as reported by the worker that answers.
func (m *scriptedModel) state() string {
	got, err := askOnce(m.Instance.Service, http.MethodGet, "/health", nil)
	var health struct{ Status string }
	if err == nil {
		err = json.Unmarshal(got.Body, &health)
	}
	if err != nil {
		return err.Error()
	}
	return health.Status
}

// recover ends a model's fault: from now on it answers.
func (m *scriptedModel) recover() {
	m.i.Helper()
	if err := m.upstream.SetRules(); err != nil {
		m.i.Fatal(err)
	}
	over := time.Now()
	m.i.recoveredAfter(m.i.awaitHealthy(func(n int) (harness.Answer, error) { return askChat(m.Instance.Service, 1_000+n) }).Sub(over))
}

// wantNoHarm checks that the log contains no secret, that no worker was lost, and that memory stayed within its limit.
func (m *scriptedModel) wantNoHarm() {
	m.i.Helper()
	m.i.wantAbsent("the log", harness.LogsOf(m.DockerContainer), modelKey, studentWords)
	if now := m.WorkersNow(m.i.T); !slices.Equal(now, m.Workers) {
		m.i.Errorf("the workers were %v and are %v", m.Workers, now)
	}
	r, err := m.Group.Read()
	if err != nil {
		m.i.Fatal(err)
	}
	if r.OomKills > 0 || r.Peak > modelMemory {
		m.i.Errorf("%d OOM kills, at most %s held", r.OomKills, harness.Megabytes(r.Peak))
	}
	m.i.note("at most %s held", harness.Megabytes(r.Peak))
}
