package repo_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"studysharper/app/testkit"
)

// rule is a wording that this repository does not use, and what to say instead.
type rule struct{ not, say string }

// rules are the retired names and phrases. A rule is for wordings that are always wrong,
// without exceptions, so that a match needs no judgement. CONTRIBUTING.md has the words to
// use.
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
	{`\b(that|which|it|content|type|kind|nil|s|[0-9]) (is|are|was|were) none\b`, "an invalid …; … that is not a …; does not exist"},
	{`\bis none (of|yet)\b`, "is not one of; does not exist yet"},
	{`\b(is|are|was) no (U[UR]|JSON|HTTP|UTF|CIDR|TCP|IPv|base64)`, "is not a …"},
	{`\b(is|are) no (number|object|setting|size|rate|duration|option|status|cursor|worker|event)s?\b`, "is not a …"},
	{`\bare ones\.`, "implement it"},
	{`\bgo on behind\b`, "continue after"},
	{`\bgo on by itself\b`, "run standalone; continue in the background"},
	{`\bgoes on\b`, "continues; is under way; happens"},
	{`\b[Ww]hoever (asks|calls|gave|leaves|logs|looks|makes|names|puts?|reads?|sends|signs|still|tells|waits|wants|writes)\b`, "name the part: the caller, the reader, a client"},
	{`\bno matter of\b`, "does not depend on; is not about"},
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
	{`\bby how (it|they) came out\b`, "by outcome"},
	{`\bwhat came of each\b`, "the outcome of each"},
	{`\bcounts? for none\b`, "does not count against the limit"},
	{`\bthe how[- ]?many`, "the number of"},
	{`\b(is|are) of no use now\b`, "cannot be reached"},
	{`\btakes the scoreboard\b`, "is writable (scoreboard)"},
	{`\bthat made room for others\b`, "evicted"},
	{`\bis no publication\b`, "is not a publication"},
	{`\b(came|to come) through the pile\b|Through the pile`, "Deck finished"},
	{`\bis the supervisor's only\b|\bby its supervisor only\b`, "is internal"},
	{`\bhardly meant\b`, "probably a mistake"},
	{`\b(takes?|take|taking|takes) it squeezed\b|\bsqueezed\b`, "compressed"},
	{`\bto be rid of (it|them)\b`, "to remove it"},
	{`What shall it be|Put your notes down|Stop waiting|Anything to add\?|What your notes do`, "the page's new wording"},
	{`\brefused our key\b`, "rejected this server's API key"},
	{`This server asks who you are`, "Sign in"},
}

var (
	// proseFiles matches the files that people write and read.
	proseFiles = regexp.MustCompile(`\.(go|md|js|html|gohtml|css|ya?ml|lua|json|svg|cfg|txt)$|(^|/)(Makefile|Dockerfile)$|^\.ci/`)
	// others matches files with third-party texts, and this table.
	others = regexp.MustCompile(`/testdata/|^app/text/words\.txt$|^app/web/static/katex\.js$|^app/offline/lexicon/[a-z]+\.txt$|^loadtest/scenario/notes\.txt$|^app/repo/language_test\.go$`)
)

func TestTheLanguageIsPlainEnglish(t *testing.T) {
	files := trackedFiles(t)
	patterns := make([]*regexp.Regexp, len(rules))
	hints := make([][]string, len(rules))
	for i, r := range rules {
		patterns[i] = regexp.MustCompile(r.not)
		hints[i] = literals(t, r.not)
	}
	for _, file := range files {
		if !proseFiles.MatchString(file) || others.MatchString(file) {
			continue
		}
		text := testkit.ReadFile(t, file)
		for i, pattern := range patterns {
			for _, line := range linesWith(text, hints[i]) {
				for _, found := range pattern.FindAllString(thereIsNo.ReplaceAllString(line.text, "there $1 not"), -1) {
					t.Errorf("%s:%d: %q: say %q", file, line.number, found, rules[i].say)
				}
			}
		}
	}
}

type line struct {
	number int
	text   string
}

// linesWith returns the lines of a text that contain one of the hints.
func linesWith(text string, hints []string) (lines []line) {
	for _, hint := range hints {
		for from := 0; ; {
			at := strings.Index(text[from:], hint)
			if at < 0 {
				break
			}
			at += from
			begin := strings.LastIndexByte(text[:at], '\n') + 1
			end := len(text)
			if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
				end = at + n
			}
			lines = append(lines, line{1 + strings.Count(text[:at], "\n"), text[begin:end]})
			from = end
		}
	}
	return lines
}

// literals returns strings of which every match of an expression contains at least one. Searching for them first is a
// hundred times faster than matching the expression everywhere.
func literals(t *testing.T, expression string) []string {
	t.Helper()
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	found := required(parsed)
	if len(found) == 0 {
		t.Fatalf("%s matches texts that have nothing in common", expression)
	}
	return found
}

func required(r *syntax.Regexp) (best []string) {
	switch r.Op {
	case syntax.OpLiteral:
		if r.Flags&syntax.FoldCase == 0 {
			return []string{string(r.Rune)}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(r.Sub[0])
	case syntax.OpAlternate:
		for _, one := range r.Sub {
			found := required(one)
			if len(found) == 0 {
				return nil
			}
			best = append(best, found...)
		}
	case syntax.OpConcat:
		for _, one := range r.Sub {
			if found := required(one); shortest(found) > shortest(best) {
				best = found
			}
		}
	}
	return best
}

// shortest returns the length of the shortest text; 0 if there is none.
func shortest(texts []string) int {
	if len(texts) == 0 {
		return 0
	}
	return len(slices.MinFunc(texts, func(a, b string) int { return len(a) - len(b) }))
}

// thereIsNo matches correct English that looks like "X is no Y".
var thereIsNo = regexp.MustCompile(`\b[Tt]here (is|are|was) no(ne)?\b`)

// namedFile matches a Go, Lua or other source file in backticks, with or without its folder.
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
	list.Dir = testkit.Root()
	out, err := list.Output()
	if err != nil {
		t.Skipf("not a git checkout: %v", err) // a source archive
	}
	files := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	return slices.DeleteFunc(files, func(f string) bool { // deleted, but not committed yet
		_, err := os.Stat(filepath.Join(testkit.Root(), f))
		return err != nil
	})
}
