// Package testkit contains what tests of several packages share: waiting, servers, programs, the repository's files.
package testkit

import (
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// SkipShort skips a test under -short because it starts a server or takes long.
func SkipShort(t testing.TB, why string) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: " + why)
	}
}

// Size returns small, or full if FULL=1 requests tests at full length, as the nightly run does.
func Size(small, full int) int {
	if os.Getenv("FULL") == "1" {
		return full
	}
	return small
}

// ProcessorTime returns the processor time of f, the shortest of several calls. Other processes and threads are not
// counted: f must do its work on its own goroutine.
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
	if err := syscall.Getrusage(rusageThread, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
