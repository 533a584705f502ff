package contract_test

import (
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
)

func TestTheSettingsTableHasARowForEachSetting(t *testing.T) {
	out, err := servicetest.Program(t, nil, "settings").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| `PORT` | `8000` | 0 to 65535 | port to listen on; 0 = any free port |\n", "| `CACHE_TTL` | `10m` | 1s to 168h | ",
		"| `LOG_FORMAT` | – | `text`, `json` | ", "| `TRUSTED_PROXIES` | – | a list with commas | ",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	for line := range strings.Lines(string(out)) {
		if strings.Count(line, "|") != 5 {
			t.Errorf("a row of %d cells: %s", strings.Count(line, "|")-1, line)
		}
	}
}
