package repo_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"studysharper/app/config"
	"studysharper/app/testkit"
)

var (
	// namedSetting matches a variable in backticks, alone or with its value.
	namedSetting = regexp.MustCompile("`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`")
	relativeLink = regexp.MustCompile(`\]\(([^):#]*)(?:#([^)]*))?\)`)
)

// notOurs are other programs' variables that the documents mention.
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

func TestTheDocumentsLinkToFilesAndHeadingsThatExist(t *testing.T) {
	checked := 0
	for _, document := range trackedFiles(t) {
		if !strings.HasSuffix(document, ".md") || others.MatchString(document) {
			continue
		}
		for _, link := range relativeLink.FindAllStringSubmatch(codeSpan.ReplaceAllString(testkit.ReadFile(t, document), ""), -1) {
			checked++
			file, heading := document, link[2]
			if link[1] != "" {
				file = path.Join(path.Dir(document), link[1])
			}
			if _, err := os.Stat(filepath.Join(testkit.Root(), filepath.FromSlash(file))); err != nil {
				t.Errorf("%s links to %s, which does not exist", document, link[1])
			} else if heading != "" && !slices.Contains(anchors(t, file), heading) {
				t.Errorf("%s links to %s#%s, which has no such heading", document, link[1], heading)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d links are found", checked)
	}
}

var (
	heading    = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	fenced     = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	codeSpan   = regexp.MustCompile("`[^`\n]+`")
	notInAName = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// anchors returns the anchors that GitHub makes of a document's headings.
func anchors(t *testing.T, document string) (names []string) {
	t.Helper()
	for _, found := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(testkit.ReadFile(t, document), ""), -1) {
		names = append(names, strings.ReplaceAll(notInAName.ReplaceAllString(strings.ToLower(found[1]), ""), " ", "-"))
	}
	return names
}

// runbook is the document with the entries for the alerts.
const runbook = "docs/operations.md"

func TestEachAlertLeadsToAnEntryOfTheRunbookThatNamesIt(t *testing.T) {
	entries := map[string]string{}
	text := testkit.ReadFile(t, runbook)
	for i, at := range heading.FindAllStringIndex(text, -1) {
		entries[anchors(t, runbook)[i]], _, _ = strings.Cut(text[at[1]:], "\n### ")
	}
	file := asJSON(t, filepath.Join(testkit.Root(), "docs", "alerts.yml")).(map[string]any)
	for _, group := range file["groups"].([]any) {
		for _, rule := range group.(map[string]any)["rules"].([]any) {
			name := rule.(map[string]any)["alert"].(string)
			link, _ := rule.(map[string]any)["annotations"].(map[string]any)["runbook_url"].(string)
			address, anchor, _ := strings.Cut(link, "#")
			if !strings.HasSuffix(address, "/"+runbook) || !strings.Contains(entries[anchor], "`"+name+"`") {
				t.Errorf("%s leads to %q, which does not name it", name, link)
			}
		}
	}
}

// screen is the most lines that a remedy may have, including the heading of its entry.
const screen = 24 // tables wrap into several lines

func TestAnEntryOfTheRunbookFitsOnAScreen(t *testing.T) {
	symptoms, _, found := strings.Cut(testkit.ReadFile(t, runbook), "\n## Reference\n")
	entries := strings.Split(symptoms, "\n### ")
	if !found || len(entries) < 10 {
		t.Fatalf("%d entries before the reference", len(entries))
	}
	for _, entry := range entries[1:] {
		if n := strings.Count(entry, "\n"); n > screen {
			t.Errorf("%q has %d lines", strings.SplitN(entry, "\n", 2)[0], n)
		}
	}
}

var (
	logLines = regexp.MustCompile(`(?s)\n### Log lines\n.*?\n### `)
	logLine  = regexp.MustCompile("`([^`]+?)(?:[A-Z]{3,}[^`]*| ?…[^`]*)?`") // up to the variable part
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

// TestTheDocumentsNameTestsThatExist is mainly for docs/security.md, whose tables name the tests of each defence.
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
