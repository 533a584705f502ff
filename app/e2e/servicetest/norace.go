//go:build !race

package servicetest

// raceDetector means that the tests are built without the race detector.
const raceDetector = false
