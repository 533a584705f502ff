package integration

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

const (
	imageBound = 25_000_000
	readyBound = time.Second
)

func TestImageIsSmall(t *testing.T) {
	var size int64
	if _, err := fmt.Sscan(docker(t, "image", "inspect", "--format", "{{.Size}}", image), &size); err != nil {
		t.Fatal(err)
	}
	figure("image size", megabytes(size), "≤ "+megabytes(imageBound))
	if size > imageBound {
		t.Errorf("the image has %d bytes, want at most %d", size, imageBound)
	}
}

// The best run is held to the bound, and a machine that is busy with something else gets a few runs more: a service
// that is slow to start is slow every time.
func TestServiceIsReadyWithinASecondOfDockerRun(t *testing.T) {
	const runs, atMost = 3, 10
	var took []time.Duration
	for len(took) < runs || slices.Min(took) > readyBound && len(took) < atMost {
		took = append(took, timeToReady(t))
	}
	slices.Sort(took)
	figure("docker run to first 200 on /readyz, best", seconds(took[0]), "≤ "+seconds(readyBound))
	figure(fmt.Sprintf("docker run to first 200 on /readyz, median of %d", len(took)), seconds(took[len(took)/2]), "")
	if took[0] > readyBound {
		t.Errorf("ready after %v, want at most %v at best", took, readyBound)
	}
}

func timeToReady(t *testing.T) time.Duration {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	ctx, cancel := context.WithTimeout(t.Context(), readyWithin)
	defer cancel()
	began := time.Now()
	id := docker(t, "run", "--detach", "--label", sessionLabel+"="+session, "--publish", address+":8000",
		"--memory", "512m", "--memory-swap", "512m", "--read-only", "--cap-drop", "ALL", image)
	defer docker(t, "rm", "--force", "--volumes", id)
	if err := awaitReady(ctx, "http://"+address); err != nil {
		t.Fatalf("%v\n%s", err, docker(t, "logs", id))
	}
	return time.Since(began)
}
