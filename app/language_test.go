package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"studysharper/app/testkit"
)

// rule is a wording that this repository does not use, and what to say instead.
type rule struct{ not, say string }

// rules are the retired names and phrases. A rule is for wordings that are always wrong:
// no exceptions, so that a match needs no thought. CONTRIBUTING.md has the words to use.
var rules = []rule{
	// Retired names and archaisms.
	{`\btidings\b`, "invalidations, on the invalidation bus"},
	{`\b[Hh]eralds?\b`, "Debouncer"},
	{`\bheirs?\b`, "successor"},
	{`how-manieth`, "sequence number"},
	{`\b(tide|lasting|memo|lead|parcel|outbox|together|knowledge|versioned)\.go\b`, "the file's new name"},
	{`\b(leaveUnmarked|recollect|payOwed|dropHeld|heardFirst|makeOnce|letIn|hasLeft|whileThere)\b`, "the function's new name"},
	{`\b[Aa]new\b`, "again; restarted; a new …"},
	{`\bfor want of\b`, "for lack of; at capacity; because there was no …"},
	{`\b(thereof|whereof|hereof|wherein|whence|thereunto|hitherto)\b`, "of it; in which; from where"},

	// Translated syntax.
	{`\b(that|which) (is|are|was|were) none\b`, "an invalid …; … that is not a …"},
	{`\b(is|are|was) no (U[UR]|JSON|HTTP|UTF|CIDR|TCP|IPv|base64)`, "is not a …"},
	{`\b(is|are) no (number|object|setting|size|rate|duration|option|status|cursor|worker|event)s?\b`, "is not a …"},
	{`\bare ones\.`, "implement it"},
	{`\bgo(es)? on behind\b`, "continues after"},
	{`\bgo(es)? on by itself\b`, "runs standalone; continues in the background"},
	{`\bstands in\b`, "is in; is documented in"},
	{`\b([Ww]ell again|until well)\b`, "recovers within; recovers after"},
	{`\bas good as new\b`, "still valid"},
	{`\b[Mm]ended\b`, "fixed"},
	{`\bowed\b`, "pending"},
	{`\ba line each\b`, "one per line"},
	{`\bmade again\b`, "rerun; retried"},
	{`\b[Ww]ho only\b`, "clients that only …"},
	{`\b(of|to|from|for) who (has|have|is|reads?|asks|signs|caches|runs|opens|counts|bounds|checks)\b`, "name the person or the part"},
	{`(deaths?|restarts?) nobody asked for`, "unexpected …"},
	{`\bit (took|takes) longer than it may\b`, "timed out"},

	// Messages that have been reworded.
	{`\ba connection handed over is none\b`, "invalid hand-over message"},
	{`\bno worker is judged by it\b`, "worker timeouts not applied"},
	{`\bnot there to be repeated\b`, "run not found"},
	{`\ba limit cannot be counted\b`, "rate limiter unavailable"},
	{`\bleft with work in flight\b`, "drain incomplete"},
	{`\bby how they came out\b`, "by outcome"},
	{`What shall it be|Put your notes down|Stop waiting|Anything to add\?|What your notes do`, "the page's new wording"},
	{`\brefused our key\b`, "rejected this server's API key"},
	{`This server asks who you are`, "Sign in"},
}

var (
	// proseFiles are the files that people write and read.
	proseFiles = regexp.MustCompile(`\.(go|md|js|html|gohtml|css|ya?ml|lua|json|svg|cfg|txt)$|(^|/)(Makefile|Dockerfile)$|^\.ci/`)
	// others are texts of other people's, and this table.
	others = regexp.MustCompile(`/testdata/|^app/text/words\.txt$|^loadtest/scenario/notes\.txt$|^app/language_test\.go$`)
)

func TestTheLanguageIsPlainEnglish(t *testing.T) {
	files := trackedFiles(t)
	patterns := make([]*regexp.Regexp, len(rules))
	for i, r := range rules {
		patterns[i] = regexp.MustCompile(r.not)
	}
	every := regexp.MustCompile(anyRule())
	for _, file := range files {
		if !proseFiles.MatchString(file) || others.MatchString(file) {
			continue
		}
		text := thereIsNo.ReplaceAllString(testkit.ReadFile(t, file), "there $1 not a")
		if !every.MatchString(text) {
			continue
		}
		for i, pattern := range patterns {
			for _, at := range pattern.FindAllStringIndex(text, -1) {
				t.Errorf("%s:%d: %q: say %q", file, 1+strings.Count(text[:at[0]], "\n"), text[at[0]:at[1]], rules[i].say)
			}
		}
	}
}

// anyRule matches what any rule does, in one pass.
func anyRule() string {
	all := make([]string, len(rules))
	for i, r := range rules {
		all[i] = "(?:" + r.not + ")"
	}
	return strings.Join(all, "|")
}

// thereIsNo is good English that looks like "X is no Y".
var thereIsNo = regexp.MustCompile(`\b[Tt]here (is|are|was) no\b`)

// namedFile is a Go or Lua file between backticks, with or without its folder.
var namedFile = regexp.MustCompile("`([a-z0-9_][a-z0-9_/-]*\\.(?:go|lua|yml|yaml|json|cfg))`")

func TestTheDocumentsNameFilesThatExist(t *testing.T) {
	files := trackedFiles(t)
	for _, document := range files {
		if !strings.HasSuffix(document, ".md") || others.MatchString(document) {
			continue
		}
		for _, named := range namedFile.FindAllStringSubmatch(testkit.ReadFile(t, document), -1) {
			if !slices.ContainsFunc(files, func(f string) bool { return f == named[1] || strings.HasSuffix(f, "/"+named[1]) }) {
				t.Errorf("%s names %s, which does not exist", document, named[1])
			}
		}
	}
}

// trackedFiles lists the repository's files, relative to its root.
func trackedFiles(t *testing.T) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Skipf("not a git checkout: %v", err) // a source archive
	}
	files := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	return slices.DeleteFunc(files, func(f string) bool { // deleted, but not committed yet
		_, err := os.Stat(filepath.Join("..", f))
		return err != nil
	})
}
