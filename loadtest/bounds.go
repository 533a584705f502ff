package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"studysharper/app/study"
	"studysharper/loadtest/scenario"
)

// check returns an error for a setting that is out of bounds.
func (s *settings) check(g given) error {
	p, o := s.plan, s.options
	switch {
	case g.set["n"] && p.Requests < 1 || p.Requests > maxRequests:
		return fmt.Errorf("-n %d: must be 1 to %d", p.Requests, maxRequests)
	case p.Workers < 1 || p.Workers > maxConcurrent:
		return fmt.Errorf("-c %d: must be 1 to %d", p.Workers, maxConcurrent)
	case g.set["d"] && p.Duration <= 0 || p.Duration > maxDuration:
		return fmt.Errorf("-d %v: must be above 0 and at most %v", p.Duration, maxDuration)
	case g.set["rate"] && !(p.Rate > 0 && p.Rate <= maxRate): // so that NaN is caught
		return fmt.Errorf("-rate %v: must be above 0 and at most %d", p.Rate, maxRate)
	case o.Timeout <= 0 || o.Timeout > maxTimeout:
		return fmt.Errorf("-timeout %v: must be above 0 and at most %v", o.Timeout, maxTimeout)
	case p.Think < 0 || p.Think > maxTimeout:
		return fmt.Errorf("-think %v: must be 0 to %v", p.Think, maxTimeout)
	case !slices.Contains(study.Types(), o.Type):
		return fmt.Errorf("-type %q: must be one of %s", g.kind, study.Types())
	case s.scenario.Holds && (o.Streams < 1 || o.Streams > scenario.MaxStreams):
		return fmt.Errorf("-streams %d: must be 1 to %d", o.Streams, scenario.MaxStreams)
	case o.Keys < 1 || o.Keys > maxKeys:
		return fmt.Errorf("-keys %d: must be 1 to %d", o.Keys, maxKeys)
	case !(o.Skew > 1 && o.Skew <= 10): // also rejects NaN
		return fmt.Errorf("-skew %v: must be above 1 and at most 10", o.Skew)
	}
	return s.checkGoals(g)
}

func (s *settings) checkGoals(g given) error {
	for name, d := range map[string]time.Duration{"max-p95": s.goals.MaxP95, "max-p99": s.goals.MaxP99} {
		if g.set[name] && (d <= 0 || d > maxTimeout) {
			return fmt.Errorf("-%s %v: must be above 0 and at most %v", name, d, maxTimeout)
		}
	}
	if g.set["min-success"] && !(s.goals.MinSuccess > 0 && s.goals.MinSuccess <= 100) {
		return fmt.Errorf("-min-success %v: must be above 0 and at most 100", s.goals.MinSuccess)
	}
	for name, token := range map[string]string{"token": g.token, "admin-token": s.adminToken} {
		if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return fmt.Errorf("-%s: contains a space or a control character", name) // does not repeat the token
		}
	}
	return nil
}

// checkLoad returns an error for flags that cannot be combined.
func (s *settings) checkLoad(g given) error {
	open := g.set["rate"]
	switch {
	case open && g.set["think"]:
		return errors.New("-think applies only to a closed load; -rate makes an open one")
	case s.scenario.Name == "idle-streams" && (open || g.set["n"] || g.set["c"] || g.set["think"]):
		return errors.New("-scenario idle-streams accepts -streams and -d, but none of -n, -c, -rate, -think")
	case g.set["streams"] && !s.scenario.Holds:
		return fmt.Errorf("-streams: scenario %s holds no streams open", s.scenario.Name)
	case g.contentFile != "" && g.notesFile != "":
		return errors.New("-content and -notes: give one of them")
	}
	return nil
}

// readFiles reads the texts that requests are about.
func (s *settings) readFiles(g given) error {
	var err error
	if s.options.Content, err = readText("-content", g.contentFile, maxContentBytes); err != nil {
		return err
	}
	text, err := readText("-notes", g.notesFile, maxNotesBytes)
	if err != nil {
		return err
	}
	s.options.Notes = scenario.Split(text)
	if g.notesFile != "" && len(s.options.Notes) == 0 {
		return fmt.Errorf("-notes %s: contains no text", g.notesFile)
	}
	return nil
}

// readText reads a text file; "" if no file is given.
func readText(name, file string, most int64) (string, error) {
	if file == "" {
		return "", nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", name, err)
	case int64(len(text)) > most:
		return "", fmt.Errorf("%s %s: longer than %d bytes", name, file, most)
	case !utf8.Valid(text):
		return "", fmt.Errorf("%s %s: is not UTF-8 text", name, file)
	}
	return string(text), nil
}

// checkOutput checks that the report can be written, before the load is generated.
func (s *settings) checkOutput(given) error {
	if s.jsonFile == "" || s.jsonFile == toStdout {
		return nil
	}
	f, err := os.OpenFile(s.jsonFile, os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // a report may be read by everyone
	if err != nil {
		return fmt.Errorf("-json: %w", err)
	}
	return f.Close()
}
