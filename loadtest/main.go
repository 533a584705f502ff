// Command loadtest sends many requests to a running StudySharper and reports how it coped. It extends the load test of
// the original backend. The one idea: what clients see and what the service reports share one time axis, and only an
// answer counts: a request is successful if its status is 200 and its body says so.
//
//	loadtest [flags] [URL]            a run; -h lists the flags
//	loadtest compare A.json B.json    compares two runs
//	loadtest bench-recycle [flags]    what clients notice when workers are replaced
//	loadtest bench-agents [flags]     what a chat costs each process
//	loadtest fakellm [flags]          a fake language model to test against
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"studysharper/loadtest/command"
	"studysharper/loadtest/report"
	"studysharper/loadtest/scenario/cost"
	"studysharper/loadtest/scenario/recycle"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// commands are the possible first arguments, besides the load test itself.
var commands = map[string]func(ctx context.Context, args []string, stdout, stderr io.Writer) error{
	"compare": compare, "bench-recycle": recycle.Run, "bench-agents": cost.Run, cost.ModelCommand: cost.ServeModel, "fakellm": serveFake,
}

// run is main without the process: it returns the exit status. The first SIGINT or SIGTERM
// ends it cleanly, the second at once.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	name, do := "loadtest", runTest
	if len(args) > 0 && commands[args[0]] != nil {
		name, do, args = name+" "+args[0], commands[args[0]], args[1:]
	}
	return command.Status(name, do(ctx, args, stdout, stderr), stderr)
}

// compare prints a comparison of two reports.
func compare(_ context.Context, files []string, stdout, _ io.Writer) error {
	if len(files) != 2 {
		return command.Misused(errors.New("give two files that -json wrote"))
	}
	var runs []*report.Report
	for _, name := range files {
		r, err := readReport(name)
		if err != nil {
			return command.Misused(err)
		}
		runs = append(runs, r)
	}
	return report.Compare(stdout, runs[0], runs[1])
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
