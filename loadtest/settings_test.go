package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"studysharper/loadtest/command"
	"studysharper/loadtest/report"
)

func TestWrongUsageIsTwoAndOneLine(t *testing.T) {
	long := filepath.Join(t.TempDir(), "long.txt")
	if err := os.WriteFile(long, make([]byte, maxContentBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	blank, binary := filepath.Join(t.TempDir(), "blank.txt"), filepath.Join(t.TempDir(), "binary")
	for file, text := range map[string]string{blank: " \n\n ", binary: "\xff\xfe"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"-bogus"}, {"-n", "x"}, {"-n", "0"}, {"-n", "10000001"}, {"-c", "0"}, {"-c", "10001"}, {"-timeout", "0s"}, {"-timeout", "61m"},
		{"-type", "poem"}, {"-content", "no/such/file"}, {"-content", long}, {"http://localhost:1", "http://localhost:2"},
		{"localhost:8000"}, {"ftp://localhost"}, {"http://"}, {"http://%zz"}, {"http://10.0.0.1:8000"},
		{"http://localhost.example.com"}, {"https://example.com"}, {"http://0.0.0.0:8000"}, {"http://u:p@localhost"}, {"http://localhost?x=1"},
		{"-scenario", "poem"}, {"-d", "0s"}, {"-d", "25h"}, {"-d", "x"}, {"-rate", "0"}, {"-rate", "-1"}, {"-rate", "1000001"}, {"-rate", "NaN"},
		{"-rate", "5", "-think", "1s"}, {"-think", "-1s"}, {"-think", "2h"},
		{"-streams", "5"}, {"-scenario", "idle-streams", "-streams", "0"}, {"-scenario", "idle-streams", "-streams", "60001"}, {"-scenario", "recycle", "-streams", "0"},
		{"-scenario", "idle-streams", "-streams", "5", "5"}, {"-scenario", "idle-streams", "-n", "5"}, {"-scenario", "idle-streams", "-rate", "5"},
		{"-scenario", "idle-streams", "5", "6"}, {"-keys", "0"}, {"-keys", "1000001"}, {"-skew", "1"}, {"-skew", "11"}, {"-skew", "NaN"},
		{"-notes", "no/such/file"}, {"-notes", blank}, {"-notes", binary}, {"-content", blank, "-notes", blank}, {"-json", "no/such/folder/x"},
		{"-max-p95", "0s"}, {"-max-p95", "61m"}, {"-max-p99", "-1s"}, {"-min-success", "0"}, {"-min-success", "101"}, {"-min-success", "NaN"},
		{"-max-memory", "150"}, {"-max-memory", "0MB"}, {"-max-memory", "x MB"}, {"-max-memory", "150MB"}, {"-seed-targets"},
		{"-admin-token", "a b"}, {"-token", "a\r\nX: y"},
	} {
		status, out, errs := invoke(args...)
		if status != command.Usage || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "loadtest") {
			t.Errorf("%q: status %d, output %q, errors %q", args, status, out, errs)
		}
	}
}

func TestHelpIsNoError(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"bench-recycle", "-h"}, {"bench-agents", "-h"}} {
		if status, _, errs := invoke(args...); status != command.Passed || !strings.HasPrefix(errs, "usage: loadtest") {
			t.Errorf("%q: status %d, errors %q", args, status, errs)
		}
	}
}

