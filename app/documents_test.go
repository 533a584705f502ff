package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"studysharper/app/config"
)

var (
	// namedSetting is a variable between backticks, alone or with its value.
	namedSetting = regexp.MustCompile("`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`")
	relativeLink = regexp.MustCompile(`\]\(([^):#]+)(?:#[^)]*)?\)`)
)

// notOurs are variables of others that the documents speak of.
var notOurs = []string{"GUNICORN_CMD_ARGS"}

func TestTheGuidesNameSettingsThatThereAre(t *testing.T) {
	known := append(config.SettingNames(), notOurs...)
	for _, path := range []string{"docs/migrating.md", "docs/front-end.md"} {
		found := namedSetting.FindAllStringSubmatch(read(t, path), -1)
		if len(found) < 5 {
			t.Errorf("%s names only %d settings", path, len(found))
		}
		for _, name := range found {
			if !slices.Contains(known, name[1]) {
				t.Errorf("%s: %s is not a setting", path, name[1])
			}
		}
	}
}

func TestTheDocumentsLinkToFilesThatThereAre(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "docs", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range append(files, filepath.Join("..", "README.md"), filepath.Join("..", "CONTRIBUTING.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range relativeLink.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), filepath.FromSlash(link[1]))); err != nil {
				t.Errorf("%s links to %s", file, link[1])
			}
		}
	}
}

var (
	logLines = regexp.MustCompile(`(?s)\n## Log lines\n.*?\n## `)
	logLine  = regexp.MustCompile("`([^`]+?)(?:[A-Z]{3,}[^`]*| ?…[^`]*)?`") // up to what differs from line to line
)

func TestTheLogLinesOfTheOperationsGuideAreTheProgramsOwn(t *testing.T) {
	var sources strings.Builder
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			sources.WriteString(read(t, filepath.Join("app", path)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for row := range strings.Lines(logLines.FindString(read(t, "docs/operations.md"))) {
		cells := strings.Split(row, " | ")
		for _, line := range logLine.FindAllStringSubmatch(cells[0], -1) {
			if found++; !strings.Contains(sources.String(), `"`+line[1]) {
				t.Errorf("nothing logs %q", line[1])
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d lines are found", found)
	}
}

// promisedLines are the log lines that an operator of the original looks for, as
// docs/migrating.md promises them.
var promisedLines = []string{"Starting studysharper", "Listening at: ", "Booting worker with pid: ", "Worker ready", "Worker recycling (pid: ",
	"Worker exiting (pid: ", "Shutting down: master"}

func TestTheLogHasTheLinesThatTheMigrationPromises(t *testing.T) {
	guide := read(t, "docs/migrating.md")
	s := start(t, "MAX_REQUESTS=1", "MAX_REQUESTS_JITTER=0")
	s.ask("GET", "/api/ai/stream-status", "")
	s.eventually("a worker is recycled", func() bool { return strings.Contains(s.log.String(), "Worker exiting (pid: ") })
	_ = s.stop()
	for _, line := range promisedLines {
		if !strings.Contains(s.log.String(), line) {
			t.Errorf("the log has no %q", line)
		}
	}
	for _, line := range promisedLines[:6] {
		if !strings.Contains(guide, strings.TrimSpace(line)) {
			t.Errorf("the guide does not name %q", line)
		}
	}
}
