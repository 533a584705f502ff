package integration

import (
	"net/http"
	"sync"
	"testing"
)

// faultTag is the build tag of workers that fail on demand, in ways that no request of the service can make them.
const faultTag = "faulttest"

// faultRoutes are how they are told to, all by POST.
var faultRoutes = []string{
	"/debug/leak", "/debug/allocate", "/debug/panic", "/debug/panic-goroutine", "/debug/panic-stream", "/debug/overflow",
	"/debug/deadlock", "/debug/spin", "/debug/orphan",
}

var buildFaultImage = sync.OnceValue(func() error { return buildImage(imageTag+"-"+faultTag, faultTag) })

// faultImage is the image of such workers, built when it is first asked for.
func faultImage(t *testing.T) string {
	t.Helper()
	if err := buildFaultImage(); err != nil {
		t.Fatal(err)
	}
	return imageRepo + ":" + imageTag + "-" + faultTag
}

func TestTheServiceAsItIsDeployedFailsOnNobodysDemand(t *testing.T) {
	s := startImage(t, image, "", map[string]string{"FAULT_BOOT": "exit 1-9"})
	for _, route := range faultRoutes {
		if got, err := s.send(http.MethodPost, route, nil); err != nil || got.status != http.StatusNotFound {
			t.Errorf("POST %s: status %d, %v", route, got.status, err)
		}
	}
}
