//go:build faulttest

package supervisor

import (
	"fmt"
	"os"
	"time"
)

// faultVar is the variable that makes workers fail while they boot: "exit 2-6" ends workers of the second to sixth
// generation of each slot, "slow 2-6" delays them by slowBoot, and with "hang 2-6" they never become ready. Only builds
// with the tag faulttest read it; they are for tests.
const faultVar = "FAULT_BOOT"

const (
	slowBoot = 2 * time.Second
	hungBoot = time.Hour
)

// FaultAtBoot makes a worker of this generation fail as faultVar says. It returns an error for an invalid value too, so
// that a typing error does not make a test pass.
func FaultAtBoot(generation int) error {
	wanted := os.Getenv(faultVar)
	if wanted == "" {
		return nil
	}
	var how string
	var first, last int
	if _, err := fmt.Sscanf(wanted, "%s %d-%d", &how, &first, &last); err != nil {
		return fmt.Errorf("%s=%q: %w", faultVar, wanted, err)
	}
	if generation < first || generation > last {
		return nil
	}
	switch how {
	case "slow":
		time.Sleep(slowBoot)
		return nil
	case "hang":
		time.Sleep(hungBoot)
	}
	return fmt.Errorf("%s=%q: this worker is of generation %d", faultVar, wanted, generation)
}
