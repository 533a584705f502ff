package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"studysharper/app/config"
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

func TestTheSettingsTableHasARowForEachSetting(t *testing.T) {
	out, err := program(t, nil, "settings").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| `PORT` | `8000` | 0 to 65535 | port to listen on; 0 = any free port |\n", "| `CACHE_TTL` | `10m` | 1s to 168h | ",
		"| `LOG_FORMAT` | – | `text`, `json` | ", "| `TRUSTED_PROXIES` | – | a list with commas | ",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	for line := range strings.Lines(string(out)) {
		if strings.Count(line, "|") != 5 {
			t.Errorf("a row of %d cells: %s", strings.Count(line, "|")-1, line)
		}
	}
}

func TestTheSettingsTableOfTheReadmeIsTheProgramsOwn(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := config.PrintSettings(&table); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), table.String()) {
		t.Errorf("README.md has another table; `studysharper settings` prints:\n%s", &table)
	}
}
