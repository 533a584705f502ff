package repo_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed lists the packages of ours and the modules that each package may import, besides
// the standard library and the packages of everywhere.
var allowed = map[string][]string{
	"app":                            {"app/auth", "app/cluster", "app/config", "app/doctor", "app/extract/sandbox", "app/memory", "app/process", "app/store", "app/supervisor", "github.com/spf13/cobra"},
	"app/study":                      {},
	"app/text":                       {"golang.org/x/text"},
	"app/stream/eventstream":         {},
	"app/memory/shm":                 {"golang.org/x/sys"},
	"app/testkit":                    {},
	"app/e2e/servicetest":            {"app/testkit", "app/stream/eventstream", "app/testkit/openapitest", "loadtest/client", "loadtest/fakellm", "github.com/golang-jwt/jwt/v5", "go.uber.org/goleak"},
	"app/e2e/cluster":                {},
	"app/e2e/contract":               {},
	"app/e2e/docs":                   {},
	"app/e2e/flood":                  {},
	"app/e2e/pages":                  {},
	"app/e2e/retrieval":              {},
	"app/e2e/streams":                {},
	"app/e2e/workers":                {},
	"app/repo":                       {},
	"app/config":                     {"app/metrics", "app/store", "github.com/caarlos0/env/v11"},
	"app/logging":                    {"app/memory/shm"},
	"app/trace":                      {},
	"app/doctor":                     {"app/cluster", "app/config", "app/extract/child", "app/memory", "app/metrics", "app/memory/shm", "app/store", "app/llm", "app/llm/openai"},
	"app/memory":                     {"golang.org/x/sys"},
	"app/metrics":                    {"app/memory", "app/memory/shm", "golang.org/x/sys"},
	"app/cache":                      {"github.com/allegro/bigcache/v3", "github.com/hashicorp/golang-lru/v2"},
	"app/cache/cachetest":            {"app/cache", "app/testkit"},
	"app/llm":                        {"app/config", "app/llm/openai"},
	"app/llm/openai":                 {"app/trace"},
	"app/llm/upstreamtest":           {"app/testkit"},
	"app/offline/clean":              {},
	"app/offline/engine":             {"app/offline/english", "app/offline/facts", "app/offline/clean", "app/offline/lists"},
	"app/offline/english":            {"app/offline/clean", "app/offline/language", "app/offline/lexicon"},
	"app/offline/facts":              {"app/offline/english", "app/offline/clean", "app/offline/language", "app/offline/lists"},
	"app/offline/language":           {},
	"app/offline/lexicon":            {},
	"app/offline/lists":              {},
	"app/store":                      {"modernc.org/sqlite", "github.com/jackc/pgx/v5", "github.com/pressly/goose/v3", "github.com/google/uuid", "golang.org/x/sys", "app/passages", "app/library"},
	"app/store/postgrestest":         {"app/testkit", "github.com/jackc/pgx/v5"},
	"app/auth":                       {"github.com/golang-jwt/jwt/v5", "app/memory/shm", "github.com/google/uuid", "github.com/hashicorp/golang-lru/v2"},
	"app/limit":                      {"app/memory/shm", "golang.org/x/sys"},
	"app/cache/contextcache":         {"app/agent", "app/cache", "app/store", "app/memory/shm"},
	"app/extract":                    {"app/extract/pdf", "github.com/JohannesKaufmann/html-to-markdown/v2", "github.com/klauspost/compress", "golang.org/x/net", "golang.org/x/text", "modernc.org/sqlite"},
	"app/extract/child":              {},
	"app/extract/hostiletest":        {"app/extract/pdf/pdftest", "modernc.org/sqlite"},
	"app/extract/pdf":                {"github.com/klippa-app/go-pdfium", "github.com/tetratelabs/wazero"},
	"app/extract/pdf/pdftest":        {},
	"app/extract/sandbox":            {"app/extract", "app/extract/child", "app/extract/pdf", "golang.org/x/sys"},
	"app/cluster":                    {"app/cache", "app/cluster/bus", "app/cluster/cache", "app/cluster/conn", "app/cluster/failover", "app/cluster/gate", "app/cluster/journal", "app/config", "app/cache/contextcache", "app/limit", "app/stream", "golang.org/x/sync"},
	"app/cluster/bus":                {"app/cluster/conn"},
	"app/cluster/cache":              {"app/cache", "app/cluster/conn", "github.com/klauspost/compress", "github.com/redis/go-redis/v9"},
	"app/cluster/conn":               {"app/config", "github.com/redis/go-redis/v9"},
	"app/cluster/failover":           {"app/stream"},
	"app/cluster/gate":               {"app/cluster/conn", "app/limit", "github.com/redis/go-redis/v9"},
	"app/cluster/journal":            {"app/cluster/conn", "app/stream", "github.com/google/uuid", "github.com/redis/go-redis/v9"},
	"app/testkit/redistest":          {"app/testkit", "github.com/redis/go-redis/v9"},
	"app/store/storetest":            {"app/store", "github.com/google/uuid", "app/testkit", "app/library"},
	"app/stream":                     {"app/stream/eventstream", "github.com/google/uuid"},
	"app/stream/hub":                 {"app/stream", "app/stream/eventstream", "golang.org/x/sys", "golang.org/x/sync"},
	"app/stream/internal/bounds":     {},
	"app/stream/memory":              {"app/stream", "app/stream/internal/bounds", "github.com/google/uuid"},
	"app/stream/streamtest":          {"app/stream", "go.uber.org/goleak", "github.com/google/uuid"},
	"app/stream/record":              {"app/stream"},
	"app/stream/relay":               {"app/stream", "app/stream/internal/bounds", "app/stream/memory", "app/stream/relay/internal/wire", "github.com/google/uuid"},
	"app/stream/relay/internal/wire": {"app/stream", "github.com/google/uuid"},
	"app/agent":                      {"app/agent/intent", "app/agent/prompt", "app/agent/validate", "github.com/google/uuid", "app/agent/parse", "app/passages", "golang.org/x/sync"},
	"app/agent/runner":               {"app/agent", "app/trace"},
	"app/agent/agenttest":            {"app/passages"},
	"app/agent/intent":               {},
	"app/agent/parse":                {},
	"app/agent/prompt":               {"app/agent/parse"},
	"app/agent/validate":             {"app/passages"},
	"app/supervisor":                 {"app/memory", "app/metrics", "app/memory/shm", "golang.org/x/sys"},
	"app/httpapi/rawtest":            {},
	"app/testkit/openapitest":        {"github.com/santhosh-tekuri/jsonschema/v6"},
	"app/httpserver":                 {"app/metrics", "github.com/valyala/fasthttp", "golang.org/x/sys"},
	"app/httpapi":                    {"app/agent", "app/httpserver", "app/limit", "app/memory", "app/metrics", "app/store", "app/stream", "app/stream/hub", "app/stream/record", "app/trace", "app/web", "github.com/gofiber/fiber/v2", "github.com/valyala/fasthttp", "github.com/google/uuid", "golang.org/x/sys", "app/auth", "app/attempt", "app/export", "app/httpapi/mcp", "app/library", "app/review"},
	"app/web":                        {},
	"loadtest":                       {"loadtest/client", "loadtest/command", "loadtest/measure", "loadtest/pace", "loadtest/report", "loadtest/scenario", "loadtest/scenario/cost", "loadtest/scenario/recycle"},
	"loadtest/command":               {},
	"loadtest/client":                {"app/stream/eventstream", "golang.org/x/sys"},
	"loadtest/pace":                  {"golang.org/x/sys"},
	"loadtest/measure":               {"github.com/HdrHistogram/hdrhistogram-go", "loadtest/client", "loadtest/pace"},
	"loadtest/scenario":              {"loadtest/client", "loadtest/measure", "loadtest/pace", "loadtest/swarm", "github.com/google/uuid"},
	"loadtest/report":                {"loadtest/measure", "github.com/guptarohit/asciigraph"},
	"loadtest/limit":                 {"github.com/gofiber/fiber/v2", "github.com/google/uuid", "github.com/valyala/fasthttp", "modernc.org/sqlite"},
	"loadtest/scenario/child":        {},
	"loadtest/scenario/cost":         {"loadtest/scenario/child", "loadtest/client", "loadtest/command", "loadtest/pace"},
	"loadtest/scenario/recycle":      {"loadtest/scenario/child", "loadtest/client", "loadtest/command", "loadtest/fakellm", "loadtest/pace", "github.com/google/uuid", "golang.org/x/sys"},
	"loadtest/fakellm":               {},
	"loadtest/swarm":                 {"golang.org/x/sys", "app/stream/eventstream"},
	"integration/harness":            {"app/testkit", "app/stream/eventstream", "loadtest/client", "loadtest/fakellm", "loadtest/measure", "loadtest/swarm", "github.com/google/uuid", "github.com/moby/moby", "github.com/testcontainers/testcontainers-go", "golang.org/x/sys"},
	"integration/bench":              {},
	"integration/cluster":            {},
	"integration/cgroup2":            {},
	"integration/container":          {},
	"integration/faults":             {},
	"integration/memory":             {},
	"app/passages":                   {"app/offline/language", "github.com/blevesearch/snowballstem", "golang.org/x/text"},
	"app/export":                     {"app/store", "golang.org/x/text", "modernc.org/sqlite"},
	"app/httpapi/mcp":                {"github.com/modelcontextprotocol/go-sdk"},
	"app/library":                    {"github.com/google/uuid"},
	"app/attempt":                    {"app/agent/validate", "app/library", "app/passages", "golang.org/x/text"},
	"app/review":                     {"app/store", "github.com/open-spaced-repetition/go-fsrs/v3"},
}

