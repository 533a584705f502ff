package repo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"studysharper/app/config"
	"studysharper/app/testkit"
)

// The tools that read the manifests. Both come from the Go module proxy, which verifies their checksums.
const (
	kustomize  = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.2"
	kubernetes = "k8s.io/kubernetes@v1.34.2" // for its api/openapi-spec/swagger.json
)

type object = map[string]any

// goTool runs the go command outside of this module. If modules cannot be fetched, the test is skipped.
func goTool(t *testing.T, args ...string) []byte {
	t.Helper()
	command := exec.Command("go", args...)
	command.Dir = t.TempDir()
	command.Env = append(os.Environ(), "GOFLAGS=")
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil && strings.Contains(said.String(), "dial tcp") && os.Getenv("CI") != "true" {
		t.Skip("the Go module proxy cannot be reached, and kustomize or the schemas of Kubernetes are not in the cache")
	}
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &said)
	}
	return out
}

// manifests returns the objects of an overlay in docs/kubernetes.
func manifests(t *testing.T, overlay string) []object {
	t.Helper()
	text := goTool(t, "run", kustomize, "build", filepath.Join(testkit.Root(), "docs", "kubernetes", overlay))
	var all []object
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var one object
		if err := decoder.Decode(&one); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		plain, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, value.(object))
	}
}

// kubernetesAPI checks objects against the schemas that Kubernetes publishes for its API. Unknown fields are errors,
// because the server would ignore a misspelt field.
type kubernetesAPI struct {
	compiler *jsonschema.Compiler
	kinds    map[string]string // apiVersion and kind to the name of the definition
}

func readKubernetesAPI(t *testing.T) *kubernetesAPI {
	t.Helper()
	var module struct{ Dir string }
	if err := json.Unmarshal(goTool(t, "mod", "download", "-json", kubernetes), &module); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(module.Dir, "api", "openapi-spec", "swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	document, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	api := &kubernetesAPI{jsonschema.NewCompiler(), map[string]string{}}
	for name, definition := range document.(object)["definitions"].(object) {
		definition := definition.(object)
		if definition["properties"] != nil {
			definition["additionalProperties"] = false
		}
		if definition["format"] == "int-or-string" {
			delete(definition, "type")
		}
		kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
		for _, kind := range kinds {
			of := kind.(object)
			version := strings.TrimPrefix(fmt.Sprintf("%v/%v", of["group"], of["version"]), "/")
			api.kinds[fmt.Sprint(version, " ", of["kind"])] = name
		}
	}
	if err := api.compiler.AddResource("https://kubernetes.invalid/swagger.json", document); err != nil {
		t.Fatal(err)
	}
	return api
}

func (api *kubernetesAPI) validate(manifest object) error {
	kind := fmt.Sprint(manifest["apiVersion"], " ", manifest["kind"])
	name := api.kinds[kind]
	if name == "" {
		return fmt.Errorf("Kubernetes has no %s", kind)
	}
	schema, err := api.compiler.Compile("https://kubernetes.invalid/swagger.json#/definitions/" + name)
	if err != nil {
		return err
	}
	return schema.Validate(manifest)
}

func TestTheManifestsAreAsKubernetesHasThem(t *testing.T) {
	testkit.SkipShort(t, "builds kustomize")
	api := readKubernetesAPI(t)
	want := map[string][]string{
		"single":      {"Deployment", "NetworkPolicy", "PersistentVolumeClaim", "Service"},
		"distributed": {"Deployment", "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget", "Service", "Service", "Service", "StatefulSet"},
	}
	for overlay, kinds := range want {
		var got []string
		for _, manifest := range manifests(t, overlay) {
			got = append(got, manifest["kind"].(string))
			if err := api.validate(manifest); err != nil {
				t.Errorf("%s: %s: %v", overlay, manifest["kind"], err)
			}
			if manifest["kind"] == "Deployment" || manifest["kind"] == "StatefulSet" {
				checkPod(t, overlay, manifest)
			}
		}
		if slices.Sort(got); !slices.Equal(got, kinds) {
			t.Errorf("%s has %v, want %v", overlay, got, kinds)
		}
	}
	for _, wrong := range []string{`{"apiVersion":"v1","kind":"Service","spec":{"port":80}}`, `{"apiVersion":"apps/v1beta1","kind":"Deployment"}`, `{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":"http"}]}}`} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(wrong))
		if err != nil || api.validate(value.(object)) == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

// field returns the value at a path of names and indices in an object.
func field(node any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			of, _ := node.(object)
			node = of[step]
		case int:
			of, _ := node.([]any)
			if step >= len(of) {
				return nil
			}
			node = of[step]
		}
	}
	return node
}

