//go:build race

package memory

const schedules = 5_000
