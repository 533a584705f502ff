//go:build !race

package memory

// schedules is how many schedules TestFault_S7 runs; it is smaller under the race detector, which makes each ten times
// slower.
const schedules = 100_000
