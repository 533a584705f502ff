// Command loadtest asks a running StudySharper for many answers at once and says how it bore that: the load test of the
// original backend, grown up. The one idea: what a client sees and what the service says of itself stand on one time axis, and
// only an answer counts: a request is successful when its status is 200 and its body says so.
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

// commands are what the first argument may name, besides the load test itself.
var commands = map[string]func(ctx context.Context, args []string, stdout, stderr io.Writer) error{
	"bench-recycle": recycle.Run, "bench-agents": cost.Run, cost.ModelCommand: cost.ServeModel,
}

// run is main without the process: it returns the exit status. It ends early, and in
// good order, on SIGINT and SIGTERM; on the second one at once.
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
