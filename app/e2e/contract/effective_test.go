package contract_test

import (
	"errors"
	"io"
	"maps"
	"strings"
	"testing"

	"studysharper/app/cluster"
	"studysharper/app/config"
	"studysharper/app/e2e/servicetest"
	"studysharper/app/memory"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

// allSettings returns env with all other settings empty, and a database that cannot be opened: serve always exits, with
// status 3 if it accepts the settings.
func allSettings(env map[string]string) map[string]string {
	all := map[string]string{}
	for _, name := range config.SettingNames() {
		all[name] = ""
	}
	all["DATABASE_URL"] = "postgres://u@127.0.0.1:1/x"
	maps.Copy(all, env)
	return all
}

// checked returns the exit status and the output of check-config.
func checked(t *testing.T, env map[string]string) (status int, says string) {
	t.Helper()
	err := config.Check(t.Context(), io.Discard, allSettings(env), memory.Limit(), cluster.CheckSettings)
	if err == nil {
		return 0, ""
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		says += "studysharper: " + line + "\n"
	}
	if _, ok := errors.AsType[config.Faults](err); ok {
		return servicetest.ExitUsage, says
	}
	return 1, says
}

// served returns the exit status and the output of serve.
func served(t *testing.T, env map[string]string) (status int, says string) {
	t.Helper()
	var list []string
	for name, value := range allSettings(env) {
		list = append(list, name+"="+value)
	}
	cmd := servicetest.Program(t, list, "serve")
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}

// badValues are tried for every setting. Some settings accept one or the other.
var badValues = []string{`"8000"`, "-1", "nonsense words", "99999999999", "http://u@[half", "\x7f"}

// triedValues calls try with one value of each setting that check-config accepts, if there is one, and one that it
// refuses. FULL=1 tries all; package config tests which values are refused.
func triedValues(t *testing.T, try func(name, value string)) {
	t.Helper()
	for _, name := range config.SettingNames() {
		tried := map[int]int{}
		for _, value := range badValues {
			status, _ := checked(t, map[string]string{name: value})
			if tried[status]++; tried[status] <= testkit.Size(1, len(badValues)) {
				try(name, value)
			}
		}
	}
}

func TestCheckConfigRefusesExactlyWhatServeRefuses(t *testing.T) {
	production := map[string]string{"ENVIRONMENT": "production", "ADMIN_TOKEN": "0123456789abcdef"}
	tables := map[string]map[string]string{"nothing": {}, "production": production}
	triedValues(t, func(name, value string) { tables[name+"="+value] = map[string]string{name: value} })
	for name, value := range map[string]string{"ADMIN_TOKEN": "", "JWT_SECRET": "short", "ALLOWED_ORIGINS": "*", "LOG_FORMAT": "xml"} {
		tables["production "+name] = map[string]string{"ENVIRONMENT": "production", "ADMIN_TOKEN": "0123456789abcdef", name: value}
	}
	for _, url := range []string{"sqlite:", "sqlite://x.db", "sqlite:x.db?mode=ro", "postgres://u:canary@h:port/db", "postgres://u:canary@h/db?sslmode=maybe", "host=h password=canary", "mysql://u:canary@h/db", "data/x.db"} {
		tables[url] = map[string]string{"DATABASE_URL": url}
	}
	locked := redistest.Start(t, "--requirepass", "the-right-one")
	for name, env := range map[string]map[string]string{
		"more workers than fit": {"WEB_CONCURRENCY": "32"}, "a model without a key": {"LLM_PROVIDER": "openai"},
		"a key of another line": {"LLM_API_KEY": "canary\ncanary"}, "a wrong password of Redis": {"REDIS_URL": "redis://:canary@" + locked.Addr()},
		"no Redis": {"REDIS_URL": "redis://:canary@" + testkit.ClosedPort(t)},
	} {
		tables[name] = env
	}
	refused := 0
	for name, env := range tables {
		t.Run(name, func(t *testing.T) {
			check, checkSays := checked(t, env)
			serve, serveSays := served(t, env)
			if check != 0 && check != servicetest.ExitUsage || serve != map[int]int{0: servicetest.ExitBoot, servicetest.ExitUsage: servicetest.ExitUsage}[check] {
				t.Errorf("check-config ends with %d, serve with %d:\n%s\n%s", check, serve, checkSays, serveSays)
			}
			if check == servicetest.ExitUsage && checkSays != serveSays {
				t.Errorf("check-config says\n%sserve says\n%s", checkSays, serveSays)
			}
			if strings.Contains(checkSays+serveSays, "canary@") || strings.Contains(checkSays+serveSays, "=canary") {
				t.Errorf("a secret is told:\n%s%s", checkSays, serveSays)
			}
			if check == servicetest.ExitUsage {
				refused++
			}
		})
	}
	t.Logf("%d of %d were refused, of %d settings", refused, len(tables), len(config.SettingNames()))
	if refused < testkit.Size(1, 3)*len(config.SettingNames()) || refused == len(tables) {
		t.Errorf("%d of %d were refused", refused, len(tables))
	}
}

// TestAFaultOfAFlagNamesTheFlag includes values with two parts, and values that do not fit the memory.
func TestAFaultOfAFlagNamesTheFlag(t *testing.T) {
	for flag, want := range map[string]string{
		"--timeout=abc":             `--timeout="abc": must be whole seconds or a Go duration from 1s to 1h`,
		"--workers=none":            `--workers="none": must be a whole number from 1 to 32`,
		"--workers=32":              `--workers="32": does not fit into`,
		"--graceful-timeout=-1":     `--graceful-timeout="-1": must be whole seconds`,
		"--max-requests=1.5":        `--max-requests="1.5": must be a whole number`,
		"--max-requests-jitter=x":   `--max-requests-jitter="x": must be a whole number`,
		"--worker-tmp-dir='/tmp'":   `--worker-tmp-dir="'/tmp'": must not be in quotes`,
		"--bind=127.0.0.1":          `--bind="127.0.0.1": must be HOST:PORT`,
		"--bind=127.0.0.1:eighty":   `--bind="127.0.0.1:eighty": the port must be a whole number from 0 to 65535`,
		"--bind=127.0.0.1:65536":    `--bind="127.0.0.1:65536": the port must be`,
		"--bind=not a host:8000":    `--bind="not a host:8000": the host must be an IP address or a host name`,
		"--bind=unix:/run/app.sock": `--bind="unix:/run/app.sock": the port must be`,
	} {
		cmd := servicetest.Program(t, []string{"DATABASE_URL=postgres://u@127.0.0.1:1/x", "WORKER_TIMEOUT=60"}, "serve", flag)
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != servicetest.ExitUsage || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "studysharper: "+want) {
			t.Errorf("%s: exit %d, want %q\n%s", flag, cmd.ProcessState.ExitCode(), want, out)
		}
	}
	// A value from the environment keeps its name even if a flag is wrong too.
	out, _ := servicetest.Program(t, []string{"MAX_REQUESTS=x"}, "serve", "--timeout=abc").CombinedOutput()
	if !strings.Contains(string(out), `MAX_REQUESTS="x"`) || !strings.Contains(string(out), `--timeout="abc"`) {
		t.Errorf("%s", out)
	}
}
