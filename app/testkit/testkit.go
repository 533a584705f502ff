// Package testkit is what tests of several packages share.
package testkit

import (
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// SkipShort skips a test under -short, since it starts a server or takes long.
func SkipShort(t testing.TB, why string) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: " + why)
	}
}

// Size is small, or full where FULL=1 asks for tests at full length, as each night does.
func Size(small, full int) int {
	if os.Getenv("FULL") == "1" {
		return full
	}
	return small
}

// ProcessorTime is what a function takes of the processor, the shortest of several calls. Other processes do not count
// in it, nor other threads: f must do its work on its own goroutine.
func ProcessorTime(calls int, f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	shortest := threadTime(f)
	for range calls - 1 {
		shortest = min(shortest, threadTime(f))
	}
	return shortest
}

func threadTime(f func()) time.Duration {
	before := threadUsed()
	f()
	return threadUsed() - before
}

func threadUsed() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
