package config

import (
	"reflect"
	"regexp"
	"strings"
	"unicode"
)

// comment is the beginning of a comment after a value. Shells support such comments, but `docker run --env-file` does
// not: there the comment becomes part of the value.
var comment = regexp.MustCompile(`^#\s|\s#`)

// Given returns the settings that have a value in an environment, without white space around the values: a trailing
// newline of a mounted secret, or the CR of a file from Windows.
func Given(environment map[string]string) map[string]string {
	values := map[string]string{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		name := field.Tag.Get("env")
		value := strings.TrimSpace(environment[name])
		if field.Type.Kind() == reflect.Slice {
			value = strings.Join(items(value), ",")
		}
		if value != "" {
			values[name] = value
		}
	}
	return values
}

// items returns the elements of a comma-separated list, without white space around them.
func items(list string) []string {
	var all []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

// illWritten finds values that contain syntax of the file in which they were written.
func illWritten(values map[string]string) Faults {
	var faults Faults
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		name := field.Tag.Get("env")
		if why := badlyWritten(values[name]); why != "" {
			faults = append(faults, Fault{name, redact(field, values[name]), why})
		}
	}
	return faults
}

func badlyWritten(value string) string {
	switch {
	case strings.ContainsFunc(value, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }):
		return "must be one line of characters that can be printed"
	case comment.MatchString(value):
		return "must be the value alone, without a # comment after it"
	case len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0]:
		return "must not be in quotes"
	default:
		return ""
	}
}
