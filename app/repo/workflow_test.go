package repo_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"studysharper/app/testkit"

	"go.yaml.in/yaml/v3"
)

// workflow is the part of .github/workflows/ci.yml that the tests check.
type workflow struct {
	On          map[string]any
	Env         map[string]string
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		If          string
		Needs       []string
		Strategy    struct{ Matrix struct{ Target []string } }
		Timeout     int `yaml:"timeout-minutes"`
		Steps       []step
	}
}

type step struct {
	Uses, Run, If string
	With          map[string]any
}

// uses returns a function that reports whether a step uses an action, in any version.
func uses(action string) func(step) bool {
	return func(s step) bool { return strings.HasPrefix(s.Uses, action+"@") }
}

func readWorkflow(t *testing.T) workflow { return readWorkflowFile(t, "ci.yml") }

func readWorkflowFile(t *testing.T, name string) (w workflow) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(testkit.ReadFile(t, ".github/workflows/"+name)), &w); err != nil {
		t.Fatal(err)
	}
	return w
}

var (
	pinned     = regexp.MustCompile(`^[a-z-]+/[a-z-]+@[0-9a-f]{40}$`) // a tag can be moved
	makeTarget = regexp.MustCompile(`(?m)^([a-z0-9-]+):`)
)

// asRoot is the prefix that runs a command as root with the installed Go.
const asRoot = `sudo env "PATH=$PATH" "FULL=$FULL" `

func TestTheWorkflowRunsTheGateWithFewRights(t *testing.T) {
	w := readWorkflow(t)
	if len(w.Permissions) != 1 || w.Permissions["contents"] != "read" {
		t.Errorf("every job may %v", w.Permissions)
	}
	targets := makeTarget.FindAllString(testkit.ReadFile(t, "Makefile"), -1)
	var run []string
	for name, job := range w.Jobs {
		if job.Timeout == 0 {
			t.Errorf("%s may run for ever", name)
		}
		for _, step := range job.Steps {
			if step.Uses != "" && !pinned.MatchString(step.Uses) {
				t.Errorf("%s uses %s", name, step.Uses)
			}
			if target, ok := strings.CutPrefix(strings.TrimPrefix(step.Run, asRoot), "make "); ok && !strings.Contains(target, "$") {
				run = append(run, target)
			}
		}
		run = append(run, job.Strategy.Matrix.Target...)
	}
	for _, target := range []string{"lint", "test", "soak", "integration"} {
		if !slices.Contains(run, target) || !strings.Contains(testkit.ReadFile(t, ".ci/run"), target) {
			t.Errorf("make %s is not run", target)
		}
	}
	for _, target := range run {
		if !slices.Contains(targets, target+":") {
			t.Errorf("there is no target %s", target)
		}
	}
}

// TestTheOtherVersionOfControlGroupsIsTriedEachWeek applies the rules of the first workflow to the second.
func TestTheOtherVersionOfControlGroupsIsTriedEachWeek(t *testing.T) {
	w := readWorkflowFile(t, "cgroup2.yml")
	if len(w.On) != 2 || w.On["schedule"] == nil || len(w.Permissions) != 1 || w.Permissions["contents"] != "read" {
		t.Errorf("it runs on %v with %v", w.On, w.Permissions)
	}
	job := w.Jobs["cgroup2"]
	for _, step := range job.Steps {
		if step.Uses != "" && !pinned.MatchString(step.Uses) {
			t.Errorf("it uses %s", step.Uses)
		}
	}
	if job.Timeout == 0 || !slices.ContainsFunc(job.Steps, func(s step) bool { return s.Run == "make cgroup2" }) {
		t.Errorf("the steps are %+v", job.Steps)
	}
}

