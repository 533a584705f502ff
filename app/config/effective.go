package config

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"studysharper/app/store"
	"studysharper/app/study"
)

// Effective is what the service starts with.
type Effective struct {
	Config   Config
	Budget   Budget
	Files    Files
	Warnings []string // accepted settings that are probably mistakes; only Prepare finds them
}

// Environment returns the environment of this process.
func Environment() map[string]string {
	environment := map[string]string{}
	for _, entry := range os.Environ() {
		if name, value, ok := strings.Cut(entry, "="); ok {
			environment[name] = value
		}
	}
	return environment
}

// Read loads the settings and divides the memory limit (in bytes; 0 = no limit) and the open files, as each process of
// the service does. Its error contains Faults.
func Read(environment map[string]string, limit int64) (e Effective, err error) {
	if e.Config, err = Load(environment); err != nil {
		return e, err
	}
	if e.Budget, err = Split(limit, e.Config); err != nil {
		return e, err
	}
	e.Files, err = SplitFiles(OpenFiles(), e.Config)
	return e, err
}

// Probe queries once a service that the settings name. It returns warnings if the service does not answer, and Faults
// if the service refuses access.
type Probe func(ctx context.Context, c Config) (warnings []string, err error)

// Prepare is Read for the start: it also collects warnings, including those of the probe. serve and check-config both
// call it, so that they refuse the same settings.
func Prepare(ctx context.Context, environment map[string]string, limit int64, probe Probe) (e Effective, err error) {
	if e, err = Read(environment, limit); err != nil {
		return e, err
	}
	e.Warnings = Warnings(environment, e.Config)
	if n := e.Files.MaxStreams(e.Config); n < e.Config.SSEMaxStreams {
		e.Warnings = append(e.Warnings, fmt.Sprintf("SSE_MAX_STREAMS=%d: the limit of %d open files leaves room for %d event streams; more get 503", e.Config.SSEMaxStreams, e.Files.Limit, n))
	}
	unreached, err := probe(ctx, e.Config)
	e.Warnings = append(e.Warnings, unreached...)
	return e, err
}

// Warnings finds settings that have no effect, or probably not the intended one.
func Warnings(environment map[string]string, c Config) []string {
	warnings, given := Misspelt(slices.Sorted(maps.Keys(environment))), Given(environment)
	if c.MaxRequests == 0 && given["MAX_REQUESTS_JITTER"] != "" {
		warnings = append(warnings, "MAX_REQUESTS_JITTER has no effect: MAX_REQUESTS is 0, so no worker is recycled for its requests")
	}
	if c.LLMProvider == "offline" && given["LLM_BASE_URL"] != "" {
		warnings = append(warnings, "LLM_BASE_URL has no effect: LLM_PROVIDER is offline")
	}
	if c.UnusedKey() {
		warnings = append(warnings, "OPENROUTER_API_KEY has no effect: it is sent to openrouter.ai only; set LLM_API_KEY for the LLM_BASE_URL")
	}
	if c.Production() && c.AuthMode == AuthNone {
		warnings = append(warnings, "AUTH_MODE=none: `user_id` is trusted as sent, so anyone reads and deletes everyone's notes")
	}
	return warnings
}

// Check is the check-config command: it prints the settings, with secrets redacted, and how memory and open files are
// divided. It refuses what serve would refuse, including an unusable database file. It does not connect to PostgreSQL:
// whether that answers does not depend on the settings.
func Check(ctx context.Context, out io.Writer, environment map[string]string, limit int64, probe Probe) error {
	e, err := Prepare(ctx, environment, limit, probe)
	if err != nil {
		return err
	}
	c, b, f := e.Config, e.Budget, e.Files
	if strings.HasPrefix(c.DatabaseURL, "sqlite:") {
		if _, err := store.Check(ctx, c.DatabaseURL); err != nil {
			return Faults{{Setting: "DATABASE_URL", Value: c.DatabaseURL, Accepted: study.AsError(err).Message}}
		}
	}
	for _, warning := range e.Warnings {
		if _, err := fmt.Fprintln(out, "# warning: "+warning); err != nil {
			return err
		}
	}
	if err := c.Print(out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "# memory: %d MB, of which supervisor %d MB (journals %d MB), %d workers of %d MB (cache %d MB), %d MB free for the kernel\n",
		b.Limit/MiB, b.Supervisor/MiB, b.Journals/MiB, b.Workers, b.Worker/MiB, b.Cache/MiB, b.Kernel/MiB)
	if err == nil {
		_, err = fmt.Fprintf(out, "# open files: %d a process, which leaves room for %d event streams\n", f.Limit, f.MaxStreams(c))
	}
	return err
}
