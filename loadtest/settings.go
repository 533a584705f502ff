package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"studysharper/app/study"
	"studysharper/loadtest/client"
	"studysharper/loadtest/command"
	"studysharper/loadtest/pace"
	"studysharper/loadtest/report"
	"studysharper/loadtest/scenario"
)

// Bounds of the settings.
const (
	maxRequests     = 10_000_000
	maxConcurrent   = 10_000
	maxTimeout      = time.Hour
	maxDuration     = 24 * time.Hour
	maxRate         = 1_000_000 // requests a second
	maxContentBytes = 1 << 20
	maxNotesBytes   = 16 << 20
	maxKeys         = 1_000_000
)

// Defaults that depend on what else is set.
const (
	defaultRequests   = 50 // as in the original load test
	defaultConcurrent = 10
	defaultOpen       = 1000 // concurrent requests of an open load
	defaultHold       = 30 * time.Second
	toStdout          = "-"
)

// settings configure a load test.
type settings struct {
	target     *client.Target
	scenario   scenario.Entry
	plan       pace.Plan
	options    scenario.Options // except Target and Sheet
	goals      report.Goals
	adminToken string
	jsonFile   string
	model      string // description of the load
	unknown    error  // why the target's host could not be resolved; nil = it was
}

// given are the flags as given, before they are checked together.
type given struct {
	scenario, kind, contentFile, notesFile, token, memory string
	keepAlive, own, seedTargets                           bool
	set                                                   map[string]bool // names of the given flags
}

const synopsis = `usage: loadtest [flags] [URL]            (default http://localhost:8000)
       loadtest bench-recycle [flags]    what clients notice when workers are replaced

Exit status: 0 passed, 1 missed, 2 wrong usage, 3 the target is not healthy.

`

// parseSettings parses flags and the target, in any order, and resolves the target.
func parseSettings(ctx context.Context, args []string, stderr io.Writer) (settings, error) {
	s, g := settings{}, given{set: map[string]bool{}}
	fs := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	s.define(fs, &g)
	words, err := command.Parse(fs, nameOfJSON(args), synopsis, stderr)
	if err != nil {
		return s, err
	}
	fs.Visit(func(f *flag.Flag) { g.set[f.Name] = true })
	if s.scenario, err = scenario.Find(g.scenario); err != nil {
		return s, err
	}
	if len(words) > 1 {
		return s, fmt.Errorf("one target at a time, not %d", len(words))
	}
	s.defaults(g)
	for _, step := range []func(given) error{s.check, s.checkLoad, s.setGoals, s.readFiles, s.checkOutput} {
		if err := step(g); err != nil {
			return s, err
		}
	}
	s.model = s.describe()
	return s, s.setTarget(ctx, append(words, "http://localhost:8000")[0], g)
}

// define defines the flags.
func (s *settings) define(fs *flag.FlagSet, g *given) {
	var about strings.Builder
	about.WriteString("what clients do, one of")
	for _, e := range scenario.All {
		fmt.Fprintf(&about, "\n%s: %s", e.Name, e.About)
	}
	fs.StringVar(&g.scenario, "scenario", "chat", about.String())
	fs.Int64Var(&s.plan.Requests, "n", defaultRequests, "requests to make; no limit if -d is given")
	fs.IntVar(&s.plan.Workers, "c", defaultConcurrent, "concurrent requests; the default for an open load is 1000")
	fs.DurationVar(&s.plan.Duration, "d", 0, "how long to start requests, such as 30s")
	fs.Float64Var(&s.plan.Rate, "rate", 0, "open load: requests per second, regardless of earlier answers")
	fs.DurationVar(&s.plan.Think, "think", 0, "closed load: pause of a client between two requests")
	fs.BoolVar(&g.keepAlive, "keepalive", true, "false: a new connection for each request")
	fs.DurationVar(&s.options.Timeout, "timeout", 2*time.Minute, "time limit of one request, or of a run and its stream")
	fs.StringVar(&g.kind, "type", string(study.Chat), "request `type` of chat and streams")
	fs.StringVar(&g.contentFile, "content", "", "`file` whose text is sent as options.content with every request")
	fs.StringVar(&g.notesFile, "notes", "", "`file` of real text; each request is about a different piece")
	fs.IntVar(&s.options.Streams, "streams", 1000, "streams held open by idle-streams and recycle")
	fs.IntVar(&s.options.Keys, "keys", 500, "cache: number of different requests")
	fs.Float64Var(&s.options.Skew, "skew", 1.1, "cache: exponent of the Zipf distribution, above 1")
	fs.StringVar(&g.token, "token", os.Getenv("LOADTEST_TOKEN"), "a user's bearer `token`; default $LOADTEST_TOKEN")
	fs.StringVar(&s.adminToken, "admin-token", os.Getenv("ADMIN_TOKEN"), "to read the service's own metrics during the run; default $ADMIN_TOKEN")
	fs.StringVar(&s.jsonFile, "json", "", "write the report as JSON to this `file`; -: standard output, and all else to standard error")
	fs.DurationVar(&s.goals.MaxP95, "max-p95", 0, "threshold, such as 8s")
	fs.DurationVar(&s.goals.MaxP99, "max-p99", 0, "threshold, such as 10s")
	fs.Float64Var(&s.goals.MinSuccess, "min-success", 0, "threshold in percent; without any threshold a run needs more than 90")
	fs.StringVar(&g.memory, "max-memory", "", "threshold for the service's memory, such as 150MB; needs -admin-token")
	fs.BoolVar(&g.seedTargets, "seed-targets", false, "the original's targets: -max-p95 8s -min-success 95 -max-memory 150MB")
	fs.BoolVar(&g.own, "i-own-this-target", false, "allow a target that is not this machine")
	for _, secret := range []string{"token", "admin-token"} { // -h must not print secrets from the environment
		fs.Lookup(secret).DefValue = ""
	}
}

