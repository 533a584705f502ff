// Command loadtest asks a running StudySharper for many answers at once and says how
// it bore that: the load test of the original backend, with the percentiles it
// lacked. The one idea: only an answer counts, so a request is successful when its
// status is 200 and its body says so. `loadtest fakellm` serves a fake language
// model to test against; see package fakellm.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"studysharper/app/study"
)

// The exit statuses.
const (
	exitPassed   = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNoHealth = 3
)

// Bounds of the settings.
const (
	maxRequests     = 10_000_000
	maxConcurrent   = 10_000
	maxTimeout      = time.Hour
	maxContentBytes = 1 << 20
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main without the process: it gives the exit status. It ends early on
// SIGINT and SIGTERM.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) > 0 && args[0] == "fakellm" {
		return serveFake(ctx, args[1:], stdout, stderr)
	}
	s, err := parseSettings(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitPassed
	case err != nil:
		fmt.Fprintln(stderr, "loadtest:", err)
		return exitUsage
	}
	return test(ctx, s, stdout, stderr)
}

// settings is what a test run is made of.
type settings struct {
	target     *url.URL
	requests   int
	concurrent int
	kind       study.Type
	content    string // sent as options.content; "" = none
	timeout    time.Duration
	json       bool
}

// parseSettings reads flags and the target, in any order.
func parseSettings(args []string, stderr io.Writer) (settings, error) {
	s := settings{}
	var kind, contentFile string
	var own bool
	fs := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	fs.IntVar(&s.requests, "n", 50, "requests to make")
	fs.IntVar(&s.concurrent, "c", 10, "requests at once")
	fs.StringVar(&kind, "type", string(study.Chat), "request `type`")
	fs.StringVar(&contentFile, "content", "", "`file` whose text is sent as options.content")
	fs.DurationVar(&s.timeout, "timeout", 2*time.Minute, "of one request")
	fs.BoolVar(&s.json, "json", false, "write the summary as JSON to standard output, and all else to standard error")
	fs.BoolVar(&own, "i-own-this-target", false, "allow a target that is not this machine")
	words, err := parseFlags(fs, args, synopsis, stderr)
	if err != nil {
		return s, err
	}
	if len(words) > 1 {
		return s, fmt.Errorf("one target at a time, not %d", len(words))
	}
	s.kind = study.Type(kind)
	if err := s.check(); err != nil {
		return s, err
	}
	if s.content, err = readContent(contentFile); err != nil {
		return s, err
	}
	s.target, err = parseTarget(append(words, "http://localhost:8000")[0], own)
	return s, err
}

const synopsis = `usage: loadtest [flags] [URL]   (default http://localhost:8000)
       loadtest fakellm [flags]   (a fake language model to test against)
`

// parseFlags parses flags before and after words, and gives the words. It writes
// the usage for -h only; a wrong flag is one line, the error's.
func parseFlags(fs *flag.FlagSet, args []string, synopsis string, stderr io.Writer) ([]string, error) {
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	var words []string
	for {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stderr, synopsis)
			fs.SetOutput(stderr)
			fs.PrintDefaults()
		}
		if err != nil {
			return nil, err
		}
		if fs.NArg() == 0 {
			return words, nil
		}
		words, args = append(words, fs.Arg(0)), fs.Args()[1:]
	}
}

// check names a setting that is out of bounds.
func (s settings) check() error {
	switch {
	case s.requests < 1 || s.requests > maxRequests:
		return fmt.Errorf("-n %d: must be 1 to %d", s.requests, maxRequests)
	case s.concurrent < 1 || s.concurrent > maxConcurrent:
		return fmt.Errorf("-c %d: must be 1 to %d", s.concurrent, maxConcurrent)
	case s.timeout <= 0 || s.timeout > maxTimeout:
		return fmt.Errorf("-timeout %v: must be above 0 and at most %v", s.timeout, maxTimeout)
	case !slices.Contains(study.Types(), s.kind):
		return fmt.Errorf("-type %q: must be one of %s", s.kind, study.Types())
	}
	return nil
}

func readContent(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("-content: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxContentBytes+1))
	if err != nil {
		return "", fmt.Errorf("-content: %w", err)
	}
	if len(text) > maxContentBytes {
		return "", fmt.Errorf("-content %s: longer than %d bytes", file, maxContentBytes)
	}
	return string(text), nil
}

// parseTarget refuses what is no base URL of a server that may be put under load.
func parseTarget(text string, own bool) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		return nil, fmt.Errorf("target %q has no scheme: say http://%s", text, text)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("target is no URL: %w", err)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("target %q: must be http:// or https://", u.Redacted())
	case u.Hostname() == "":
		return nil, fmt.Errorf("target %q names no host", u.Redacted())
	case !own && !loopback(u.Hostname()):
		return nil, fmt.Errorf("target %q is not this machine: add -i-own-this-target if you may put it under load", u.Redacted())
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
