//go:build race

package servicetest

// raceDetector tells that the tests are built with the race detector.
const raceDetector = true
