// Command studysharper is the backend of an AI study assistant. Started plainly it
// is the supervisor of its own worker processes. This package is the only place
// where the others meet: it reads the settings, divides the memory, and wires.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"studysharper/app/memory"
)

func main() {
	status := execute(os.Args[1:], os.Stdout, os.Stderr)
	_ = memory.AdviseSequential() // then the program's memory looks needed, no more
	os.Exit(status)
}

// execute is the whole program but for the exit.
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
		_, _ = fmt.Fprintln(stderr, errorPrefix+line)
	}
	return status(err)
}
