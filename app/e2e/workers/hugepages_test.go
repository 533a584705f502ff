package workers_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
)

// TestNoProcessGetsHugePages reads the kernel's flags, because the cost of huge pages only shows where they are enabled
// for all processes.
func TestNoProcessGetsHugePages(t *testing.T) {
	s := servicetest.Start(t)
	here, there := s.Pair()
	for _, pid := range []int{s.Cmd.Process.Pid, here, there} {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(status), "THP_enabled:") {
			t.Skip("this kernel does not say")
		}
		if !strings.Contains(string(status), "THP_enabled:\t0\n") {
			t.Errorf("process %d may get huge pages", pid)
		}
	}
}
