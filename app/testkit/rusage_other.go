//go:build !linux

package testkit

import "syscall"

// Other systems do not count for a thread alone.
const rusageThread = syscall.RUSAGE_SELF
