package contract_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
)

// generators generate a client from the OpenAPI 3.0 document, in a folder of testdata/clients; the main.go there uses
// it.
var generators = map[string][]string{
	"oapi": {"oapi-codegen", "-generate", "types,client", "-package", "client", "-o", "oapi/client/client.go"},
	"ogen": {"ogen", "-config", "ogen/ogen.yml", "-target", "ogen/client", "-package", "client"},
}

// TestGeneratedClientsUseTheService runs two generators on the document that the service serves, and runs the generated
// code against the service. Their versions are in testdata/clients/go.mod, a separate module; its programs end in .txt,
// so that the tools of this module ignore them.
func TestGeneratedClientsUseTheService(t *testing.T) {
	testkit.SkipShort(t, "builds two generated clients")
	module := t.TempDir()
	if err := os.CopyFS(module, os.DirFS(filepath.Join("testdata", "clients"))); err != nil {
		t.Fatal(err)
	}
	needModules(t, module)
	s := servicetest.Start(t)
	document := filepath.Join(module, "openapi.json")
	if err := os.WriteFile(document, fetch(t, s.URL+"/openapi-3.0.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	for folder, command := range generators {
		if err := os.Mkdir(filepath.Join(module, folder, "client"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(module, folder, "main.go.txt"), filepath.Join(module, folder, "main.go")); err != nil {
			t.Fatal(err)
		}
		runGo(t, module, append(append([]string{"tool"}, command...), document)...)
		said := runGo(t, module, "run", "./"+folder, s.URL)
		if t.Logf("%s: %s", folder, said); !strings.HasPrefix(said, "1 note, 1 deck, 3 cards; refused: invalid") {
			t.Errorf("%s says %q", folder, said)
		}
	}
}

// needModules skips the test if the modules are neither in the cache nor reachable.
func needModules(t *testing.T, module string) {
	t.Helper()
	download := exec.Command("go", "mod", "download")
	download.Dir = module
	if said, err := download.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v: %s", err, said)
		}
		t.Skip("the Go module proxy cannot be reached, and the modules of the client generators are not in the cache")
	}
}

func runGo(t *testing.T, module string, args ...string) string {
	t.Helper()
	command := exec.Command("go", args...)
	command.Dir = module
	command.Env = append(os.Environ(), "GOFLAGS=-trimpath") // so that packages built in another folder are not rebuilt
	said, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return string(said)
}

func fetch(t *testing.T, url string) []byte {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", url, res.StatusCode, err)
	}
	return body
}
