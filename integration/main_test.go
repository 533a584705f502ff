// Package integration checks the service as it is deployed: the image that the Dockerfile builds, in a container with
// the limits of docker-compose.yml, spoken to over real HTTP and measured from outside, in its control group. The one
// idea: nothing here knows the service's insides, so what passes here is what an operator gets.
package integration

import (
	"cmp"
	"context"
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
)

const (
	imageRepo = "studysharper"

	// sessionLabel marks every container and volume of this run, so that what is left of it can be found.
	sessionLabel = "studysharper.integration"

	buildTimeout = 20 * time.Minute
)

// INTEGRATION_TAG is for running the tests of two checkouts at once.
var (
	imageTag = cmp.Or(os.Getenv("INTEGRATION_TAG"), "integration")
	image    = imageRepo + ":" + imageTag
)

var session = fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())

func TestMain(m *testing.M) {
	began := time.Now()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		os.Exit(1)
	}
	code := m.Run()
	if left := removeLeftovers(); left != "" {
		fmt.Fprintf(os.Stderr, "integration: left behind by a test, now removed:\n%s", left)
		code = max(code, 1)
	}
	if benching() {
		os.Exit(code) // it has a table of its own
	}
	r := newReport(began, code == 0)
	fmt.Print("\n", r.table())
	page, err := r.write(reportFolder)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		os.Exit(max(code, 1))
	}
	fmt.Printf("\nreport: integration/%s\n", page)
	os.Exit(code)
}

// prepare makes testcontainers fit for this machine and builds the image, once for all tests.
func prepare() error {
	if out, err := exec.Command("docker", "version", "--format", "{{.Server.Version}}").CombinedOutput(); err != nil {
		return fmt.Errorf("these tests need Docker, and it does not answer: %w: %s", err, out)
	}
	reaper := testcontainers.ReaperDefaultImage //nolint:staticcheck // what replaces it is internal to testcontainers
	if os.Getenv("TESTCONTAINERS_RYUK_DISABLED") == "" && !obtainable(reaper) {
		os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
	}
	// Inside a container testcontainers takes the default gateway for the Docker host; every port of these tests is
	// published on the loopback address that tests and engine share.
	if _, err := os.Stat("/.dockerenv"); err == nil && os.Getenv("TESTCONTAINERS_HOST_OVERRIDE") == "" {
		os.Setenv("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")
	}
	// Its progress would bury the figures; what fails is in the errors.
	log.SetDefault(stdlog.New(io.Discard, "", 0))
	if benching() {
		return nil // with an image of its own
	}
	began := time.Now()
	if err := buildImage(imageTag, ""); err != nil {
		return err
	}
	figure("image build", seconds(time.Since(began)), "")
	return nil
}

// obtainable says whether an image is on this machine or in a registry within reach.
func obtainable(image string) bool {
	if exec.Command("docker", "image", "inspect", image).Run() == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, "docker", "pull", "--quiet", image).Run() == nil
}

// buildImage builds the Dockerfile under a tag of imageRepo; goTags are its Go build tags.
func buildImage(tag, goTags string) error {
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return fmt.Errorf("connecting to Docker: %w", err)
	}
	defer provider.Close()

	var output strings.Builder
	_, err = provider.BuildImage(ctx, &testcontainers.ContainerRequest{
		FromDockerfile: testcontainers.FromDockerfile{
			Context: "..", Repo: imageRepo, Tag: tag,
			BuildArgs:      map[string]*string{"TAGS": &goTags},
			KeepImage:      true, // its layers make the next build quick
			BuildLogWriter: &output,
		},
	})
	if err != nil {
		return fmt.Errorf("building %s:%s: %w\n%s", imageRepo, tag, err, output.String())
	}
	return nil
}

// removeLeftovers removes what this session's tests did not, and names it.
func removeLeftovers() string {
	filter := "label=" + sessionLabel + "=" + session
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
