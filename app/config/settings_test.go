package config_test

import (
	"bytes"
	"reflect"
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

func TestTheSettingsTableOfTheReadmeIsTheProgramsOwn(t *testing.T) {
	readme := testkit.ReadFile(t, "README.md")
	var table bytes.Buffer
	if err := config.PrintSettings(&table); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(readme, table.String()) {
		t.Errorf("README.md has another table; `studysharper settings` prints:\n%s", &table)
	}
}
