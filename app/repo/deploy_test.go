package repo_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"studysharper/app/config"
	"studysharper/app/testkit"
)

// asJSON reads a YAML file into the values that JSON would have.
func asJSON(t *testing.T, path string) any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file any
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	text, err = json.Marshal(file)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// schemaAt compiles a schema of the shared data; without it, the test is skipped.
func schemaAt(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(testkit.Root(), "..", "shared", "data", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the schema is not at hand: %v", err)
	}
	schema, err := jsonschema.NewCompiler().Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestTheBlueprintIsRendersAndAsksForWhatItNeeds(t *testing.T) {
	file := asJSON(t, filepath.Join(testkit.Root(), "render.yaml"))
	if err := schemaAt(t, "render-schema.json").Validate(file); err != nil {
		t.Error(err)
	}
	services := file.(map[string]any)["services"].([]any)
	web := slices.IndexFunc(services, func(s any) bool { return s.(map[string]any)["type"] == "web" })
	if web < 0 {
		t.Fatal("there is no web service")
	}
	service := services[web].(map[string]any)
	for field, want := range map[string]string{"runtime": "docker", "plan": "starter", "healthCheckPath": "/health"} {
		if service[field] != want {
			t.Errorf("%s is %v, want %s", field, service[field], want)
		}
	}
	known := config.SettingNames()
	values := map[string]string{"OPENROUTER_API_KEY": "k", "ADMIN_TOKEN": "mL4vQ9sX2cT7bN0r"[:config.MinAdminToken]}
	for _, entry := range service["envVars"].([]any) {
		variable := entry.(map[string]any)
		key, _ := variable["key"].(string)
		if key != "" && !slices.Contains(known, key) {
			t.Errorf("%s is not a setting", key)
		}
		if secret := strings.HasSuffix(key, "_KEY") || strings.HasSuffix(key, "_TOKEN") || strings.HasSuffix(key, "_SECRET"); secret && variable["value"] != nil {
			t.Errorf("%s is in the file", key)
		}
		if value, ok := variable["value"].(string); ok {
			values[key] = value
		}
	}
	if _, err := config.Load(values); err != nil {
		t.Errorf("the service refuses these settings: %v", err)
	}
}

func TestTheComposeFileIsOneAndNamesSettingsOnly(t *testing.T) {
	file := asJSON(t, filepath.Join(testkit.Root(), "docker-compose.yml"))
	if err := schemaAt(t, "compose-spec.json").Validate(file); err != nil {
		t.Error(err)
	}
	app := file.(map[string]any)["services"].(map[string]any)["app"].(map[string]any)
	known := config.SettingNames()
	for key := range app["environment"].(map[string]any) {
		if !slices.Contains(known, key) {
			t.Errorf("%s is not a setting", key)
		}
	}
}

// TestNoPlatformKillsAServiceThatStillDrains compares GRACEFUL_TIMEOUT, as each platform sets
// it, with when that platform kills the service; the rest is for the processes to exit.
func TestNoPlatformKillsAServiceThatStillDrains(t *testing.T) {
	const rest = 2 * time.Second
	standard, err := config.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	app := asJSON(t, filepath.Join(testkit.Root(), "docker-compose.yml")).(map[string]any)["services"].(map[string]any)["app"].(map[string]any)
	if set := app["environment"].(map[string]any)["GRACEFUL_TIMEOUT"]; set != "${GRACEFUL_TIMEOUT:-}" { // empty: the service's own
		t.Errorf("compose sets %v", set)
	}
	compose, err := time.ParseDuration(app["stop_grace_period"].(string))
	if err != nil {
		t.Fatal(err)
	}
	timeout := func(file string, setting *regexp.Regexp) time.Duration {
		t.Helper()
		found := setting.FindStringSubmatch(testkit.ReadFile(t, file))
		if found == nil {
			t.Fatalf("%s sets no GRACEFUL_TIMEOUT", file)
		}
		c, err := config.Load(map[string]string{"GRACEFUL_TIMEOUT": found[1]})
		if err != nil {
			t.Fatal(err)
		}
		return c.GracefulTimeout
	}
	for platform, of := range map[string]struct{ drain, kill time.Duration }{
		"docker run": {timeout("Dockerfile", regexp.MustCompile(`(?m)^ENV .*\bGRACEFUL_TIMEOUT=(\S+)$`)), 10 * time.Second},
		"compose":    {standard.GracefulTimeout, compose},
		"Render":     {timeout("render.yaml", regexp.MustCompile(`key: GRACEFUL_TIMEOUT\n\s+value: "(\d+)"`)), 30 * time.Second},
	} {
		if of.drain+rest > of.kill || of.drain < of.kill/2 {
			t.Errorf("%s drains for %v and kills after %v", platform, of.drain, of.kill)
		}
	}
}

func TestTheAlertsPassPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = filepath.Join(testkit.Root(), "docs")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// panel is the part of a dashboard's panel that the test checks.
type panel struct {
	ID      int
	Title   string
	Type    string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr string }
}

func TestTheDashboardsPanelsAreWholeAndDoNotOverlap(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testkit.Root(), "docs", "grafana-dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title, UID string
		Panels     []panel
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	var expressions []string
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.Type == "" || len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d %q is not whole", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%q lies on %q", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		for _, target := range p.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	if len(expressions) < 10 {
		t.Fatalf("only %d expressions", len(expressions))
	}
	checkExpressions(t, expressions)
}

// checkExpressions checks with promtool that the expressions parse.
func checkExpressions(t *testing.T, expressions []string) {
	t.Helper()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	type rule struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	rules := make([]rule, len(expressions))
	for i, e := range expressions {
		rules[i] = rule{"panel:" + strings.Repeat("x", i+1), strings.NewReplacer("$__rate_interval", "5m", "$job", "studysharper", "$instance", ".*").Replace(e)}
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "panels.yml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool, "check", "rules", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
