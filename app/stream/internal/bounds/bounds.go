// Package bounds sets the default values of the journals' options.
package bounds

import "time"

// SetDefault sets an option that is 0 to its default. It panics if the option is negative.
func SetDefault[T int | int64 | time.Duration](option *T, value T) {
	if *option < 0 {
		panic("stream: a bound is below zero")
	}
	if *option == 0 {
		*option = value
	}
}
