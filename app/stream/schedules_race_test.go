//go:build race

package stream

const schedules = 5_000
