package testkit

import (
	"os"
	"os/exec"
	"testing"
)

// Need returns the path of a program that the test runs. With CI=true the program must be installed, since .ci/run
// installs it; elsewhere the test is skipped without it.
func Need(t testing.TB, name string) string {
	t.Helper()
	SkipShort(t, "runs "+name)
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skipf("%s is not installed: %v", name, err)
	return ""
}
