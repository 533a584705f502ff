// Package bounds fills in the bounds that the options of the journals leave out.
package bounds

import "time"

// SetDefault gives an option that is 0 its default. It panics if the option is below zero.
func SetDefault[T int | int64 | time.Duration](option *T, value T) {
	if *option < 0 {
		panic("stream: a bound is below zero")
	}
	if *option == 0 {
		*option = value
	}
}
