package harness

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
)

const (
	// ImageRepo is the repository of every image that the tests build.
	ImageRepo = "studysharper"

	// FaultTag is the build tag of workers that fail on demand, in ways that no request to the service can cause.
	FaultTag = "faulttest"

	buildTimeout = 20 * time.Minute
)

// The tag comes from INTEGRATION_TAG, so that two checkouts can be tested at the same time.
var (
	imageTag = cmp.Or(os.Getenv("INTEGRATION_TAG"), "integration")
	// Image is the image of the service as it is deployed.
	Image = ImageRepo + ":" + imageTag
)

var buildFaultImage = sync.OnceValue(func() error { return BuildImage(imageTag+"-"+FaultTag, FaultTag) })

// FaultImage returns the image of the build with FaultTag. The first call builds it.
func FaultImage(t *testing.T) string {
	t.Helper()
	if err := buildFaultImage(); err != nil {
		t.Fatal(err)
	}
	return ImageRepo + ":" + imageTag + "-" + FaultTag
}

// BuildImage builds the Dockerfile under a tag of ImageRepo; goTags are its Go build tags. Test packages that run
// concurrently build one after another, so that the second one finds the layers of the first.
func BuildImage(tag, goTags string) error {
	unlock, err := lockFile(filepath.Join(os.TempDir(), ImageRepo+"-"+imageTag+".lock"))
	if err != nil {
		return err
	}
	defer unlock()
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
			Context: repository, Repo: ImageRepo, Tag: tag,
			BuildArgs:      map[string]*string{"TAGS": &goTags},
			KeepImage:      true, // its layers speed up the next build
			BuildLogWriter: &output,
		},
	})
	if err != nil {
		return fmt.Errorf("building %s:%s: %w\n%s", ImageRepo, tag, err, output.String())
	}
	return nil
}

// imageExists reports whether an image is on this machine or can be pulled within 30 s.
func imageExists(image string) bool {
	if exec.Command("docker", "image", "inspect", image).Run() == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, "docker", "pull", "--quiet", image).Run() == nil
}
