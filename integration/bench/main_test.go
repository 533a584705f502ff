package bench

import (
	"os"
	"testing"

	"studysharper/integration/harness"
)

func TestMain(m *testing.M) {
	for _, name := range []string{streamsParts, agentsSwitch, distributedParts} {
		if os.Getenv(name) != "" {
			os.Exit(harness.MainOfBenches(m))
		}
	}
	os.Exit(m.Run()) // without a benchmark, nothing here needs Docker
}
