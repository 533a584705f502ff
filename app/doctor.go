package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"studysharper/app/config"
	"studysharper/app/memory"
)

// severity is what a line of the doctor's means for the service.
type severity string

const (
	fine    severity = "ok"
	lacking severity = "warn" // it serves, but less well or less than it is set to
	broken  severity = "bad"  // it cannot be served with
)

// finding is one line: what this machine gives, and what that means.
type finding struct {
	severity severity
	subject  string
	says     string
}

func found(s severity, subject, format string, args ...any) finding {
	return finding{s, subject, fmt.Sprintf(format, args...)}
}

// errUnfit is what doctor ends with when something needed cannot be used.
var errUnfit = errors.New("a check failed: see the lines marked bad")

// doctor looks at the machine and at the neighbours that the settings name, and
// prints a line for each as soon as it is known: within about half a minute, and without
// a secret in it. It leaves nothing behind.
func doctor(ctx context.Context, stdout io.Writer) error {
	c, err := config.Load(environ())
	if err != nil {
		return err
	}
	unfit := false
	for _, look := range append(warningLines(environ(), c), examinations(ctx, c)...) {
		f := look()
		unfit = unfit || f.severity == broken
		if _, err := fmt.Fprintf(stdout, "%-4s  %-9s %s\n", f.severity, f.subject, f.says); err != nil {
			return err
		}
	}
	if unfit {
		return errUnfit
	}
	return nil
}

// warningLines are a line for each setting that can hardly be meant.
func warningLines(environment map[string]string, c config.Config) (lines []func() finding) {
	for _, warning := range warningsOf(environment, c) {
		lines = append(lines, func() finding { return found(lacking, "settings", "%s", warning) })
	}
	return lines
}

// examinations are the doctor's, in the order of their lines.
func examinations(ctx context.Context, c config.Config) []func() finding {
	cgroup := memory.OpenCgroup(os.DirFS("/"))
	checks := []func() finding{
		func() finding { return cgroupLine(cgroup) },
		func() finding { return budgetLine(memoryLimit(), c) },
		func() finding { return sharedMemoryLine(c) },
		func() finding { return openFilesLine(config.OpenFiles(), c) },
		func() finding { return redisLine(ctx, c) },
		func() finding { return databaseLine(ctx, c) },
	}
	return append(checks, upstreamChecks(ctx, c)...)
}
