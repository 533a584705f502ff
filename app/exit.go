package main

import (
	"errors"

	"studysharper/app/config"
	"studysharper/app/extract/sandbox"
	"studysharper/app/supervisor"
)

// version and commit are set by the build: -ldflags "-X main.version=… -X main.commit=…".
// Whatever names a version names this one.
var (
	version = "1.0.0"
	commit  = "unknown"
)

// The exit statuses.
const (
	exitFailure = 1                   // it went wrong
	exitUsage   = 2                   // an invalid setting, flag or command
	exitBoot    = supervisor.ExitBoot // nothing can be served
)

// errorPrefix begins each line that tells why the program failed.
const errorPrefix = "studysharper: "

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func status(err error) int {
	if _, ok := errors.AsType[config.Faults](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[usageError](err); ok || errors.Is(err, supervisor.ErrByHand) || errors.Is(err, sandbox.ErrByHand) {
		return exitUsage
	}
	if _, ok := errors.AsType[bootError](err); ok || errors.Is(err, supervisor.ErrBoot) {
		return exitBoot
	}
	return exitFailure
}

// bootError is what a process that cannot start to serve ends with; it knows why.
type bootError struct{ error }

func (e bootError) Unwrap() error { return e.error }