// checkPod checks the pods of a workload against what the container guarantees.
func checkPod(t *testing.T, overlay string, workload object) {
	t.Helper()
	pod := field(workload, "spec", "template", "spec")
	container := field(pod, "containers", 0)
	for _, rule := range []struct {
		what      string
		got, want any
	}{
		{"runs as root", field(pod, "securityContext", "runAsNonRoot"), true},
		{"writes its root file system", field(container, "securityContext", "readOnlyRootFilesystem"), true},
		{"may gain privileges", field(container, "securityContext", "allowPrivilegeEscalation"), false},
		{"has capabilities", field(container, "securityContext", "capabilities", "drop", 0), "ALL"},
		{"has a token of the cluster", field(pod, "automountServiceAccountToken"), false},
	} {
		if rule.got != rule.want {
			t.Errorf("%s: %v %s", overlay, field(workload, "metadata", "name"), rule.what)
		}
	}
	if field(container, "resources", "limits", "memory") == nil {
		t.Errorf("%s: %v has no limit of memory", overlay, field(workload, "metadata", "name"))
	}
}

// TestThePodIsProbedDrainedAndLimitedAsTheServiceNeeds reads the base, which needs no kustomize.
func TestThePodIsProbedDrainedAndLimitedAsTheServiceNeeds(t *testing.T) {
	pod := field(asJSON(t, filepath.Join(testkit.Root(), "docs", "kubernetes", "base", "deployment.yaml")), "spec", "template", "spec")
	container := field(pod, "containers", 0)
	settings := map[string]string{"ADMIN_TOKEN": "mL4vQ9sX2cT7bN0r"[:config.MinAdminToken]}
	for _, variable := range field(container, "env").([]any) {
		name, value := field(variable, "name").(string), field(variable, "value").(string)
		if settings[name] = value; !slices.Contains(config.SettingNames(), name) {
			t.Errorf("%s is not a setting", name)
		}
	}
	c, err := config.Load(settings)
	if err != nil {
		t.Fatalf("the service refuses these settings: %v", err)
	}
	seconds := func(path ...any) int {
		number, err := strconv.Atoi(fmt.Sprint(field(pod, path...)))
		if err != nil {
			t.Fatal(err)
		}
		return number
	}
	grace, sleep := seconds("terminationGracePeriodSeconds"), seconds("containers", 0, "lifecycle", "preStop", "sleep", "seconds")
	if rest := grace - sleep - int(c.GracefulTimeout.Seconds()); rest < 2 {
		t.Errorf("the pod is killed %d s after the drain", rest)
	}
	for probe, path := range map[string]string{"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"} {
		if got := field(container, probe, "httpGet", "path"); got != path {
			t.Errorf("the %s asks %v", probe, got)
		}
	}
	if got := field(container, "resources", "limits", "memory"); got != "512Mi" {
		t.Errorf("the limit of memory is %v", got)
	}
	if got := fmt.Sprint(field(container, "ports", 0, "containerPort")); got != settings["PORT"] {
		t.Errorf("port %v, but PORT=%s", got, settings["PORT"])
	}
}
