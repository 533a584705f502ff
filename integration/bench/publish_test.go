package bench

import (
	"net/http"
	"testing"

	"studysharper/integration/harness"
)

// publication is a request to the publishing build (app/httpapi/publish.go).
type publication struct {
	Sessions []string `json:"sessions"`
	Events   int      `json:"events"`
	EveryMS  int      `json:"every_ms"`
	StartMS  int      `json:"start_ms"`
	Burst    bool     `json:"burst"`
	Pad      int      `json:"pad"`
	Owner    string   `json:"owner"`
}

// publish makes the workers publish, each for its share of the sessions.
func publish(h *harness.Instance, b *bench, p publication) {
	b.Helper()
	lines := h.ConnsPerWorker(b.T, 1)
	half := (len(p.Sessions) + 1) / 2
	sessions := p.Sessions
	for i, worker := range h.Workers {
		p.Owner, p.Sessions = "bench", sessions[min(i*half, len(sessions)):min((i+1)*half, len(sessions))]
		if len(p.Sessions) > 0 {
			publishOn(lines[worker][0], b.T, p)
		}
	}
}

func publishOn(l *harness.Conn, t *testing.T, p publication) {
	t.Helper()
	status, text, err := l.Do(http.MethodPost, "/debug/publish", p)
	if err != nil || status != http.StatusOK {
		t.Fatalf("POST /debug/publish: status %d, %v: %s", status, err, text)
	}
}
