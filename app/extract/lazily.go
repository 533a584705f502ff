package extract

import (
	"regexp"
	"sync"
)

// lazily compiles a pattern when it is first used: this package is in the program that every worker runs, and only the process
// that reads a file needs it.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
