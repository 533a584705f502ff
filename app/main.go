// Command studysharper is the backend of an AI study assistant. Without arguments it runs the supervisor, which starts
// the worker processes. This package is the command line; package process implements the processes.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"studysharper/app/config"
	"studysharper/app/extract/sandbox"
	"studysharper/app/memory"
	"studysharper/app/process"
	"studysharper/app/supervisor"
)

// version and commit are set by the build: -ldflags "-X main.version=… -X main.commit=…". Every place that shows a
// version shows this one.
var (
	version = "1.0.0"
	commit  = "unknown"
)

const (
	exitFailure = 1                   // anything else
	exitUsage   = 2                   // an invalid setting, flag or command
	exitBoot    = supervisor.ExitBoot // the service could not start
)

func main() {
	status := execute(os.Args[1:], os.Stdout, os.Stderr)
	_ = memory.AdviseSequential() // keeps the program's file pages reclaimable
	os.Exit(status)
}

// execute runs the whole program except for the exit.
func execute(args []string, stdout, stderr io.Writer) int {
	root := commands(stdout)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	if err == nil {
		return 0
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		_, _ = fmt.Fprintln(stderr, process.ErrorPrefix+line)
	}
	return status(err)
}

// usageError reports a command line that cannot be parsed.
type usageError struct{ error }

func status(err error) int {
	if _, ok := errors.AsType[config.Faults](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[usageError](err); ok || errors.Is(err, supervisor.ErrByHand) || errors.Is(err, sandbox.ErrByHand) {
		return exitUsage
	}
	if _, ok := errors.AsType[process.BootError](err); ok || errors.Is(err, supervisor.ErrBoot) {
		return exitBoot
	}
	return exitFailure
}
