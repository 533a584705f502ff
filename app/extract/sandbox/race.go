//go:build race

package sandbox

// dataLimited: the race detector maps more memory than the limit.
const dataLimited = false
