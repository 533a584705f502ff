// Package doctor checks this machine and the services that the settings name, for the doctor command.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"studysharper/app/config"
	"studysharper/app/memory"
)

// severity is what a finding means for the service.
type severity string

const (
	fine    severity = "ok"
	lacking severity = "warn" // it works, but with less than the settings ask for
	broken  severity = "bad"  // it cannot work
)

// finding is the result of one check, which is printed as one line.
type finding struct {
	severity severity
	subject  string
	says     string
}

func found(s severity, subject, format string, args ...any) finding {
	return finding{s, subject, fmt.Sprintf(format, args...)}
}

// ErrFailed is returned by Run when a check failed.
var ErrFailed = errors.New("a check failed: see the lines marked bad")

// Run checks the machine and the services that the settings name, and prints one line per check as soon as its
// result is known, within about half a minute. It prints no secret and leaves no file behind.
func Run(ctx context.Context, stdout io.Writer) error {
	c, err := config.Load(config.Environment())
	if err != nil {
		return err
	}
	unfit := false
	for _, look := range append(warningLines(config.Environment(), c), examinations(ctx, c)...) {
		f := look()
		unfit = unfit || f.severity == broken
		if _, err := fmt.Fprintf(stdout, "%-4s  %-9s %s\n", f.severity, f.subject, f.says); err != nil {
			return err
		}
	}
	if unfit {
		return ErrFailed
	}
	return nil
}

// warningLines returns one line per setting that has no effect or is misspelt.
func warningLines(environment map[string]string, c config.Config) (lines []func() finding) {
	for _, warning := range config.Warnings(environment, c) {
		lines = append(lines, func() finding { return found(lacking, "settings", "%s", warning) })
	}
	return lines
}

// examinations returns the checks, in the order of their lines.
func examinations(ctx context.Context, c config.Config) []func() finding {
	cgroup := memory.OpenCgroup(os.DirFS("/"))
	checks := []func() finding{
		func() finding { return cgroupLine(cgroup) },
		func() finding { return budgetLine(memory.Limit(), c) },
		func() finding { return sharedMemoryLine(c) },
		func() finding { return openFilesLine(config.OpenFiles(), c) },
		func() finding { return pdfCheck(ctx, memory.Limit(), c) },
		func() finding { return redisLine(ctx, c) },
		func() finding { return databaseLine(ctx, c) },
	}
	return append(checks, upstreamChecks(ctx, c)...)
}
