package integration

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

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

const (
	port       = "8000/tcp"
	memory     = 512 << 20
	adminToken = "integration-token-0123456789"
	// readyWithin bounds a start on a busy machine; the figure for a quiet one is a test of its own.
	readyWithin = 30 * time.Second
)

// service is one running container of the image, ready to answer.
type service struct {
	*testcontainers.DockerContainer
	url string
}

// start runs the image as docker-compose.yml does and returns when it is ready. It is gone when the test ends, with
// its volumes; its log is shown if the test failed. volume may name one that outlives the container.
func start(t *testing.T, volume string) *service {
	t.Helper()
	return startImage(t, image, volume, nil)
}

// startImage is start for another image, or with more settings.
func startImage(t *testing.T, image, volume string, settings map[string]string) *service {
	t.Helper()
	s := &service{DockerContainer: launch(t, image,
		testcontainers.WithEnv(settings),
		testcontainers.WithExposedPorts(port),
		testcontainers.WithHostConfigModifier(func(host *container.HostConfig) { limit(host, volume) }),
		testcontainers.WithWaitStrategyAndDeadline(readyWithin,
			wait.ForHTTP("/readyz").WithPort(port).WithPollInterval(10*time.Millisecond)),
	)}
	s.locate(t)
	return s
}

// launch runs a container of this session, which is gone when the test ends.
func launch(t *testing.T, image string, options ...testcontainers.ContainerCustomizer) *testcontainers.DockerContainer {
	t.Helper()
	always := []testcontainers.ContainerCustomizer{
		testcontainers.WithEnv(map[string]string{
			"ADMIN_TOKEN": adminToken,
			// All clients of a test come from one address.
			"MAX_CONCURRENT_RUNS_PER_CLIENT": "100000", "SSE_MAX_STREAMS_PER_CLIENT": "1000000",
		}),
		testcontainers.WithLabels(map[string]string{sessionLabel: session}),
	}
	ctr, err := testcontainers.Run(t.Context(), image, append(always, options...)...)
	t.Cleanup(func() {
		if ctr == nil {
			return
		}
		said := logs(ctr)
		if strings.Contains(said, adminToken) {
			t.Error("the log tells the admin token")
		}
		if t.Failed() {
			t.Logf("log of the container:\n%s", shown(said))
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

// limit is docker-compose.yml in the engine's words; TestComposeUpRunsTheService holds the two together.
func limit(host *container.HostConfig, volume string) {
	pids := int64(512)
	host.Memory, host.MemorySwap = memory, memory
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

// locate finds the address, which changes when a stopped container is started again.
func (s *service) locate(t *testing.T) {
	t.Helper()
	endpoint, err := s.PortEndpoint(t.Context(), port, "http")
	if err != nil {
		t.Fatalf("finding the published port: %v", err)
	}
	s.url = endpoint
}

// mostLog bounds what is read of a container's log.
const mostLog = 64 << 20

// logs is all that a container has said.
func logs(ctr *testcontainers.DockerContainer) string {
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

// shown is the part of a log that a failed test prints.
func shown(log string) string {
	most := 64 << 10
	if benching() {
		most = 4 << 10 // thousands of clients make thousands of lines alike, and it is the figures that are to be seen
	}
	return log[:min(most, len(log))]
}

// newVolume makes a volume of this session that is removed when the test ends.
func newVolume(t *testing.T) string {
	t.Helper()
	name := "studysharper-integration-" + strings.ToLower(rand.Text()[:12])
	docker(t, "volume", "create", "--label", sessionLabel+"="+session, name)
	t.Cleanup(func() { removeVolume(t, name) })
	return name
}

func removeVolume(t *testing.T, name string) {
	t.Helper()
	if out, err := exec.Command("docker", "volume", "rm", name).CombinedOutput(); err != nil {
		t.Errorf("removing volume %s: %v: %s", name, err, out)
	}
}

// docker runs the command line and returns what it printed.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// freePort is a port of 127.0.0.1 that nobody listened on a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// awaitReady polls /readyz every 5 ms until it answers 200.
func awaitReady(ctx context.Context, url string) error {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		last := "no answer"
		if response, err := client.Get(url + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
			last = response.Status
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s/readyz: %s: %w", url, last, ctx.Err())
		case <-tick.C:
		}
	}
}

// log is all that the container has logged.
func (s *service) log(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), readyWithin)
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

// awaitLogged wants words in the log, so many times at least.
func (s *service) awaitLogged(t *testing.T, words string, times int) {
	t.Helper()
	for deadline := time.Now().Add(readyWithin); strings.Count(s.log(t), words) < times; time.Sleep(sampleEvery) {
		if time.Now().After(deadline) {
			t.Errorf("the log has %q less than %d times", words, times)
			return
		}
	}
}