func TestForeignTargetIsAllowedToItsOwner(t *testing.T) {
	s, err := parseSettings(t.Context(), []string{"-i-own-this-target", "http://192.0.2.1/base"}, io.Discard)
	if err != nil || s.target.URL.String() != "http://192.0.2.1/base" || s.unknown != nil {
		t.Errorf("target %v, error %v, %v", s.target, err, s.unknown)
	}
	for _, text := range []string{"http://127.0.0.1:8000", "http://127.9.9.9", "http://[::1]:80", "http://localhost", "https://localhost"} {
		if _, err := parseSettings(t.Context(), []string{text}, io.Discard); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAnUnknownHostOfTheOwnersIsNotHealthy(t *testing.T) {
	status, _, errs := invoke("-i-own-this-target", "http://nobody.invalid:8000")
	if status != command.NoHealth || errs != "loadtest: no such host \"nobody.invalid\"\n" {
		t.Errorf("status %d, errors %q", status, errs)
	}
}

// parsed returns the settings for valid flags.
func parsed(t *testing.T, args ...string) settings {
	t.Helper()
	s, err := parseSettings(t.Context(), args, io.Discard)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return s
}

func TestDefaultsFollowFromTheLoadThatIsAskedFor(t *testing.T) {
	for _, test := range []struct {
		args     string
		requests int64
		workers  int
		duration time.Duration
		rate     float64 // of an open load; 0 = it is closed
	}{
		{"", 50, 10, 0, 0},
		{"-d 30s -c 20", 0, 20, 30 * time.Second, 0},
		{"-d 30s -n 7", 7, 10, 30 * time.Second, 0},
		{"-rate 200 -d 10s", 0, 1000, 10 * time.Second, 200},
		{"-rate 200", 50, 1000, 0, 200},
		{"-rate 0.5 -d 10s -c 3", 0, 3, 10 * time.Second, 0.5},
		{"-scenario idle-streams -streams 7", 0, 10, 30 * time.Second, 0},
		{"-scenario recycle -n 100", 100, 10, 0, 0},
	} {
		s := parsed(t, strings.Fields(test.args)...)
		if s.plan.Requests != test.requests || s.plan.Workers != test.workers || s.plan.Duration != test.duration || s.plan.Rate != test.rate {
			t.Errorf("%q: %+v", test.args, s.plan)
		}
	}
	if s := parsed(t, "-scenario", "idle-streams", "-streams", "123", "http://localhost:81"); s.options.Streams != 123 || s.target.URL.Port() != "81" {
		t.Errorf("%d streams at %v", s.options.Streams, s.target.URL)
	}
	if s := parsed(t, "-keepalive=false"); !s.options.Fresh {
		t.Error("connections are kept")
	}
}

func TestTheSeedsTargetsAreAPresetThatOtherFlagsChange(t *testing.T) {
	s := parsed(t, "-seed-targets", "-admin-token", "x")
	if s.goals != (report.Goals{MaxP95: 8 * time.Second, MinSuccess: 95, MaxMemory: 150_000_000}) {
		t.Errorf("%+v", s.goals)
	}
	s = parsed(t, "-seed-targets", "-admin-token", "x", "-max-p95", "1s", "-max-memory", "1GiB", "-min-success", "99.5", "-max-p99", "2s")
	if s.goals != (report.Goals{MaxP95: time.Second, MaxP99: 2 * time.Second, MinSuccess: 99.5, MaxMemory: 1 << 30}) {
		t.Errorf("%+v", s.goals)
	}
}

func TestJSONAloneIsStandardOutput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.json")
	for want, args := range map[string][]string{
		"-": {"-json"}, "- ": {"-json", "-content", file}, "-  ": {"-json", "http://localhost"}, "-   ": {"--json", "-"}, file: {"-json", file}, file + " ": {"-json=" + file},
	} {
		if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
		if s := parsed(t, args...); s.jsonFile != strings.TrimSpace(want) {
			t.Errorf("%q: %q", args, s.jsonFile)
		}
	}
}

func TestTokensOfTheEnvironmentAreNotInTheUsage(t *testing.T) {
	t.Setenv("ADMIN_TOKEN", "s3cret-of-the-admin")
	t.Setenv("LOADTEST_TOKEN", "s3cret-of-the-user")
	if _, out, errs := invoke("-h"); strings.Contains(out+errs, "s3cret") {
		t.Error("the usage holds a token")
	}
	if s := parsed(t); s.adminToken != "s3cret-of-the-admin" || s.target.Token != "s3cret-of-the-user" {
		t.Error("the environment's tokens are not taken")
	}
	if _, out, errs := invoke("-admin-token", "s3cret x"); strings.Contains(out+errs, "s3cret") {
		t.Error("a wrong token is quoted")
	}
}

// TestMain unsets the environment's tokens, which are defaults of flags.
func TestMain(m *testing.M) {
	for _, name := range []string{"ADMIN_TOKEN", "LOADTEST_TOKEN"} {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	if builtIn != "" {
		_ = os.RemoveAll(builtIn)
	}
	os.Exit(code)
}
