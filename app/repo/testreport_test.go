package repo_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"studysharper/app/testkit"
)

// reported returns what `make test` prints for the output of go test -v.
func reported(t *testing.T, output string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "awk", "-f", filepath.Join(testkit.Root(), ".ci", "test-report"))
	cmd.Stdin = strings.NewReader(output)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return string(said)
}

const (
	passing = "=== RUN   TestA\n    a_test.go:1: of no interest\n--- PASS: TestA (0.00s)\n" +
		"=== RUN   TestB\n    redistest.go:46: redis-server is not installed\n--- SKIP: TestB (0.00s)\n" +
		"=== RUN   TestC\n=== RUN   TestC/one\n    redistest.go:46: redis-server is not installed\n=== RUN   TestC/two\n    c_test.go:9: a figure\n" +
		"--- PASS: TestC (0.00s)\n    --- SKIP: TestC/one (0.00s)\n    --- PASS: TestC/two (0.00s)\nPASS\nok  \tstudysharper/app/a\t0.1s\n"
	failing = "=== RUN   TestD\n    d_test.go:3: wrong\n--- FAIL: TestD (0.00s)\nFAIL\nFAIL\tstudysharper/app/d\t0.2s\nFAIL\n"
)

func TestTheReportOfTheTestsListsWhatWasSkippedByItsReason(t *testing.T) {
	want := "ok  \tstudysharper/app/a\t0.1s\n2 tests were skipped:\n  redis-server is not installed (2):\n" +
		"    studysharper/app/a TestB\n    studysharper/app/a TestC/one\n"
	if got := reported(t, passing); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheReportOfTheTestsKeepsAllOfAPackageThatFailed(t *testing.T) {
	got := reported(t, passing+failing)
	if !strings.Contains(got, "    d_test.go:3: wrong\n") || !strings.Contains(got, "FAIL\tstudysharper/app/d") || strings.Contains(got, "of no interest") {
		t.Errorf("got\n%s", got)
	}
	got = reported(t, strings.TrimSuffix(passing, "PASS\nok  \tstudysharper/app/a\t0.1s\n"))
	if !strings.Contains(got, "--- PASS: TestA") {
		t.Errorf("of a package that did not come to its end:\n%s", got)
	}
	if got := reported(t, "ok  \tstudysharper/app/a\t0.1s\n"); !strings.HasSuffix(got, "No test was skipped.\n") {
		t.Errorf("got\n%s", got)
	}
	got = reported(t, "UNTESTED studysharper/app/memory/shm\nok  \tstudysharper/app/a\t0.1s\n")
	if !strings.HasSuffix(got, "1 packages were not tested, because they need Linux (or Docker, in which they would be tested):\n    studysharper/app/memory/shm\nNo test was skipped.\n") {
		t.Errorf("of a package that cannot be built:\n%s", got)
	}
}
