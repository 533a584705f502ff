package text

import (
	"regexp"
	"sync"
)

// Pattern compiles a regular expression when it is first used, because most processes start without using any. It panics then if
// the expression is not valid.
func Pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
