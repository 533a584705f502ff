package harness

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"studysharper/app/testkit"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// MaxConcurrentRuns is MAX_CONCURRENT_RUNS by default.
const MaxConcurrentRuns = 64

const (
	port = "8000/tcp"
	// MemoryLimit of the container, in bytes.
	MemoryLimit = 512 << 20
	// AdminToken is the ADMIN_TOKEN of every service.
	AdminToken = "integration-token-0123456789"
	// ReadyWithin limits waits for a start or a recovery, on a busy machine. The actual start time is a figure of the
	// report.
	ReadyWithin = 30 * time.Second
)

// Service is one running container of the image, ready to answer.
type Service struct {
	*testcontainers.DockerContainer
	URL string
}

// Start runs the image as docker-compose.yml does and returns when it is ready. The container and its volumes are
// removed when the test ends; its log is printed if the test failed. volume may name a volume that outlives the
// container.
func Start(t *testing.T, volume string) *Service {
	t.Helper()
	return StartImage(t, Image, volume, nil)
}

// StartImage is Start for another image, or with more settings.
func StartImage(t *testing.T, image, volume string, settings map[string]string) *Service {
	t.Helper()
	s := &Service{DockerContainer: Launch(t, image,
		testcontainers.WithEnv(settings),
		testcontainers.WithExposedPorts(port),
		testcontainers.WithHostConfigModifier(func(host *container.HostConfig) { Limit(host, volume) }),
		testcontainers.WithWaitStrategyAndDeadline(ReadyWithin,
			wait.ForHTTP("/readyz").WithPort(port).WithPollInterval(10*time.Millisecond)),
	)}
	s.Locate(t)
	return s
}

// Launch runs a container of this session, which is removed when the test ends.
func Launch(t *testing.T, image string, options ...testcontainers.ContainerCustomizer) *testcontainers.DockerContainer {
	t.Helper()
	always := []testcontainers.ContainerCustomizer{
		testcontainers.WithEnv(map[string]string{
			"ADMIN_TOKEN": AdminToken,
			// All clients of a test have the same address.
			"MAX_CONCURRENT_RUNS_PER_CLIENT": "100000", "SSE_MAX_STREAMS_PER_CLIENT": "1000000", "RUN_LIMIT_PER_MINUTE": "0", "RUN_LIMIT_PER_HOUR": "0",
		}),
		testcontainers.WithLabels(map[string]string{SessionLabel: Session}),
	}
	ctr, err := testcontainers.Run(t.Context(), image, append(always, options...)...)
	t.Cleanup(func() {
		if ctr == nil {
			return
		}
		log := LogsOf(ctr)
		if strings.Contains(log, AdminToken) {
			t.Error("the log contains the admin token")
		}
		if t.Failed() {
			t.Logf("log of the container:\n%s", shown(log))
		}
		if err := testcontainers.TerminateContainer(ctr); err != nil {
			t.Errorf("removing the container: %v", err)
		}
	})
	if err != nil {
		t.Fatalf("starting the container: %v", err)
	}
	return ctr
}

// LaunchOnHost runs a database or another container in the host's network.
func LaunchOnHost(t *testing.T, image string, env map[string]string, command ...string) *testcontainers.DockerContainer {
	t.Helper()
	return Launch(t, image, testcontainers.WithEnv(env), testcontainers.WithCmd(command...),
		testcontainers.WithHostConfigModifier(func(host *container.HostConfig) { host.NetworkMode = "host" }))
}

// Accepts reports whether a server listens at an address.
func Accepts(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		err = conn.Close()
	}
	return err == nil
}

// Limit sets the limits of docker-compose.yml; TestComposeUpRunsTheService compares the two.
func Limit(host *container.HostConfig, volume string) {
	pids := int64(512)
	host.Memory, host.MemorySwap = MemoryLimit, MemoryLimit
	host.PidsLimit = &pids
	host.ReadonlyRootfs = true
	host.CapDrop = []string{"ALL"}
	host.SecurityOpt = []string{"no-new-privileges:true"}
	host.Tmpfs = map[string]string{"/tmp": "size=16m,mode=1777"}
	host.ShmSize = 16 << 20
	host.PortBindings = network.PortMap{
		network.MustParsePort(port): {{HostIP: netip.MustParseAddr("127.0.0.1")}},
	}
	if volume != "" {
		host.Binds = []string{volume + ":/data"}
	}
}

// Locate sets URL. The address changes when a stopped container is started again.
func (s *Service) Locate(t *testing.T) {
	t.Helper()
	endpoint, err := s.PortEndpoint(t.Context(), port, "http")
	if err != nil {
		t.Fatalf("finding the published port: %v", err)
	}
	s.URL = endpoint
}

// mostLog limits how much of a container's log is read, in bytes.
const mostLog = 64 << 20

// LogsOf returns everything that a container has logged.
func LogsOf(ctr *testcontainers.DockerContainer) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	reader, err := ctr.Logs(ctx)
	if err != nil {
		return err.Error()
	}
	defer reader.Close()
	text, err := io.ReadAll(io.LimitReader(reader, mostLog))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// shownLog limits the log that a failed test prints, in bytes.
var shownLog = 64 << 10

// shown returns the part of a log that a failed test prints.
func shown(log string) string {
	return log[:min(shownLog, len(log))]
}

// NewVolume creates a volume of this session, which is removed when the test ends.
func NewVolume(t *testing.T) string {
	t.Helper()
	name := "studysharper-integration-" + strings.ToLower(rand.Text()[:12])
	Docker(t, "volume", "create", "--label", SessionLabel+"="+Session, name)
	t.Cleanup(func() { RemoveVolume(t, name) })
	return name
}

// RemoveVolume removes a volume.
func RemoveVolume(t *testing.T, name string) {
	t.Helper()
	if out, err := exec.Command("docker", "volume", "rm", name).CombinedOutput(); err != nil {
		t.Errorf("removing volume %s: %v: %s", name, err, out)
	}
}

// Docker runs the command line and returns what it printed.
func Docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// FreePort returns a port of 127.0.0.1 that was free a moment ago.
func FreePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// AwaitReady polls /readyz every 5 ms until it answers 200, for at most within.
func AwaitReady(url string, within time.Duration) error {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var last string
	ready := testkit.PollFor(within, 5*time.Millisecond, func() bool {
		response, err := client.Get(url + "/readyz")
		if err != nil {
			last = err.Error()
			return false
		}
		defer response.Body.Close()
		last = response.Status
		return response.StatusCode == http.StatusOK
	})
	if !ready {
		return fmt.Errorf("%s/readyz: not ready within %v: %s", url, within, last)
	}
	return nil
}

// Log returns everything that the container has logged.
func (s *Service) Log(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ReadyWithin)
	defer cancel()
	reader, err := s.Logs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var b strings.Builder
	if _, err := bufio.NewReader(reader).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// AwaitLogged waits until the log contains words at least this many times.
func (s *Service) AwaitLogged(t *testing.T, words string, times int) {
	t.Helper()
	if !testkit.PollFor(ReadyWithin, sampleEvery, func() bool { return strings.Count(s.Log(t), words) >= times }) {
		t.Errorf("the log has %q less than %d times", words, times)
	}
}
