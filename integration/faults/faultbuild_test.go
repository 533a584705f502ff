package faults

import (
	"net/http"
	"testing"

	"studysharper/integration/harness"
)

// faultRoutes are the POST endpoints that make workers fail.
var faultRoutes = []string{
	"/debug/leak", "/debug/allocate", "/debug/panic", "/debug/panic-goroutine", "/debug/panic-stream", "/debug/overflow",
	"/debug/deadlock", "/debug/spin", "/debug/orphan",
}

func TestTheServiceAsItIsDeployedFailsOnNobodysDemand(t *testing.T) {
	s := harness.StartImage(t, harness.Image, "", map[string]string{"FAULT_BOOT": "exit 1-9"})
	for _, route := range faultRoutes {
		if got, err := s.Send(http.MethodPost, route, nil); err != nil || got.Status != http.StatusNotFound {
			t.Errorf("POST %s: status %d, %v", route, got.Status, err)
		}
	}
}
