package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed is the house's plan: which of our packages and which modules a package
// may import. Standard library always; study and text everywhere above them.
var allowed = map[string][]string{
	"app/study":                     {},
	"app/text":                      {},
	"app/eventstream":               {},
	"app/metrics":                   {"golang.org/x/sys"},
	"app/cache":                     {"github.com/allegro/bigcache/v3", "github.com/hashicorp/golang-lru/v2"},
	"app/cache/cachetest":           {"app/cache"},
	"app/llm":                       {},
	"app/llm/offline":               {"app/llm/offline/extract"},
	"app/llm/offline/extract":       {},
	"app/store":                     {"modernc.org/sqlite", "github.com/pressly/goose/v3", "github.com/google/uuid"},
	"app/store/storetest":           {"app/store", "github.com/google/uuid"},
	"app/stream":                    {"app/stream/internal/wire", "app/eventstream", "github.com/google/uuid"},
	"app/stream/internal/wire":      {"github.com/google/uuid"},
	"app/stream/streamtest":         {"app/stream", "go.uber.org/goleak", "github.com/google/uuid"},
	"app/agent":                     {"app/agent/intent", "app/agent/prompt", "app/agent/validate", "github.com/google/uuid", "golang.org/x/sync"},
	"app/agent/intent":              {},
	"app/agent/prompt":              {},
	"app/agent/validate":            {},
	"app/supervisor":                {"app/metrics", "golang.org/x/sys"},
	"app/httpapi":                   {"app/agent", "app/metrics", "app/store", "app/stream", "github.com/gofiber/fiber/v2", "github.com/valyala/fasthttp", "github.com/google/uuid"},
	"loadtest":                      {"loadtest/fakellm", "github.com/HdrHistogram/hdrhistogram-go", "github.com/schollz/progressbar/v3", "golang.org/x/term"},
	"loadtest/benchrecycle":         {"loadtest/benchrecycle/service", "loadtest/benchrecycle/wire", "loadtest/fakellm", "golang.org/x/sys"},
	"loadtest/benchrecycle/service": {"loadtest/benchrecycle/wire", "golang.org/x/sys"},
	"loadtest/benchrecycle/wire":    {"golang.org/x/sys"},
	"loadtest/fakellm":              {},
	"integration":                   {"app/metrics", "app/study", "github.com/testcontainers/testcontainers-go", "github.com/moby/moby", "github.com/docker/docker", "github.com/docker/go-connections"},
}

// everywhere may be imported by all but itself and what is below it.
var everywhere = []string{"app/study", "app/text"}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestPackagesImportOnlyWhatThePlanAllows(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, "studysharper/")
		if name == "app" {
			continue // the one place where packages meet
		}
		plan, known := allowed[name]
		if !known {
			t.Errorf("%s stands in no row of the plan", name)
		}
		for _, path := range p.Imports {
			if !permitted(name, path, plan) {
				t.Errorf("%s must not import %s", name, path)
			}
		}
	}
}

func permitted(name, path string, plan []string) bool {
	path = strings.TrimPrefix(path, "studysharper/")
	if slices.Contains(everywhere, path) {
		return !slices.Contains(everywhere, name) || (name == "app/text" && path == "app/study")
	}
	first, _, _ := strings.Cut(path, "/")
	ours := first == "app" || first == "loadtest" || first == "integration"
	if !ours && !strings.Contains(first, ".") {
		return true // the standard library
	}
	return slices.ContainsFunc(plan, func(ok string) bool {
		return path == ok || (!ours && strings.HasPrefix(path, ok+"/"))
	})
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "studysharper/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
