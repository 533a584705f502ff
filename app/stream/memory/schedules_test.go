//go:build !race

package memory

// schedules of TestFault_S7: the race detector takes ten times as long for each.
const schedules = 100_000
