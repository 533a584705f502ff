//go:build race

package sandbox

// dataLimited is false because the race detector maps more memory than the limit.
const dataLimited = false
