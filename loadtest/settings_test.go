package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongUsageIsTwoAndOneLine(t *testing.T) {
	long := filepath.Join(t.TempDir(), "long.txt")
	if err := os.WriteFile(long, make([]byte, maxContentBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-bogus"}, {"-n", "x"}, {"-n", "0"}, {"-n", "10000001"}, {"-c", "0"}, {"-c", "10001"}, {"-timeout", "0s"}, {"-timeout", "61m"},
		{"-type", "poem"}, {"-content", "no/such/file"}, {"-content", long}, {"http://localhost:1", "http://localhost:2"},
		{"localhost:8000"}, {"ftp://localhost"}, {"http://"}, {"http://%zz"}, {"http://10.0.0.1:8000"},
		{"http://localhost.example.com"}, {"https://example.com"}, {"fakellm", "-fault", "nonsense"}, {"fakellm", "extra"}, {"fakellm", "-bogus"},
		{"fakellm", "-times", "-1"},
	} {
		status, out, errs := invoke(args...)
		if status != exitUsage || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "loadtest") {
			t.Errorf("%q: status %d, output %q, errors %q", args, status, out, errs)
		}
	}
}

func TestHelpIsNoError(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"fakellm", "-h"}} {
		if status, _, errs := invoke(args...); status != exitPassed || !strings.HasPrefix(errs, "usage: loadtest") {
			t.Errorf("%q: status %d, errors %q", args, status, errs)
		}
	}
}

func TestForeignTargetIsAllowedToItsOwner(t *testing.T) {
	u, err := parseTarget("https://example.com/base", true)
	if err != nil || u.JoinPath("health").String() != "https://example.com/base/health" {
		t.Errorf("target %v, error %v", u, err)
	}
	for _, text := range []string{"http://127.0.0.1:8000", "http://127.9.9.9", "http://[::1]:80", "http://localhost"} {
		if _, err := parseTarget(text, false); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
