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
	readyGoal  = time.Second
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

// The time is a figure of the report: a busy machine takes longer.
func TestServiceIsReadyAfterDockerRun(t *testing.T) {
	const runs = 3
	var took []time.Duration
	for range runs {
		took = append(took, timeToReady(t))
	}
	slices.Sort(took)
	figure("docker run to first 200 on /readyz, best", seconds(took[0]), "goal "+seconds(readyGoal))
	figure(fmt.Sprintf("docker run to first 200 on /readyz, median of %d", len(took)), seconds(took[len(took)/2]), "")
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