// everywhere lists the packages that all others may import, except those that they import themselves.
var everywhere = []string{"app/study", "app/text"}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestPackagesImportOnlyWhatThePlanAllows(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, "studysharper/")
		if name == "app/process" {
			continue // the main package joins them all
		}
		plan, known := allowed[name]
		if !known {
			t.Errorf("%s is in no row of the plan", name)
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

// testOnly are the modules that only tests use; a release contains none of them.
var testOnly = []string{"github.com/openai/", "github.com/tidwall/", "github.com/coder/", "github.com/chromedp/", "github.com/tmaxmax/",
	"github.com/testcontainers/", "go.uber.org/goleak", "github.com/santhosh-tekuri/", "github.com/getkin/", "github.com/Shopify/", "go.yaml.in/", "studysharper/app/testkit/openapitest", "studysharper/app/testkit", "studysharper/app/e2e", "studysharper/app/agent/agenttest", "studysharper/app/llm/upstreamtest", "studysharper/app/extract/pdf/pdftest", "studysharper/app/extract/hostiletest"}

func TestModulesOfTheTestsAreNotInTheProgram(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "studysharper/app").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for path := range strings.Lines(string(out)) {
		if slices.ContainsFunc(testOnly, func(module string) bool { return strings.HasPrefix(path, module) }) {
			t.Errorf("the program holds %s", strings.TrimSpace(path))
		}
	}
}
