package integration

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"studysharper/loadtest/fakellm"
)

const (
	modelKey     = "canary-of-the-models-key"
	studentWords = "canary-of-what-a-student-asks"
	modelTimeout = 3 * time.Second // for one answer of the model, retries included
	modelMemory  = 128 << 20       // that the container may come to hold, whatever the model sends; a quarter of what it has
)

// moody is a service whose model misbehaves on cue. The model quotes key and prompt in every error.
type moody struct {
	*hosted
	i        *incident
	upstream *fakellm.Server
}

// withModel starts a service and its model.
func (i *incident) withModel(rules ...fakellm.Rule) *moody {
	i.Helper()
	upstream := fakellm.New(fakellm.Options{Rules: rules})
	return &moody{hosted: i.hostedWith(modelAt(i.serving(upstream) + "/v1")), i: i, upstream: upstream}
}

// serving gives the address of a server that is closed with the test.
func (i *incident) serving(handler http.Handler) string {
	server := httptest.NewServer(handler)
	i.Cleanup(server.Close)
	return server.URL
}

// modelAt is the settings of a service with a model at an address.
func modelAt(url string) map[string]string {
	return map[string]string{"LLM_API_KEY": modelKey, "LLM_BASE_URL": url, "LLM_TIMEOUT": modelTimeout.String()}
}

// hostedWith starts a service that tells the whole of its log and limits nobody.
func (i *incident) hostedWith(settings map[string]string) *hosted {
	i.Helper()
	all := map[string]string{"LOG_LEVEL": "debug", "RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0"}
	maps.Copy(all, settings)
	return startOnHost(i.T, image, all)
}

// chat is a request that was not made before; its answer is streamed by the model.
func chat(n int) map[string]any {
	return map[string]any{"type": "chat", "user_id": "student", "message": fmt.Sprintf("%s: what is light? (%d)", studentWords, n)}
}

// someCards is a request whose answer the model gives in one piece.
func someCards(n int) map[string]any {
	const text = "Chlorophyll absorbs blue light. Carotene absorbs violet light. Stomata let carbon dioxide in. "
	return map[string]any{"type": "flashcard_generation", "user_id": "student", "message": fmt.Sprintf("%s: cards, please (%d)", studentWords, n),
		"options": map[string]any{"count": 2, "content": text + studentWords}}
}

func (s *service) chat(n int) (answer, error) { return s.ask(http.MethodPost, chatURL, chat(n)) }

// state is what one of the workers, whichever is asked, says of the whole.
func (m *moody) state() string {
	got, err := m.ask(http.MethodGet, "/health", nil)
	var health struct{ Status string }
	if err == nil {
		err = json.Unmarshal(got.body, &health)
	}
	if err != nil {
		return err.Error()
	}
	return health.Status
}

// well is the end of a model's fault: from now on it answers.
func (m *moody) well() {
	m.i.Helper()
	if err := m.upstream.SetRules(); err != nil {
		m.i.Fatal(err)
	}
	over := time.Now()
	m.i.well(m.i.healed(func(n int) (answer, error) { return m.chat(1_000 + n) }).Sub(over))
}

// wantNoHarm checks that the log tells nothing, that no worker was lost, and that memory stayed within its bound.
func (m *moody) wantNoHarm() {
	m.i.Helper()
	m.i.wantSilence("the log", logs(m.DockerContainer), modelKey, studentWords)
	if now := m.workersNow(m.i.T); !slices.Equal(now, m.workers) {
		m.i.Errorf("the workers were %v and are %v", m.workers, now)
	}
	r, err := m.group.read()
	if err != nil {
		m.i.Fatal(err)
	}
	if r.oomKills > 0 || r.peak > modelMemory {
		m.i.Errorf("%d OOM kills, at most %s held", r.oomKills, megabytes(r.peak))
	}
	m.i.note("at most %s held", megabytes(r.peak))
}
