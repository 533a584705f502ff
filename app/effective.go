package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"studysharper/app/cluster"
	"studysharper/app/config"
	"studysharper/app/memory"
)

// effective is what the service is started with. It is made in one place, so that
// check-config refuses exactly what serve refuses.
type effective struct {
	Config   config.Config
	Budget   config.Budget
	Files    config.Files
	warnings []string // settings that are served with, yet can hardly be meant
}

// newEffective is readEffective with its warnings, for the start; it asks Redis once. What cannot be
// served with is in the error, as Faults.
func newEffective(ctx context.Context, environment map[string]string, limit int64) (e effective, err error) {
	if e, err = readEffective(environment, limit); err != nil {
		return e, err
	}
	e.warnings = warningsOf(environment, e.Config)
	if n := e.Files.MaxStreams(e.Config); n < e.Config.SSEMaxStreams {
		e.warnings = append(e.warnings, fmt.Sprintf("SSE_MAX_STREAMS=%d: the limit of %d open files leaves room for %d event streams; more get 503", e.Config.SSEMaxStreams, e.Files.Limit, n))
	}
	unreached, err := checkRedis(ctx, e.Config)
	e.warnings = append(e.warnings, unreached...)
	return e, err
}

// readEffective reads the settings and divides the memory limit (0 = none is set) and the open files, as each process of
// the service does.
func readEffective(environment map[string]string, limit int64) (e effective, err error) {
	if e.Config, err = config.Load(environment); err != nil {
		return e, err
	}
	if e.Budget, err = config.Split(limit, e.Config); err != nil {
		return e, err
	}
	e.Files, err = config.SplitFiles(config.OpenFiles(), e.Config)
	return e, err
}

// warningsOf finds settings that do nothing, or not what they seem to.
func warningsOf(environment map[string]string, c config.Config) []string {
	warnings, given := config.Misspelt(slices.Sorted(maps.Keys(environment))), config.Given(environment)
	if c.MaxRequests == 0 && given["MAX_REQUESTS_JITTER"] != "" {
		warnings = append(warnings, "MAX_REQUESTS_JITTER has no effect: MAX_REQUESTS is 0, so no worker is recycled for its requests")
	}
	if c.LLMProvider == "offline" && given["LLM_BASE_URL"] != "" {
		warnings = append(warnings, "LLM_BASE_URL has no effect: LLM_PROVIDER is offline")
	}
	if c.UnusedKey() {
		warnings = append(warnings, "OPENROUTER_API_KEY has no effect: it is sent to openrouter.ai only; set LLM_API_KEY for the LLM_BASE_URL")
	}
	if c.Production() && c.JWTSecret == "" && c.JWTJWKSURL == "" {
		warnings = append(warnings, "there is no user authentication: `user_id` is trusted as sent (JWT_SECRET, JWT_JWKS_URL)")
	}
	return warnings
}

// memoryLimit is the container's memory limit in bytes; 0 = none is set.
func memoryLimit() int64 {
	usage, err := memory.OpenCgroup(os.DirFS("/")).Memory()
	if err != nil {
		return 0
	}
	return usage.LimitBytes
}

// checkRedis asks Redis once before anything is started. One that refuses the settings is a
// fault; one that does not answer may come later.
func checkRedis(ctx context.Context, c config.Config) (warnings []string, err error) {
	if c.RedisURL == "" {
		return nil, nil
	}
	switch _, refused, err := cluster.Probe(ctx, c.RedisURL); {
	case refused:
		return nil, config.Faults{{Setting: "REDIS_URL", Value: config.RedactURL(c.RedisURL), Accepted: "is refused by Redis: " + oneLine(err.Error())}}
	case err != nil:
		return []string{"Redis does not answer: running standalone until it does (" + oneLine(err.Error()) + ")"}, nil
	}
	return nil, nil
}

// oneLine keeps a message on its line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// environ is the process's environment as a map.
func environ() map[string]string {
	environment := map[string]string{}
	for _, entry := range os.Environ() {
		if name, value, ok := strings.Cut(entry, "="); ok {
			environment[name] = value
		}
	}
	return environment
}
