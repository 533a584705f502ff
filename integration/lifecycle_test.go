package integration

import (
	"testing"
	"time"
)

func TestDockerStopEndsAnIdleServiceCleanly(t *testing.T) {
	const bound = 10 * time.Second // docker stop's own patience
	s := start(t, "")
	began := time.Now()
	patience := 2 * bound
	if err := s.Stop(t.Context(), &patience); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	figure("docker stop, idle", seconds(took), "≤ "+seconds(bound))
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
	s := start(t, "")
	began := time.Now()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		state, err := s.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if state.Health == nil {
			t.Fatal("the image has no HEALTHCHECK")
		}
		if state.Health.Status == "healthy" {
			figure("start to Docker's «healthy»", seconds(time.Since(began)), "")
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("after a minute the state is %q: %+v", state.Health.Status, state.Health.Log)
		}
	}
}

func TestServiceRunsWithoutPrivileges(t *testing.T) {
	s := start(t, "")
	inspect, err := s.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	host := inspect.HostConfig
	if inspect.Config.User != "10001:10001" || !host.ReadonlyRootfs || host.Memory != memory || host.MemorySwap != memory {
		t.Errorf("user %q, read-only %v, memory %d, with swap %d", inspect.Config.User, host.ReadonlyRootfs, host.Memory, host.MemorySwap)
	}
}
