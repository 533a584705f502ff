package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

// localProcess is the image's program run outside a container, for faults that Docker would hide.
type localProcess struct {
	*harness.Service
	command *exec.Cmd
	ended   chan struct{}
}

// extractProgram copies the program out of the image.
func (i *incident) extractProgram() string {
	i.Helper()
	path := filepath.Join(i.TempDir(), "studysharper")
	id := harness.Docker(i.T, "create", "--label", harness.SessionLabel+"="+harness.Session, harness.Image)
	defer harness.Docker(i.T, "rm", "--volumes", id)
	harness.Docker(i.T, "cp", id+":/studysharper", path)
	return path
}

// startOutsideContainer runs the program with the given standard error, and closes that file here.
func (i *incident) startOutsideContainer(stderr *os.File) *localProcess {
	i.Helper()
	port := harness.FreePort(i.T)
	l := &localProcess{Service: &harness.Service{URL: fmt.Sprintf("http://127.0.0.1:%d", port)}, ended: make(chan struct{})}
	l.command = exec.Command(i.extractProgram(), "serve")
	l.command.Dir, l.command.Stderr = i.TempDir(), stderr
	l.command.Env = []string{"HOST=127.0.0.1", "PORT=" + strconv.Itoa(port), "ADMIN_TOKEN=" + harness.AdminToken, "LOG_LEVEL=debug"}
	if err := l.command.Start(); err != nil {
		i.Fatal(err)
	}
	stderr.Close()
	go func() { _ = l.command.Wait(); close(l.ended) }() // however it ends
	i.Cleanup(func() {
		_ = l.command.Process.Signal(syscall.SIGTERM) // it may have exited already
		select {
		case <-l.ended:
		case <-time.After(patience):
			_ = l.command.Process.Kill()
			i.Error("the service does not stop")
		}
	})
	testkit.Eventually(i.T, "it is ready", func() bool {
		select {
		case <-l.ended:
			i.Fatalf("it has ended: %v", l.command.ProcessState)
		default:
		}
		got, err := askOnce(l.Service, "GET", "/readyz", nil)
		return err == nil && got.Status == 200
	})
	return l
}
