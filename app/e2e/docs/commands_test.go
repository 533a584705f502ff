package docs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
)

// prelude makes curl fail if the request fails.
const prelude = `set -euo pipefail
curl() { case $1 in -f*) command curl "$@" ;; *) command curl --fail-with-body "$@" ;; esac; }
`

// TestTheCommandsOfTheDocumentsRun runs the commands of each document in order, in one shell and against a new service.
// A JSON block after a command shows a shortened form of its output.
func TestTheCommandsOfTheDocumentsRun(t *testing.T) {
	bash := testkit.Need(t, "bash")
	testkit.Need(t, "curl")
	ran := 0
	for _, document := range documents(t) {
		blocks := blocksOf(t, document)
		script, outputs := scriptOf(blocks)
		if len(outputs) == 0 {
			continue
		}
		ran += len(outputs)
		t.Run(document, func(t *testing.T) {
			s := servicetest.Start(t)
			cmd := exec.CommandContext(t.Context(), bash, "-c", strings.ReplaceAll(script, "localhost:8000", s.Address()))
			cmd.Dir = t.TempDir()
			cmd.Env = append(os.Environ(), "ADMIN_TOKEN="+servicetest.AdminToken)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s\n%s", err, out, readAll(cmd.Dir, len(blocks)))
			}
			for i, file := range outputs {
				out, err := os.ReadFile(filepath.Join(cmd.Dir, file))
				if err != nil {
					t.Fatal(err)
				}
				if len(bytes.TrimSpace(out)) == 0 && !strings.Contains(blocks[i].text, "curl -fOJ") {
					t.Errorf("%s prints nothing", blocks[i])
				}
				if i+1 < len(blocks) && blocks[i+1].language == "json" {
					expectShown(t, blocks[i+1], out)
				}
			}
		})
	}
	if ran < 5 {
		t.Errorf("only %d blocks of commands were run", ran)
	}
}

// scriptOf joins the blocks that are run; outputs maps the index of each block whose output is shown to the file it
// prints into.
func scriptOf(blocks []block) (script string, outputs map[int]string) {
	outputs = map[int]string{}
	script = prelude
	for i, b := range blocks {
		if b.runs() {
			outputs[i] = outputOf(i)
			script += fmt.Sprintf("echo %s >&2\n{\n%s} >%s\n", b, b.text, outputs[i])
		}
	}
	return script, outputs
}

func outputOf(i int) string { return fmt.Sprintf("out%d", i) }

// readAll returns the output of the blocks, for a failure message.
func readAll(folder string, blocks int) string {
	var all strings.Builder
	for i := range blocks {
		out, _ := os.ReadFile(filepath.Join(folder, outputOf(i))) // a block that is not run has no file
		all.Write(out)
	}
	return all.String()
}

// expectShown compares what a document shows of an answer with the answer: each shown line must occur in it, in order;
// … represents omitted lines.
func expectShown(t *testing.T, shown block, answer []byte) {
	t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, answer, "", "  "); err != nil {
		t.Fatalf("%s: the answer is not JSON: %v\n%s", shown, err, answer)
	}
	bare := func(line string) string { return strings.TrimSuffix(strings.TrimSpace(line), ",") }
	lines := strings.Split(indented.String(), "\n")
	for want := range strings.Lines(shown.text) {
		if bare(want) == "…" {
			continue
		}
		for len(lines) > 0 && bare(lines[0]) != bare(want) {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			t.Fatalf("%s: the answer does not have %q there:\n%s", shown, bare(want), &indented)
		}
		lines = lines[1:]
	}
}
