package cluster

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"

	"studysharper/integration/harness"
)

func TestComposeUpRunsTheService(t *testing.T) {
	c := compose{
		project: "studysharper-it-" + strings.ToLower(rand.Text()[:10]),
		port:    harness.FreePort(t),
	}
	t.Cleanup(func() {
		if out, err := c.command(context.Background(), "down", "--volumes", "--timeout", "5").CombinedOutput(); err != nil {
			t.Errorf("compose down: %v: %s", err, out)
		}
	})
	if out, err := c.command(t.Context(), "up", "--detach", "--build").CombinedOutput(); err != nil {
		t.Fatalf("compose up: %v: %s", err, out)
	}
	if err := harness.AwaitReady(fmt.Sprintf("http://127.0.0.1:%d", c.port), harness.ReadyWithin); err != nil {
		out, _ := c.command(t.Context(), "logs", "--tail", "50").CombinedOutput()
		t.Fatalf("%v\n%s", err, out)
	}
	wantComposeLimits(t, c.containers(t, "app")[0])
}

// wantComposeLimits checks that the compose file sets the limits that the other tests use.
func wantComposeLimits(t *testing.T, id string) {
	t.Helper()
	var got, want container.HostConfig
	if err := json.Unmarshal([]byte(harness.Docker(t, "inspect", "--format", "{{json .HostConfig}}", id)), &got); err != nil {
		t.Fatal(err)
	}
	harness.Limit(&want, "")
	for _, row := range []struct{ name, got, want string }{
		{"memory", fmt.Sprint(got.Memory), fmt.Sprint(want.Memory)},
		{"memory with swap", fmt.Sprint(got.MemorySwap), fmt.Sprint(want.MemorySwap)},
		{"processes", fmt.Sprint(*got.PidsLimit), fmt.Sprint(*want.PidsLimit)},
		{"read-only root", fmt.Sprint(got.ReadonlyRootfs), fmt.Sprint(want.ReadonlyRootfs)},
		{"capabilities dropped", fmt.Sprint(got.CapDrop), fmt.Sprint(want.CapDrop)},
		{"security options", fmt.Sprint(got.SecurityOpt), fmt.Sprint(want.SecurityOpt)},
		{"temporary file systems", fmt.Sprint(got.Tmpfs), fmt.Sprint(want.Tmpfs)},
		{"shared memory", fmt.Sprint(got.ShmSize), fmt.Sprint(want.ShmSize)},
	} {
		if row.got != row.want {
			t.Errorf("%s: docker-compose.yml gives %s, the tests run with %s", row.name, row.got, row.want)
		}
	}
}

// compose is a separate compose project, so that it never conflicts with a developer's.
type compose struct {
	project  string
	port     int
	balancer int // port of the balancer in the distributed profile
}

// command returns a Compose v2 command if that is installed, otherwise a docker-compose command.
func (c compose) command(ctx context.Context, args ...string) *exec.Cmd {
	program := []string{"docker-compose"}
	if exec.Command("docker", "compose", "version").Run() == nil {
		program = []string{"docker", "compose"}
	}
	program = append(program, "--project-name", c.project)
	cmd := exec.CommandContext(ctx, program[0], append(program[1:], args...)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "BIND=127.0.0.1", fmt.Sprintf("PORT=%d", c.port), fmt.Sprintf("BALANCER_PORT=%d", c.balancer),
		"IMAGE="+harness.Image, "RATE_LIMIT_PER_MINUTE=0", "RATE_LIMIT_PER_HOUR=0", "RUN_LIMIT_PER_MINUTE=0", "RUN_LIMIT_PER_HOUR=0", "MAX_CONCURRENT_RUNS_PER_CLIENT=100000", "SSE_MAX_STREAMS_PER_CLIENT=1000000",
		"ADMIN_TOKEN="+harness.AdminToken)
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// containers returns the containers of a service, running or not.
func (c compose) containers(t *testing.T, service string) []string {
	t.Helper()
	out, err := c.command(t.Context(), "--profile", "distributed", "ps", "--quiet", service).Output()
	if err != nil {
		t.Fatalf("compose ps: %v", err)
	}
	return strings.Fields(string(out))
}
