package process

import (
	"testing"

	"studysharper/app/config"
)

func TestTheJournalsHoldEveryRunTheWorkersLetIn(t *testing.T) {
	for runs, want := range map[int]int{1: 1024, 64: 1024, 1024: 1024, 1025: 1025, 100_000: 100_000} {
		if got := journalBounds(config.Config{MaxRuns: runs}, config.Budget{}).MaxRuns; got != want {
			t.Errorf("MAX_CONCURRENT_RUNS=%d: the journals hold %d runs, want %d", runs, got, want)
		}
	}
}
