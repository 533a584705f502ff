package contract_test

import (
	"os"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
)

func TestDoctorPrintsALineEachAndExitsByTheWorst(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  []string
		exit int
		says string
	}{
		{"all usable", []string{"ADMIN_TOKEN=canary-token-canary"}, 0, "ok    upstream  offline"},
		{"no database", []string{"DATABASE_URL=postgres://u:canary@" + testkit.ClosedPort(t) + "/x"}, 1, "bad   database"},
		{"no upstream", []string{"LLM_API_KEY=canary", "LLM_BASE_URL=http://u:canary@" + testkit.ClosedPort(t)}, 1, "a check failed"},
		{"a bad setting", []string{"PORT=x"}, 2, "PORT=\"x\""},
	} {
		cmd := servicetest.Program(t, tt.env, "doctor")
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != tt.exit || !strings.Contains(string(out), tt.says) || strings.Contains(string(out), "canary") {
			t.Errorf("%s: exit %d, want %d saying %q:\n%s", tt.name, cmd.ProcessState.ExitCode(), tt.exit, tt.says, out)
		}
		if lines := strings.Count(string(out), "\n"); tt.exit == 0 && lines != 8 {
			t.Errorf("%s: %d lines\n%s", tt.name, lines, out)
		}
		if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind %v, %v", tt.name, left, err)
		}
	}
}
