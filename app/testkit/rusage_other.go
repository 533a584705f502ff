//go:build !linux

package testkit

import "syscall"

// Other systems do not measure a single thread.
const rusageThread = syscall.RUSAGE_SELF
