//go:build race

package testkit

import "testing"

// SkipRace skips a test that measures memory if it is built with the race detector, whose own memory distorts the
// figures.
func SkipRace(t testing.TB) {
	t.Helper()
	t.Skip("the race detector's own memory is many times what is measured; run without -race")
}
