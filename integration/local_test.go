package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// local is the image's program run outside a container, for what Docker would stand between.
type local struct {
	*service
	command *exec.Cmd
	ended   chan struct{}
}

// program takes the program out of the image.
func (i *incident) program() string {
	i.Helper()
	path := filepath.Join(i.TempDir(), "studysharper")
	id := docker(i.T, "create", "--label", sessionLabel+"="+session, image)
	defer docker(i.T, "rm", "--volumes", id)
	docker(i.T, "cp", id+":/studysharper", path)
	return path
}

// outside runs the program with a standard error of the test's, which is closed here.
func (i *incident) outside(stderr *os.File) *local {
	i.Helper()
	port := freePort(i.T)
	l := &local{service: &service{url: fmt.Sprintf("http://127.0.0.1:%d", port)}, ended: make(chan struct{})}
	l.command = exec.Command(i.program(), "serve")
	l.command.Dir, l.command.Stderr = i.TempDir(), stderr
	l.command.Env = []string{"HOST=127.0.0.1", "PORT=" + strconv.Itoa(port), "ADMIN_TOKEN=" + adminToken, "LOG_LEVEL=debug"}
	if err := l.command.Start(); err != nil {
		i.Fatal(err)
	}
	stderr.Close()
	go func() { _ = l.command.Wait(); close(l.ended) }() // however it ends
	i.Cleanup(func() {
		_ = l.command.Process.Signal(syscall.SIGTERM) // it may be gone
		select {
		case <-l.ended:
		case <-time.After(patience):
			_ = l.command.Process.Kill()
			i.Error("the service does not stop")
		}
	})
	eventually(i.T, "it is ready", func() bool {
		select {
		case <-l.ended:
			i.Fatalf("it has ended: %v", l.command.ProcessState)
		default:
		}
		got, err := l.ask("GET", "/readyz", nil)
		return err == nil && got.status == 200
	})
	return l
}
