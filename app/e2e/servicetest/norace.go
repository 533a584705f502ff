//go:build !race

package servicetest

// RaceDetector tells that the tests are built without the race detector.
const RaceDetector = false
