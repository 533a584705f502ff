package container

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go/exec"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

func TestDockerStopEndsAnIdleServiceCleanly(t *testing.T) {
	const bound = 10 * time.Second // docker stop's own timeout
	s := harness.Start(t, "")
	began := time.Now()
	patience := 2 * bound
	if err := s.Stop(t.Context(), &patience); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	harness.Figure("docker stop, idle", harness.Seconds(took), "≤ "+harness.Seconds(bound))
	if took > bound {
		t.Errorf("stopping took %v, want at most %v", took, bound)
	}
	state, err := s.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if state.ExitCode != 0 || state.OOMKilled {
		t.Errorf("exit status %d, OOM killed %v; want 0 and false", state.ExitCode, state.OOMKilled)
	}
}

func TestHealthcheckOfTheImageFindsTheServiceHealthy(t *testing.T) {
	s := harness.Start(t, "")
	began := time.Now()
	var health *container.Health
	healthy := testkit.PollFor(time.Minute, 250*time.Millisecond, func() bool {
		state, err := s.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if health = state.Health; health == nil {
			t.Fatal("the image has no HEALTHCHECK")
		}
		return health.Status == "healthy"
	})
	if !healthy {
		t.Fatalf("after a minute the state is %q: %+v", health.Status, health.Log)
	}
	harness.Figure("start to Docker's «healthy»", harness.Seconds(time.Since(began)), "")
}

func TestServiceRunsWithoutPrivileges(t *testing.T) {
	s := harness.Start(t, "")
	inspect, err := s.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	host := inspect.HostConfig
	if inspect.Config.User != "10001:10001" || !host.ReadonlyRootfs || host.Memory != harness.MemoryLimit || host.MemorySwap != harness.MemoryLimit {
		t.Errorf("user %q, read-only %v, memory %d, with swap %d", inspect.Config.User, host.ReadonlyRootfs, host.Memory, host.MemorySwap)
	}
}

// TestDoctorWarnsOfNothingInTheContainer also reads a PDF as a worker does, which needs the image's own reader and
// /tmp.
func TestDoctorWarnsOfNothingInTheContainer(t *testing.T) {
	s := harness.Start(t, "")
	status, output, err := s.Exec(t.Context(), []string{"/studysharper", "doctor"}, exec.Multiplexed())
	if err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(output)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	for _, line := range lines {
		if !strings.HasPrefix(line, "ok ") {
			t.Errorf("doctor says %q", line)
		}
	}
	if status != 0 || len(lines) < 7 {
		t.Errorf("exit status %d\n%s", status, said)
	}
}
