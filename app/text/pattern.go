package text

import (
	"regexp"
	"sync"
)

// Pattern compiles a regular expression when it is first used, because most processes use hardly any of them. The first
// use panics if the expression is invalid.
func Pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
