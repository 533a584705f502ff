// Package harness runs the service as it is deployed, for the test packages next to it: the image that the Dockerfile
// builds, in a container with the limits of docker-compose.yml, used over real HTTP and measured from outside, in its
// control group. It does not know the service's internals, so what its tests prove is what an operator gets.
//
// Each test package calls Main. What its tests record with Figure, AddScenario and AddFault goes into one report,
// whichever packages are run together.
package harness

import (
	"fmt"
	"io"
	stdlog "log"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	"golang.org/x/sys/unix"
)

// repository is the repository's root, seen from a test package.
const repository = "../.."

// SessionLabel marks every container and volume of this process, so that those that a test leaves behind can be found.
const SessionLabel = "studysharper.integration"

// Session is the value of SessionLabel.
var Session = fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())

// Main builds the image, runs the tests of a package and adds their figures to the report under the package's name. It
// returns the exit status. A container or volume that a test leaves behind is removed and counts as a failure.
func Main(m *testing.M, name string) int {
	began := time.Now()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	build := time.Now()
	if err := BuildImage(imageTag, ""); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	Figure(name+": image build", Seconds(time.Since(build)), "")
	code := run(m)
	r := newReport(name, began, code == 0)
	fmt.Print("\n", r.table())
	if err := addToReport(r, reportFolder); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return max(code, 1)
	}
	fmt.Printf("\nreport: integration/report/%s\n", reportHTML)
	return code
}

// MainOfBenches is Main for benchmarks that build their own images and write their own tables.
func MainOfBenches(m *testing.M) int {
	shownLog = 4 << 10 // thousands of clients write thousands of similar lines, which would hide the figures
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	return run(m)
}

func run(m *testing.M) int {
	code := m.Run()
	if left := removeLeftovers(); left != "" {
		fmt.Fprintf(os.Stderr, "integration: removed what a test left behind:\n%s", left)
		code = max(code, 1)
	}
	return code
}

// prepare configures testcontainers for this machine.
func prepare() error {
	if out, err := exec.Command("docker", "version", "--format", "{{.Server.Version}}").CombinedOutput(); err != nil {
		return fmt.Errorf("these tests need Docker, and it does not answer: %w: %s", err, out)
	}
	reaper := testcontainers.ReaperDefaultImage //nolint:staticcheck // its replacement is internal to testcontainers
	if os.Getenv("TESTCONTAINERS_RYUK_DISABLED") == "" && !imageExists(reaper) {
		os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
	}
	// Inside a container, testcontainers assumes that the default gateway is the Docker host; but the ports of these
	// tests are published on the loopback address that tests and engine share.
	if _, err := os.Stat("/.dockerenv"); err == nil && os.Getenv("TESTCONTAINERS_HOST_OVERRIDE") == "" {
		os.Setenv("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")
	}
	// Its progress messages would hide the figures; errors contain what failed.
	log.SetDefault(stdlog.New(io.Discard, "", 0))
	return nil
}

// lockFile waits for an exclusive lock on a file that other test processes use too.
func lockFile(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock file: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return func() { file.Close() }, nil
}

// removeLeftovers removes the session's containers and volumes that the tests have left, and returns their ids.
func removeLeftovers() string {
	filter := "label=" + SessionLabel + "=" + Session
	var left strings.Builder
	for _, kind := range []struct{ name, list, remove string }{
		{"container", "ps --all --quiet --filter " + filter, "rm --force --volumes"},
		{"volume", "volume ls --quiet --filter " + filter, "volume rm --force"},
	} {
		out, err := exec.Command("docker", strings.Fields(kind.list)...).Output()
		if err != nil {
			fmt.Fprintf(&left, "cannot list: docker %s: %v\n", kind.list, err)
			continue
		}
		for _, id := range strings.Fields(string(out)) {
			fmt.Fprintf(&left, "%s %s\n", kind.name, id)
			if err := exec.Command("docker", append(strings.Fields(kind.remove), id)...).Run(); err != nil {
				fmt.Fprintf(&left, "cannot remove %s %s: %v\n", kind.name, id, err)
			}
		}
	}
	return left.String()
}
