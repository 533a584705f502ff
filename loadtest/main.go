// Command loadtest asks a running StudySharper for many answers at once and says how it bore that: the load test of the
// original backend, grown up. The one idea: what a client sees and what the service says of itself stand on one time axis, and
// only an answer counts: a request is successful when its status is 200 and its body says so.
//
//	loadtest [flags] [URL]            a run; -h lists the flags
//	loadtest compare A.json B.json    two runs beside each other
//	loadtest bench-recycle [flags]    what clients notice when workers are replaced
//	loadtest bench-agents [flags]     what a chat costs each process
//	loadtest fakellm [flags]          a fake language model to test against
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"studysharper/loadtest/report"
	"studysharper/loadtest/scenario/cost"
	"studysharper/loadtest/scenario/recycle"
)

// The exit statuses.
const (
	exitPassed   = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNoHealth = 3
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main without the process: it returns the exit status. It ends early, and in
// good order, on SIGINT and SIGTERM; on the second one at once.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	switch {
	case len(args) > 0 && args[0] == "fakellm":
		return serveFake(ctx, args[1:], stdout, stderr)
	case len(args) > 0 && args[0] == "bench-recycle":
		return recycle.Run(ctx, args[1:], stdout, stderr)
	case len(args) > 0 && args[0] == "bench-agents":
		return cost.Run(ctx, args[1:], stdout, stderr)
	case len(args) > 0 && args[0] == cost.ModelCommand:
		return cost.ServeModel(ctx, stderr)
	case len(args) > 0 && args[0] == "compare":
		return compare(args[1:], stdout, stderr)
	}
	s, err := parseSettings(ctx, args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitPassed
	case err != nil:
		fmt.Fprintln(stderr, "loadtest:", err)
		return exitUsage
	}
	return test(ctx, s, stdout, stderr)
}

// compare prints two reports beside each other.
func compare(files []string, stdout, stderr io.Writer) int {
	var runs []*report.Report
	if len(files) != 2 {
		fmt.Fprintln(stderr, "loadtest compare: give two files that -json wrote")
		return exitUsage
	}
	for _, name := range files {
		r, err := readReport(name)
		if err != nil {
			fmt.Fprintln(stderr, "loadtest compare:", err)
			return exitUsage
		}
		runs = append(runs, r)
	}
	if err := report.Compare(stdout, runs[0], runs[1]); err != nil {
		fmt.Fprintln(stderr, "loadtest compare:", err)
		return exitFailed
	}
	return exitPassed
}

func readReport(name string) (*report.Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := report.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}
