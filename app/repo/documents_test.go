package repo_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"studysharper/app/config"
	"studysharper/app/testkit"
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
		found := namedSetting.FindAllStringSubmatch(testkit.ReadFile(t, path), -1)
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
	files, err := filepath.Glob(filepath.Join(testkit.Root(), "docs", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range append(files, filepath.Join(testkit.Root(), "README.md"), filepath.Join(testkit.Root(), "CONTRIBUTING.md")) {
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
	logLines = regexp.MustCompile(`(?s)\n### Log lines\n.*?\n### `)
	logLine  = regexp.MustCompile("`([^`]+?)(?:[A-Z]{3,}[^`]*| ?…[^`]*)?`") // up to what differs from line to line
)

func TestTheLogLinesOfTheOperationsGuideAreTheProgramsOwn(t *testing.T) {
	var sources strings.Builder
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			sources.WriteString(testkit.ReadFile(t, filepath.Join("app", "repo", path)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for row := range strings.Lines(logLines.FindString(testkit.ReadFile(t, "docs/operations.md"))) {
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

var (
	namedTest   = regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*)[`/]")
	writtenTest = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w*)\(`)
)

// TestTheDocumentsNameTestsThatExist is for docs/security.md above all, whose tables name what holds each defence.
func TestTheDocumentsNameTestsThatExist(t *testing.T) {
	exists, documents := map[string]bool{}, []string{}
	for _, file := range trackedFiles(t) {
		switch {
		case strings.HasSuffix(file, "_test.go"):
			for _, test := range writtenTest.FindAllStringSubmatch(testkit.ReadFile(t, file), -1) {
				exists[test[1]] = true
			}
		case strings.HasSuffix(file, ".md") && !others.MatchString(file):
			documents = append(documents, file)
		}
	}
	found := 0
	for _, document := range documents {
		for _, named := range namedTest.FindAllStringSubmatch(testkit.ReadFile(t, document), -1) {
			if found++; !exists[named[1]] {
				t.Errorf("%s names %s, which does not exist", document, named[1])
			}
		}
	}
	if found < 200 {
		t.Errorf("only %d names of tests are found", found)
	}
}
