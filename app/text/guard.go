package text

import (
	"fmt"
	"path"
	"runtime"
	"strings"
	"sync/atomic"
)

// Panic describes a panic that a student's text caused: its kind and its place. It never contains a word of the text.
type Panic struct {
	Type  string // of its value, such as "runtime.boundsError"
	Place string // the function, file and line that panicked
}

var panicObserver atomic.Pointer[func(Panic)]

// ObservePanics sets the function that is called with every panic that Guard recovers from.
func ObservePanics(observe func(Panic)) { panicObserver.Store(&observe) }

// Guard calls read and reports whether it returned normally. All code that reads a student's text runs inside a Guard,
// so that a panic costs only the piece of text that caused it, not the whole answer. Nothing else recovers from such
// panics.
func Guard(read func()) (ok bool) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if observe := panicObserver.Load(); observe != nil && *observe != nil {
			(*observe)(Panic{Type: fmt.Sprintf("%T", v), Place: panicPlace()})
		}
	}()
	read()
	return true
}

// panicPlace returns the innermost frame outside the runtime. It must be called by Guard's deferred function.
func panicPlace() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])]) // skip Callers, panicPlace and Guard's deferred function
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf("%s (%s:%d)", path.Base(f.Function), path.Base(f.File), f.Line)
		}
		if !more {
			return "unknown"
		}
	}
}

// guardEach calls read with every number below n. It skips a number for which read panics.
func guardEach(n int, read func(i int)) {
	for i := 0; i < n; i++ {
		Guard(func() {
			for ; i < n; i++ {
				read(i)
			}
		})
	}
}
