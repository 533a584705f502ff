//go:build !race

package sandbox

// dataLimited says that RLIMIT_DATA is set.
const dataLimited = true
