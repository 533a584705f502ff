package faults

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of faults into docs/faults.md")

const (
	document   = "../../docs/faults.md"
	tableBegin = "<!-- faults: made by go test ./integration/faults -run TestTheTableOfFaults -update -->\n"
	tableEnd   = "<!-- /faults -->\n"
	fewest     = 45 // the suite must have at least this many faults
)

func TestTheTableOfFaultsIsTheTestsOwn(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := bytes.Cut(text, []byte(tableBegin))
	table, after, ends := bytes.Cut(rest, []byte(tableEnd))
	if !begins || !ends {
		t.Fatalf("%s has no table of faults", document)
	}
	want := faultTable()
	if *update {
		whole := fmt.Sprintf("%s%s%s%s%s", before, tableBegin, want, tableEnd, after)
		if err := os.WriteFile(document, []byte(whole), 0o644); err != nil { //nolint:gosec // documents are readable by everyone
			t.Fatal(err)
		}
		return
	}
	if string(table) != want {
		t.Errorf("%s is not what the tests hold; regenerate it with -update:\n%s", document, want)
	}
}

// faultTable returns all faults as Markdown.
func faultTable() string {
	var b strings.Builder
	b.WriteString("| | fault | clients see | lost | recovers within |\n| --- | --- | --- | --- | --- |\n")
	for _, f := range faults() {
		well := "–"
		if f.well > 0 {
			well = f.well.String()
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.id, f.what, f.sees, f.lost, well)
	}
	return b.String()
}

func TestFaultsAreWholeAndDifferent(t *testing.T) {
	ids, whats := map[string]bool{}, map[string]bool{}
	for _, f := range faults() {
		if ids[f.id] || whats[f.what] {
			t.Errorf("%s, %s: is there twice", f.id, f.what)
		}
		ids[f.id], whats[f.what] = true, true
		if f.what == "" || f.sees == "" || f.lost == "" || (f.test == nil) == (f.held == "") {
			t.Errorf("%s: lacks words, or has no test, or two", f.id)
		}
		if f.held != "" && !testExists(t, f.held) {
			t.Errorf("%s: there is no test %s", f.id, f.held)
		}
	}
	if len(ids) < fewest {
		t.Errorf("%d faults, want at least %d", len(ids), fewest)
	}
}

// testExists reports whether the repository has a test, such as app/llm/openai.TestFault_….
func testExists(t *testing.T, held string) bool {
	t.Helper()
	folder, name, _ := strings.Cut(held, ".")
	files, err := filepath.Glob(filepath.Join("..", "..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	function := regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(name) + `\(`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if function.Match(text) {
			return true
		}
	}
	return false
}
