package servicetest

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"studysharper/app/testkit"
)

// The exit statuses of the program that are not 0 or 1.
const (
	ExitUsage = 2 // an invalid setting, flag or command
	ExitBoot  = 3 // the service cannot start
)

// Program returns a command of the real program, with only env in its environment, in a separate folder.
func Program(t testing.TB, env []string, args ...string) *exec.Cmd {
	t.Helper()
	testkit.SkipShort(t, "runs the program")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0"}, env...)
	return cmd
}

// binary builds the program once per test binary, and returns its path. Test binaries share the file: the first one
// links it, with the race detector if it has that itself; for the others it is up to date.
var binary = sync.OnceValues(func() (string, error) {
	root := testkit.Root()
	folder := filepath.Join(root, ".build")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(folder, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if err := noteSources(filepath.Join(root, "app")); err != nil {
		return "", err
	}
	path, flags := filepath.Join(folder, "studysharper"), []string{"build", "-buildvcs=false"}
	if raceDetector {
		path, flags = path+"-race", append(flags, "-race")
	}
	build := exec.Command("go", append(flags, "-o", path, "./app")...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// lock waits until no other process builds.
func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, err
	}
	return func() { _ = file.Close() }, nil
}

// noteSources reads the folders from which the program is built, so that go test notices when they change: it caches a
// test's result for as long as the files that the test has opened are the same, and does not know the files that
// another go command compiles.
func noteSources(folder string) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			_, err = os.Stat(path)
		}
		return err
	})
}
