package agent

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"studysharper/app/llm/upstreamtest"
)

var update = flag.Bool("update", false, "write docs/upstreams.md")

// row is a behaviour in the table.
type row struct {
	behaviour upstreamtest.Behaviour
	mu        sync.Mutex
	types     []string
	outcomes  []string
	calls     int
	faults    []string
}

func (r *row) add(c upstreamtest.Case, g grade) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.types, string(c.Type)) {
		r.types = append(r.types, string(c.Type))
	}
	if g.outcome != "" && !slices.Contains(r.outcomes, g.outcome) {
		r.outcomes = append(r.outcomes, g.outcome)
	}
	if r.calls = max(r.calls, g.calls); g.fault != "" {
		r.faults = append(r.faults, c.Name()+": "+g.fault)
	}
}

const (
	tableFile  = "../../docs/upstreams.md"
	tableBegin = "<!-- written by go test ./app/agent -run TestReplay -update -->\n"
)

// checkTable compares the table in the documentation with the rows, or writes it.
func checkTable(t *testing.T, rows []*row) {
	t.Helper()
	doc, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	before, old, ok := strings.Cut(string(doc), tableBegin)
	if !ok {
		t.Fatalf("%s has no place for the table", tableFile)
	}
	table := tableOf(rows)
	if *update {
		if err := os.WriteFile(tableFile, []byte(before+tableBegin+table), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != table {
		t.Errorf("the table in %s differs from the results; run with -update:\n%s", tableFile, table)
	}
}

func tableOf(rows []*row) string {
	var b strings.Builder
	count := map[string]int{}
	b.WriteString("\n| behaviour | seen at | ends with | calls | types | grade |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		grade := "right"
		switch {
		case len(r.faults) > 0:
			grade = "**wrong**"
		case fair[r.behaviour.Name] != "":
			grade = "fair"
		}
		count[grade]++
		slices.Sort(r.outcomes)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %d | %d | %s |\n", r.behaviour.Name, strings.ReplaceAll(r.behaviour.Source, "|", "/"), strings.Join(r.outcomes, "; "), r.calls, len(r.types), grade)
	}
	fmt.Fprintf(&b, "\n%d right, %d fair, %d wrong.\n", count["right"], count["fair"], count["**wrong**"])
	for _, r := range rows {
		if reason := fair[r.behaviour.Name]; reason != "" {
			fmt.Fprintf(&b, "\n`%s`: %s\n", r.behaviour.Name, reason)
		}
	}
	return b.String()
}
