//go:build !race

package sandbox

// dataLimited means that RLIMIT_DATA is set.
const dataLimited = true
