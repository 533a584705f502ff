package web

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	warned    = regexp.MustCompile(`(?i:warning)|: +"incomplete: |Sprintf\("read |notGraded =`)
	sentence  = regexp.MustCompile(`"([^"\\]*(?: [^"\\ ]+){2,}[^"\\]*)"`)
	tableLine = regexp.MustCompile(`(?m)^\t(\w+): /(.+)/(i?),$`)
)

// TestEveryWarningOfTheServerIsTranslated reads the warnings from the source of the server's packages.
func TestEveryWarningOfTheServerIsTranslated(t *testing.T) {
	var known []*regexp.Regexp
	for _, found := range tableLine.FindAllStringSubmatch(string(opened().files["warnings.js"].Body), -1) {
		flags := map[bool]string{true: "(?i)"}[found[3] == "i"]
		known = append(known, regexp.MustCompile(flags+found[2]))
	}
	texts := map[string]string{} // by file
	for _, folder := range []string{"agent/*.go", "extract/*.go", "offline/engine/*.go", "httpapi/attempts.go"} {
		names, err := filepath.Glob("../" + folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			for line := range strings.Lines(string(source)) {
				code, _, _ := strings.Cut(line, "//")
				if !warned.MatchString(code) || strings.Contains(code, ".Warn(") {
					continue
				}
				for _, found := range sentence.FindAllStringSubmatch(code, -1) {
					texts[found[1]] = name
				}
			}
		}
	}
	if len(texts) < 16 || len(known) < 25 {
		t.Fatalf("%d warnings and %d translations were found", len(texts), len(known))
	}
	for text, name := range texts {
		shown := strings.NewReplacer("%d", "3", "%s", "7 pages", "%%", "%").Replace(text)
		if strings.HasPrefix(text, ":") { // follows the numbers
			shown = "made 3 of 4" + text
		}
		translated := false
		for _, expression := range known {
			translated = translated || expression.MatchString(shown)
		}
		if !translated {
			t.Errorf("%s warns %q, which warnings.js does not know", name, text)
		}
	}
}
