package contract_test

import (
	"bufio"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"studysharper/app/e2e/servicetest"
)

func TestALogWhoseReaderHasLeftEndsNoProcess(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := servicetest.Program(t, []string{"HOST=127.0.0.1", "PORT=0", "WEB_CONCURRENCY=1"}, "serve")
	cmd.Stderr = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	write.Close()
	said := ""
	for lines := bufio.NewScanner(read); !strings.Contains(said, "Worker ready") && lines.Scan(); {
		said += lines.Text() + "\n"
	}
	read.Close()
	_, rest, _ := strings.Cut(said, "Listening at: ")
	url, _, _ := strings.Cut(rest, " ")
	for range 20 { // each request writes a line of the worker's log, and each signal one of the supervisor's
		_ = cmd.Process.Signal(syscall.SIGUSR1)
		res, err := http.Get(url + "/api/notes?user_id=ada")
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != http.StatusOK {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}
