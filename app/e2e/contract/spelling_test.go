package contract_test

import (
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
)

func TestAMisspeltSettingIsWarnedOfWhereverSettingsAreRead(t *testing.T) {
	const warning = "WEB_CONCURENCY is not a setting: did you mean WEB_CONCURRENCY?"
	env := []string{"WEB_CONCURENCY=canary"}
	for command, mark := range map[string]string{"check-config": "# warning: ", "doctor": "warn  settings  "} {
		out, err := servicetest.Program(t, env, command).CombinedOutput()
		if err != nil || !strings.Contains(string(out), mark+warning+"\n") || strings.Contains(string(out), "canary") {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	s := servicetest.Start(t, env...)
	if log := s.Log.String(); strings.Count(log, warning) != 1 || !strings.Contains(log, `level=WARN msg="`+warning) || strings.Contains(log, "canary") {
		t.Error(log)
	}
}
