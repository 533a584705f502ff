//go:build !race

package testkit

import "testing"

// SkipRace skips a test that measures memory if it is built with the race detector. This build is not.
func SkipRace(testing.TB) {}
