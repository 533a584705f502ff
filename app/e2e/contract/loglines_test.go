package contract_test

import (
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
)

// promisedLines are the log lines that an operator of the original backend looks for, as
// promised in docs/migrating.md.
var promisedLines = []string{"Starting studysharper", "Listening at: ", "Booting worker with pid: ", "Worker ready", "Worker recycling (pid: ",
	"Worker exiting (pid: ", "Shutting down: master"}

func TestTheLogHasTheLinesThatTheMigrationPromises(t *testing.T) {
	guide := testkit.ReadFile(t, "docs/migrating.md")
	s := servicetest.Start(t, "MAX_REQUESTS=1", "MAX_REQUESTS_JITTER=0", "MIN_WORKER_AGE=0")
	s.Ask("GET", "/api/ai/stream-status", "")
	s.Eventually("a worker is recycled", func() bool { return strings.Contains(s.Log.String(), "Worker exiting (pid: ") })
	_ = s.Stop()
	for _, line := range promisedLines {
		if !strings.Contains(s.Log.String(), line) {
			t.Errorf("the log has no %q", line)
		}
	}
	for _, line := range promisedLines[:6] {
		if !strings.Contains(guide, strings.TrimSpace(line)) {
			t.Errorf("the guide does not name %q", line)
		}
	}
}
