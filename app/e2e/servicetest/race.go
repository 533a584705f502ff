//go:build race

package servicetest

// RaceDetector tells that the tests are built with the race detector.
const RaceDetector = true