// TestAnImageIsTaggedByTheVersionsThatItIsTheNewestOf runs .ci/image-tags.
func TestAnImageIsTaggedByTheVersionsThatItIsTheNewestOf(t *testing.T) {
	for _, tt := range []struct{ released, version, want string }{
		{"", "1.0.0", "1.0.0 1.0 1 latest"},
		{"v1.0.0 v1.2.3 v1.10.0-rc.1 nightly", "1.2.4", "1.2.4 1.2 1 latest"},
		{"v1.2.3 v1.2.4", "1.2.3", "1.2.3"},
		{"v1.2.9 v2.0.0", "1.2.10", "1.2.10 1.2 1"},
		{"v1.2.3 v11.0.0", "1.1.9", "1.1.9 1.1"},
		{"v1.0.0", "1.0.0-rc.1", ""},
	} {
		command := exec.Command(filepath.Join(testkit.Root(), ".ci", "image-tags"), tt.version)
		command.Stdin = strings.NewReader(strings.ReplaceAll(tt.released, " ", "\n") + "\n")
		said, err := command.Output()
		if got := strings.Join(strings.Fields(string(said)), " "); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s after %s is %q, %v; want %q", tt.version, tt.released, got, err, tt.want)
		}
	}
}

func TestEachNightAndOnDemandTheGateRunsAtFullLength(t *testing.T) {
	w := readWorkflow(t)
	for _, event := range []string{"schedule", "workflow_dispatch"} {
		if _, ok := w.On[event]; !ok || !strings.Contains(w.Env["FULL"], "github.event_name == '"+event+"'") {
			t.Errorf("not by %s: FULL is %q", event, w.Env["FULL"])
		}
	}
	if steps := w.Jobs["integration"].Steps; !slices.ContainsFunc(steps, func(s step) bool { return s.Run == asRoot+"make integration" }) {
		t.Errorf("the integration tests are not told of it: %+v", steps)
	}
	if !strings.Contains(testkit.ReadFile(t, "Makefile"), "\nexport FULL\n") {
		t.Error("make does not pass FULL on")
	}
}

func TestTheReportIsUploadedAlsoWhenATestFails(t *testing.T) {
	steps := readWorkflow(t).Jobs["integration"].Steps
	i := slices.IndexFunc(steps, uses("actions/upload-artifact"))
	if i < 0 || steps[i].If != "always()" || steps[i].With["path"] != "integration/report/" {
		t.Errorf("the steps are %+v", steps)
	}
}

func TestAReleaseIsGreenAndSaysWhatItIsMadeOf(t *testing.T) {
	w := readWorkflow(t)
	release := w.Jobs["release"]
	if !strings.Contains(release.If, "tag") {
		t.Errorf("it is released if %q", release.If)
	}
	for name := range w.Jobs {
		if name != "release" && name != "publish" && !slices.Contains(release.Needs, name) {
			t.Errorf("it is released without %s", name)
		}
	}
	if publish := w.Jobs["publish"]; !strings.Contains(publish.If, "tag") || !slices.Contains(publish.Needs, "release") {
		t.Errorf("it is published if %q, after %v", publish.If, publish.Needs)
	}
	built := slices.IndexFunc(release.Steps, uses("docker/build-push-action"))
	if built < 0 {
		t.Fatal("no image is built")
	}
	with := release.Steps[built].With
	if with["sbom"] != true || with["provenance"] != "mode=max" {
		t.Errorf("sbom: %v, provenance: %v", with["sbom"], with["provenance"])
	}
	dockerfile := testkit.ReadFile(t, "Dockerfile")
	for line := range strings.Lines(with["build-args"].(string)) {
		if name, _, _ := strings.Cut(line, "="); !strings.Contains(dockerfile, "\nARG "+name+"=") {
			t.Errorf("the Dockerfile knows no %s", name)
		}
	}
	for _, label := range []string{"title", "description", "licenses", "version", "revision"} {
		if !strings.Contains(dockerfile, "org.opencontainers.image."+label+"=") {
			t.Errorf("the image has no %s", label)
		}
	}
}

// TestEveryBuildOfTheProgramIsReproducible checks that builds use the flags without which a
// binary contains the path of its folder; `make reproducible` builds the binary twice.
func TestEveryBuildOfTheProgramIsReproducible(t *testing.T) {
	if text := testkit.ReadFile(t, "Dockerfile"); !strings.Contains(text, `GOFLAGS="-mod=readonly -trimpath"`) || strings.Contains(text, "image.created") {
		t.Error("the image is something else each time it is built")
	}
	if !strings.Contains(testkit.ReadFile(t, "Makefile"), "export GOFLAGS := -mod=readonly\n") {
		t.Error("make may change go.mod")
	}
}
