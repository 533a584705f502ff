package repo_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"studysharper/app/testkit"
)

// The size of a README that a reader can be expected to read.
const (
	readmeLines = 150
	readmeWidth = 120
)

// readmeSections are in the order in which a newcomer asks.
var readmeSections = []string{"Quick start", "Use it", "Plug in a model", "Deploy", "Settings", "Figures", "Compared with …", "Development"}

var (
	section    = regexp.MustCompile(`(?m)^## (.+)$`)
	quickStart = regexp.MustCompile("(?s)\n## Quick start\n.*?```sh\n(make up .*?\nmake test .*?\n)```")
	testsTake  = regexp.MustCompile(`about \d+ minutes on two cores`)
)

func TestTheReadmeIsShortAndInTheOrderOfANewcomersQuestions(t *testing.T) {
	readme := testkit.ReadFile(t, "README.md")
	lines := strings.Split(strings.TrimSuffix(readme, "\n"), "\n")
	if len(lines) > readmeLines {
		t.Errorf("%d lines, %d are allowed", len(lines), readmeLines)
	}
	for n, line := range lines {
		if width := utf8.RuneCountInString(line); width > readmeWidth {
			t.Errorf("line %d has %d characters", n+1, width)
		}
	}
	var sections []string
	for _, found := range section.FindAllStringSubmatch(readme, -1) {
		sections = append(sections, found[1])
	}
	if strings.Join(sections, "\n") != strings.Join(readmeSections, "\n") {
		t.Errorf("the sections are %q, want %q", sections, readmeSections)
	}
	before, _, _ := strings.Cut(readme, "## Quick start")
	if n := strings.Count(before, "!["); n != 1 {
		t.Errorf("%d pictures before the quick start", n)
	}
}

func TestTheQuickStartIsTwoCommandsAndSaysHowLongTheTestsTake(t *testing.T) {
	commands := quickStart.FindStringSubmatch(testkit.ReadFile(t, "README.md"))
	if commands == nil || strings.Count(commands[1], "\n") != 2 {
		t.Fatalf("the quick start is %q", commands)
	}
	told := testsTake.FindString(commands[1])
	if told == "" || !strings.Contains(testkit.ReadFile(t, "Makefile"), told) {
		t.Errorf("the README says that the tests take %q, the Makefile something else", told)
	}
}
