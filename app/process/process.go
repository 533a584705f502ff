// Package process implements the two kinds of process: the supervisor (Serve) and its workers (Work). It reads the
// settings, divides the memory and connects the other packages.
package process

// ErrorPrefix begins each line of the program's error messages.
const ErrorPrefix = "studysharper: "

// BootError is the error of a process that could not start.
type BootError struct{ error }

// Unwrap returns the reason.
func (e BootError) Unwrap() error { return e.error }
