// Command loadtest sends many requests to a running StudySharper and reports how it coped. It extends the load test of
// the original backend. The one idea: what clients see and what the service reports share one time axis, and only an
// answer counts: a request is successful if its status is 200 and its body says so.
//
//	loadtest [flags] [URL]            a run; -h lists the flags
//	loadtest bench-recycle [flags]    what clients notice when workers are replaced
//	loadtest bench-agents [flags]     what a chat costs each process
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"studysharper/loadtest/command"
	"studysharper/loadtest/scenario/cost"
	"studysharper/loadtest/scenario/recycle"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// commands are the possible first arguments, besides the load test itself.
var commands = map[string]func(ctx context.Context, args []string, stdout, stderr io.Writer) error{
	"bench-recycle": recycle.Run, "bench-agents": cost.Run, cost.ModelCommand: cost.ServeModel,
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
