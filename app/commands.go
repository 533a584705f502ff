package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"studysharper/app/auth"
	"studysharper/app/cluster"
	"studysharper/app/config"
	"studysharper/app/doctor"
	"studysharper/app/extract/sandbox"
	"studysharper/app/memory"
	"studysharper/app/process"
	"studysharper/app/store"
)

// healthWait bounds the healthcheck command.
const healthWait = 2 * time.Second

// commands is the command line that section 1 of the contract describes. A bare `studysharper` runs `serve`.
func commands(stdout io.Writer) *cobra.Command {
	root := serveCommand("studysharper")
	root.Short = "A memory-bounded backend for an AI study assistant"
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		serveCommand("serve"),
		&cobra.Command{Use: "worker", Hidden: true, Args: noArgs, Short: "One worker (internal; started by the supervisor)",
			RunE: func(*cobra.Command, []string) error { return process.Work(version) }},
		extractCommand(stdout),
		healthcheckCommand(),
		&cobra.Command{Use: "doctor", Args: noArgs, Short: "Check this machine's resources and dependencies; exit 1 when a check fails",
			RunE: func(cmd *cobra.Command, _ []string) error { return doctor.Run(cmd.Context(), stdout) }},
		&cobra.Command{Use: "settings", Args: noArgs, Short: "Print the table of all settings as Markdown",
			RunE: func(*cobra.Command, []string) error { return config.PrintSettings(stdout) }},
		&cobra.Command{Use: "check-config", Args: noArgs, Short: "Validate the settings and print them, secrets redacted",
			RunE: func(cmd *cobra.Command, _ []string) error {
				return config.Check(cmd.Context(), stdout, config.Environment(), memory.Limit(), cluster.CheckSettings)
			}},
		&cobra.Command{Use: "claim USER_ID", Args: oneArg, Short: "Create an account that takes over the data of a user_id from AUTH_MODE=none, and print its study code",
			RunE: withDatabase(func(ctx context.Context, url string, args []string) error { return claim(ctx, stdout, url, args[0]) })},
		&cobra.Command{Use: "migrate", Args: noArgs, Short: "Bring the database up to this version's schema, as a start does, and exit",
			RunE: withDatabase(func(ctx context.Context, url string, _ []string) error { return store.Migrate(ctx, url) })},
		&cobra.Command{Use: "backup FILE", Args: oneArg, Short: "Write a consistent copy of the SQLite database to a new file, also while the service runs",
			RunE: withDatabase(func(ctx context.Context, url string, args []string) error { return store.Backup(ctx, url, args[0]) })},
		&cobra.Command{Use: "restore FILE", Args: oneArg, Short: "Replace the SQLite database with a backup and keep the old file next to it; the service must be stopped",
			RunE: withDatabase(func(ctx context.Context, url string, args []string) error { return store.Restore(ctx, url, args[0]) })},
		&cobra.Command{Use: "version", Args: noArgs, Short: "Version, commit, Go version",
			RunE: func(*cobra.Command, []string) error {
				_, err := fmt.Fprintf(stdout, "studysharper %s (commit %s, %s)\n", version, commit, runtime.Version())
				return err
			}},
	)
	return root
}

// withDatabase calls do with the DATABASE_URL of the environment and the command's arguments.
func withDatabase(do func(ctx context.Context, url string, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := config.Load(config.Environment())
		if err != nil {
			return err
		}
		return do(cmd.Context(), c.DatabaseURL, args)
	}
}

func extractCommand(stdout io.Writer) *cobra.Command {
	cmd := &cobra.Command{Use: "extract", Hidden: true, Args: noArgs, Short: "Read one file (internal; started by a worker)"}
	fill := cmd.Flags().String("fill", "", "compile the PDF reader into this folder, and read nothing")
	cmd.RunE = func(*cobra.Command, []string) error {
		if *fill != "" {
			return sandbox.Fill(*fill)
		}
		return sandbox.Serve(os.Stdin, stdout)
	}
	return cmd
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown command or argument %q for %q", args[0], cmd.CommandPath())}
	}
	return nil
}

func oneArg(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return usageError{fmt.Errorf("usage: studysharper %s", cmd.Use)}
	}
	return nil
}

// flagSettings maps flags to settings of the supervisor. The flags are gunicorn's; --bind is handled separately.
var flagSettings = map[string]string{
	"workers":             "WEB_CONCURRENCY",
	"timeout":             "WORKER_TIMEOUT",
	"graceful-timeout":    "GRACEFUL_TIMEOUT",
	"max-requests":        "MAX_REQUESTS",
	"max-requests-jitter": "MAX_REQUESTS_JITTER",
	"worker-tmp-dir":      "WORKER_TMP_DIR",
}

func serveCommand(name string) *cobra.Command {
	cmd := &cobra.Command{Use: name, Args: noArgs, Short: "Run the server (supervisor and workers)"}
	flags := cmd.Flags()
	flags.String("bind", "", "HOST:PORT to listen at (HOST, PORT)")
	for flag, setting := range flagSettings {
		flags.String(flag, "", "overrides "+setting)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		environment, flagged := config.Environment(), typed{}
		for flag, setting := range flagSettings {
			if cmd.Flags().Changed(flag) {
				environment[setting] = cmd.Flag(flag).Value.String()
				flagged[setting] = config.Fault{Setting: "--" + flag}
			}
		}
		if cmd.Flags().Changed("bind") {
			bind := cmd.Flag("bind").Value.String()
			host, port, err := net.SplitHostPort(bind)
			if err != nil {
				return config.Faults{{Setting: "--bind", Value: bind, Accepted: "must be HOST:PORT"}}
			}
			environment["HOST"], environment["PORT"] = cmp.Or(host, "0.0.0.0"), port
			flagged["HOST"], flagged["PORT"] = config.Fault{Setting: "--bind", Value: bind, Accepted: "the host "}, config.Fault{Setting: "--bind", Value: bind, Accepted: "the port "}
		}
		return flagged.name(process.Serve(environment, version, commit))
	}
	return cmd
}

// typed maps the settings that were given as flags to their flags, so that a fault names the flag. For --bind it also
// has the typed value, and says which part of it is at fault.
type typed map[string]config.Fault

func (t typed) name(err error) error {
	faults, ok := errors.AsType[config.Faults](err)
	if !ok {
		return err
	}
	named := slices.Clone(faults)
	for i, f := range named {
		if flag, ok := t[f.Setting]; ok {
			named[i] = config.Fault{Setting: flag.Setting, Value: cmp.Or(flag.Value, f.Value), Accepted: flag.Accepted + f.Accepted}
		}
	}
	return named
}

func healthcheckCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "healthcheck", Args: noArgs, Short: "Exit 0 if /readyz answers 200 within 2 s, else 1"}
	url := cmd.Flags().String("url", "", "the URL to request (default http://127.0.0.1:$PORT/readyz)")
	cmd.RunE = func(*cobra.Command, []string) error {
		if *url == "" {
			*url = "http://" + net.JoinHostPort("127.0.0.1", cmp.Or(strings.TrimSpace(os.Getenv("PORT")), "8000")) + "/readyz"
		}
		return healthcheck(*url)
	}
	return cmd
}

func healthcheck(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), healthWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return usageError{err}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", response.Status)
	}
	return nil
}

// claim gives a user_id an account and prints its study code. The service may be running.
func claim(ctx context.Context, out io.Writer, url, user string) error {
	s, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		return err
	}
	code, err := auth.Claim(ctx, s, user)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, code)
	return err
}
