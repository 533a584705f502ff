package main

import (
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strings"
	"time"
)

const redacted = "[redacted]"

// redact gives a field's value as it may be shown.
func redact(field reflect.StructField, value string) string {
	switch {
	case value == "":
		return ""
	case field.Tag.Get("secret") == "all":
		return redacted
	case field.Tag.Get("secret") == "url":
		return redactURL(value)
	default:
		return value
	}
}

// redactURL hides what a URL may hold of a secret: its user's password and its
// query. What is no URL is hidden whole.
func redactURL(value string) string {
	u, err := url.Parse(value)
	if err != nil {
		return redacted
	}
	if u.RawQuery != "" {
		u.RawQuery = redacted
	}
	if strings.Contains(u.Opaque, "@") {
		return redacted
	}
	return strings.ReplaceAll(u.Redacted(), ":xxxxx@", ":"+redacted+"@")
}

// Print writes the effective settings, a line each, secrets redacted.
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
