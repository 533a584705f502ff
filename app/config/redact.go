package config

import (
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strings"
	"time"
)

const redacted = "[redacted]"

// redact returns a field's value as it may be shown.
func redact(field reflect.StructField, value string) string {
	switch {
	case value == "":
		return ""
	case field.Tag.Get("secret") == "all":
		return redacted
	case field.Tag.Get("secret") == "url":
		return RedactURL(value)
	default:
		return value
	}
}

// RedactURL hides the parts of a URL that may contain a secret: its password (or its user, if it has no password), its
// query and its fragment. A text that is not a URL is hidden completely.
func RedactURL(value string) string {
	u, err := url.Parse(value)
	if err != nil || u.Scheme == "" || (u.Opaque != "" && u.Scheme != "sqlite") {
		return redacted
	}
	if u.RawQuery != "" {
		u.RawQuery = redacted
	}
	shown, _, _ := strings.Cut(u.Redacted(), "#")
	if _, protected := u.User.Password(); u.User != nil && !protected {
		return strings.Replace(shown, "//"+u.User.String()+"@", "//"+redacted+"@", 1)
	}
	return strings.ReplaceAll(shown, ":xxxxx@", ":"+redacted+"@")
}

// Print writes the effective settings, one per line, secrets redacted.
func (c *Config) Print(w io.Writer) error {
	value := reflect.ValueOf(c).Elem()
	for i, field := range reflect.VisibleFields(value.Type()) {
		_, err := fmt.Fprintf(w, "%s=%s\n", field.Tag.Get("env"), redact(field, show(value.Field(i))))
		if err != nil {
			return err
		}
	}
	return nil
}

func show(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return x.String()
	case []string:
		return strings.Join(x, ",")
	default:
		return fmt.Sprint(x)
	}
}
