package container

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"studysharper/integration/harness"
)

const (
	imageBound = 64_000_000
	readyGoal  = time.Second
)

func TestImageIsSmall(t *testing.T) {
	var size int64
	if _, err := fmt.Sscan(harness.Docker(t, "image", "inspect", "--format", "{{.Size}}", harness.Image), &size); err != nil {
		t.Fatal(err)
	}
	harness.Figure("image size", harness.Megabytes(size), "≤ "+harness.Megabytes(imageBound))
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
	harness.Figure("docker run to first 200 on /readyz, best", harness.Seconds(took[0]), "goal "+harness.Seconds(readyGoal))
	harness.Figure(fmt.Sprintf("docker run to first 200 on /readyz, median of %d", len(took)), harness.Seconds(took[len(took)/2]), "")
}

func timeToReady(t *testing.T) time.Duration {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
	began := time.Now()
	id := harness.Docker(t, "run", "--detach", "--label", harness.SessionLabel+"="+harness.Session, "--publish", address+":8000",
		"--memory", "512m", "--memory-swap", "512m", "--read-only", "--cap-drop", "ALL", harness.Image)
	defer harness.Docker(t, "rm", "--force", "--volumes", id)
	if err := harness.AwaitReady("http://"+address, harness.ReadyWithin); err != nil {
		t.Fatalf("%v\n%s", err, harness.Docker(t, "logs", id))
	}
	return time.Since(began)
}
