package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	imageBound = 25_000_000
	readyBound = time.Second
	idleBound  = 24_000_000
	loadBound  = 48_000_000
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

func TestIdleServiceHoldsLittleMemory(t *testing.T) {
	s := start(t, "")
	group := findCgroup(t, s.GetContainerID())
	const settle = 20 * time.Second // the figure is defined as so long after the start
	watch := sample(t, group)
	select {
	case <-t.Context().Done():
		t.Fatal("ended early")
	case <-time.After(settle):
	}
	peak, now := watch.end(t)
	figure("memory, idle 20 s after start", megabytes(now.held()), "≤ "+megabytes(idleBound))
	figure("memory, peak of start and 20 s idle", megabytes(peak), "")
	if now.held() > idleBound {
		t.Errorf("idle at %d bytes, want at most %d", now.held(), idleBound)
	}
	if now.oomKills != 0 {
		t.Errorf("%d OOM kills", now.oomKills)
	}
	own := s.metrics(t).Memory
	if difference := own.ContainerBytes - now.held(); difference < -4e6 || difference > 4e6 {
		t.Errorf("the service says it holds %d bytes, the host says %d", own.ContainerBytes, now.held())
	}
	if own.LimitBytes != memory {
		t.Errorf("the service says its limit is %d bytes, want %d", own.LimitBytes, memory)
	}
}

func TestSeedLoadSucceedsInLittleMemory(t *testing.T) {
	const requests = 50
	notes(t)
	s := start(t, "")
	before := s.metrics(t).pids()
	watch := sample(t, findCgroup(t, s.GetContainerID()))
	result := seedLoad(t, s.url)
	peak, now := watch.end(t)

	figure("seed's load: successful of 50, 10 at once", fmt.Sprint(result.OK), fmt.Sprint(requests))
	figure("seed's load: duration", seconds(milliseconds(result.DurationMS)), "")
	figure("seed's load: p50, p99 in ms", fmt.Sprintf("%.0f, %.0f", result.P50MS, result.P99MS), "")
	figure("seed's load: peak memory since the start", megabytes(peak), "≤ "+megabytes(loadBound))
	figure("seed's load: memory afterwards", megabytes(now.held()), "")
	figure("seed's load: OOM kills", fmt.Sprint(now.oomKills), "0")
	if result.OK != requests || result.Failed != 0 {
		t.Errorf("%d of %d requests were successful: %v", result.OK, requests, result.Failures)
	}
	if peak > loadBound {
		t.Errorf("the peak was %d bytes, want at most %d", peak, loadBound)
	}
	if now.oomKills != 0 {
		t.Errorf("%d OOM kills", now.oomKills)
	}
	s.wantSameWorkers(t, before)
}

// loadResult is what the load tool says with -json.
type loadResult struct {
	OK         int            `json:"ok"`
	Failed     int            `json:"failed"`
	Failures   map[string]int `json:"failures"`
	DurationMS float64        `json:"duration_ms"`
	P50MS      float64        `json:"p50_ms"`
	P99MS      float64        `json:"p99_ms"`
}

// seedLoad runs the project's load tool as it stands: its defaults are the seed's 50 chat requests, 10 at once.
func seedLoad(t *testing.T, url string) loadResult {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "run", "../loadtest", "-json", "-", "-content", notesFile, url)
	var progress strings.Builder
	cmd.Stderr = &progress
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("the load tool: %v\n%s", err, progress.String())
	}
	var result loadResult
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatalf("the load tool's result: %v: %s\n%s", err, out, progress.String())
	}
	return result
}

func milliseconds(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
