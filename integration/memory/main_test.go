package memory

import (
	"os"
	"testing"

	"studysharper/integration/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m, "memory")) }