// nameOfJSON allows -json without a value, which means standard output.
func nameOfJSON(args []string) []string {
	var all []string
	for i, arg := range args {
		all = append(all, arg)
		if arg != "-json" && arg != "--json" {
			continue
		}
		if i+1 == len(args) || strings.HasPrefix(args[i+1], "-") && args[i+1] != toStdout || strings.Contains(args[i+1], "://") {
			all = append(all, toStdout)
		}
	}
	return all
}

// defaults sets what depends on other flags.
func (s *settings) defaults(g given) {
	if s.scenario.Holds && s.plan.Duration == 0 && !g.set["n"] {
		s.plan.Duration = defaultHold
	}
	if !g.set["n"] && s.plan.Duration > 0 {
		s.plan.Requests = 0
	}
	if s.plan.Rate != 0 && !g.set["c"] {
		s.plan.Workers = defaultOpen
	}
	s.options.Fresh = !g.keepAlive
	s.options.Type = study.Type(g.kind)
}

func (s *settings) setGoals(g given) error {
	explicit := s.goals
	if g.seedTargets {
		s.goals = report.SeedGoals()
		if g.set["max-p95"] {
			s.goals.MaxP95 = explicit.MaxP95
		}
		if g.set["min-success"] {
			s.goals.MinSuccess = explicit.MinSuccess
		}
		s.goals.MaxP99 = explicit.MaxP99
	}
	if g.memory != "" {
		var err error
		if s.goals.MaxMemory, err = report.ParseSize(g.memory); err != nil {
			return fmt.Errorf("-max-memory: %w", err)
		}
	}
	if s.goals.MaxMemory > 0 && s.adminToken == "" {
		return errors.New("-max-memory and -seed-targets need -admin-token: only the service knows its memory")
	}
	return nil
}

// setTarget sets the target. It refuses anything but a base URL of a server that may be put under load.
func (s *settings) setTarget(ctx context.Context, text string, g given) error {
	target, err := client.ParseTarget(text)
	if err != nil {
		return err
	}
	target.Token = g.token
	s.target = target
	s.unknown = target.Resolve(ctx)
	if !g.own && !target.Loopback() {
		return fmt.Errorf("target %q is not this machine: add -i-own-this-target if you may put it under load", target.URL.Redacted())
	}
	return nil
}

// describe describes how requests are made.
func (s *settings) describe() string {
	p := s.plan
	switch {
	case s.scenario.Name == "idle-streams":
		return fmt.Sprintf("%d streams held", s.options.Streams)
	case p.Rate > 0:
		return fmt.Sprintf("open, %v requests a second, at most %d at once", p.Rate, p.Workers)
	}
	words := fmt.Sprintf("closed, %d at once", p.Workers)
	if p.Think > 0 {
		words += fmt.Sprintf(", %v between two", p.Think)
	}
	return words
}
