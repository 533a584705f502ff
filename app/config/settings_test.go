package config_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"studysharper/app/config"
	"studysharper/app/testkit"
)

func TestEverySettingHasAMeaningAndNoOther(t *testing.T) {
	fields := reflect.VisibleFields(reflect.TypeFor[config.Config]())
	for _, field := range fields {
		if name := field.Tag.Get("env"); config.Meanings[name] == "" {
			t.Errorf("%s has no meaning", name)
		}
	}
	if len(config.Meanings) != len(fields) {
		t.Errorf("%d meanings for %d settings", len(config.Meanings), len(fields))
	}
}

// update writes the documents generated from the settings: go test ./app/config -run TestTheDocumented -update.
var update = flag.Bool("update", false, "write docs/settings.md and .env.example")

// replaceBetween returns a document with new text between two of its lines.
func replaceBetween(t *testing.T, document, begin, end, text string) string {
	t.Helper()
	before, rest, begins := strings.Cut(document, begin+"\n")
	_, after, ends := strings.Cut(rest, end+"\n")
	if !begins || !ends {
		t.Fatalf("the lines %q and %q are missing", begin, end)
	}
	return before + begin + "\n" + text + end + "\n" + after
}

func TestTheDocumentedSettingsAreTheProgramsOwn(t *testing.T) {
	var table, example bytes.Buffer
	if err := errors.Join(config.PrintSettings(&table), config.PrintExample(&example)); err != nil {
		t.Fatal(err)
	}
	made := "made by go test ./app/config -run TestTheDocumented -update"
	for _, d := range []struct{ file, begin, end, text string }{
		{"docs/settings.md", "<!-- settings: " + made + " -->", "<!-- /settings -->", table.String()},
		{".env.example", "# --- settings: " + made + " ---", "# --- the end of the settings ---", example.String()},
	} {
		is := testkit.ReadFile(t, d.file)
		want := replaceBetween(t, is, d.begin, d.end, d.text)
		if *update {
			if err := os.WriteFile(filepath.Join(testkit.Root(), d.file), []byte(want), 0o644); err != nil { //nolint:gosec // a document, for everybody
				t.Fatal(err)
			}
		} else if is != want {
			t.Errorf("%s does not describe the settings as they are; run this test with -update", d.file)
		}
	}
}

// composeVariable matches a variable that docker-compose.yml reads from the environment.
var composeVariable = regexp.MustCompile(`\$\{([A-Z_]+)`)

func TestTheExampleOfAnEnvironmentFileNamesAllThatComposeReads(t *testing.T) {
	example := testkit.ReadFile(t, ".env.example")
	read := map[string]bool{}
	for _, found := range composeVariable.FindAllStringSubmatch(testkit.ReadFile(t, "docker-compose.yml"), -1) {
		read[found[1]] = true
		if !strings.Contains(example, "\n#"+found[1]+"=") {
			t.Errorf(".env.example does not name %s", found[1])
		}
	}
	for _, name := range config.SettingNames() {
		if inside := name == "HOST" || name == "WORKER_TMP_DIR"; !read[name] && !inside { // the container's own
			t.Errorf("docker-compose.yml does not pass %s on", name)
		}
	}
}
