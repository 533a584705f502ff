package docs_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"studysharper/app/testkit"
)

// block is a fenced block of a document.
type block struct {
	document string
	line     int    // line of its fence
	language string // the fence's language; in js blocks, the file name follows it
	text     string
	comment  string // the HTML comment on the line above the fence
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.document, b.line) }

// runs reports whether the block contains commands that the test of this package runs.
func (b block) runs() bool { return b.language == "sh" && b.comment == "" }

// excuse matches the reason why a block is not run, or the name of its test.
var excuse = regexp.MustCompile(`^<!-- (?:not run|tested by): \S.+ -->$`)

// documents returns the documents that people read first: those at the root and all in docs.
func documents(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md", "CONTRIBUTING.md", "SECURITY.md"}
	err := filepath.WalkDir(filepath.Join(testkit.Root(), "docs"), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			path, err = filepath.Rel(testkit.Root(), path)
			all = append(all, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// blocksOf returns the fenced blocks of a document. A fence in a list is indented, like the block's lines.
func blocksOf(t *testing.T, document string) (blocks []block) {
	t.Helper()
	lines := strings.Split(testkit.ReadFile(t, document), "\n")
	for n := 0; n < len(lines); n++ {
		fence := strings.TrimLeft(lines[n], " ")
		if !strings.HasPrefix(fence, "```") {
			continue
		}
		indent := lines[n][:len(lines[n])-len(fence)]
		b := block{document: document, line: n + 1, language: strings.TrimPrefix(fence, "```")}
		if above := strings.TrimSpace(lines[max(0, n-1)]); strings.HasPrefix(above, "<!--") {
			b.comment = above
		}
		var text []string
		for n++; n < len(lines) && strings.TrimSpace(lines[n]) != "```"; n++ {
			text = append(text, strings.TrimPrefix(lines[n], indent))
		}
		if n == len(lines) {
			t.Fatalf("%s does not end", b)
		}
		b.text = strings.Join(text, "\n") + "\n"
		blocks = append(blocks, b)
	}
	return blocks
}

// TestEveryBlockOfTheDocumentsIsTestedOrSaysWhyNot enforces the convention: commands (sh) are run by the test below,
// unless a comment above them says "not run: " and why. Settings (env) are tested by app/llm and app/config, the code
// in front-end.md (js) by app/e2e/pages. JSON that no command printed, and blocks in other languages, name their test.
func TestEveryBlockOfTheDocumentsIsTestedOrSaysWhyNot(t *testing.T) {
	found := 0
	for _, document := range documents(t) {
		blocks := blocksOf(t, document)
		for i, b := range blocks {
			found++
			language, _, _ := strings.Cut(b.language, " ")
			tested := slices.Contains([]string{"sh", "env"}, language) || language == "js" && document == "docs/front-end.md" ||
				language == "json" && i > 0 && blocks[i-1].runs() || language == "" // a diagram
			switch {
			case b.comment != "" && !excuse.MatchString(b.comment):
				t.Errorf("%s: the comment is not of the form <!-- not run: why --> or <!-- tested by: what -->", b)
			case b.comment == "" && !tested:
				t.Errorf("%s: what tests this block? Say so above it: <!-- tested by: … --> or <!-- not run: why -->", b)
			case language == "json" && b.comment != "" && !json.Valid([]byte(b.text)):
				t.Errorf("%s is not JSON", b)
			case b.language == "" && strings.ContainsAny(b.text, "$#"):
				t.Errorf("%s: are these commands? Then the fence is ```sh", b)
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d blocks are found", found)
	}
}
