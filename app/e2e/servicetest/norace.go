//go:build !race

package servicetest

// raceDetector tells that the tests are built without the race detector.
const raceDetector = false
