//go:build !race

package testkit

import "testing"

// SkipRace skips a test that measures memory when it is built with the race detector: not here.
func SkipRace(testing.TB) {}
