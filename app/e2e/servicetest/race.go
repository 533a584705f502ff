//go:build race

package servicetest

// raceDetector means that the tests are built with the race detector.
const raceDetector = true
