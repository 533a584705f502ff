// Package process makes the two kinds of process: the supervisor (Serve) and its workers (Work). It is where the other
// packages meet: it reads the settings, divides the memory, and wires.
package process

// ErrorPrefix begins each line in which the program tells why it failed.
const ErrorPrefix = "studysharper: "

// BootError is what a process that cannot start to serve ends with; it knows why.
type BootError struct{ error }

// Unwrap gives the reason.
func (e BootError) Unwrap() error { return e.error }
