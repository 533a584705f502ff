package doctor

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"studysharper/app/config"
	"studysharper/app/memory"
	"studysharper/app/store"
	"studysharper/app/store/postgrestest"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

// says fails the test if a finding differs from what is wanted, or contains a canary.
func says(t *testing.T, f finding, want severity, text string) {
	t.Helper()
	if f.severity != want || !strings.Contains(f.says, text) || strings.Contains(f.says, "canary") || strings.Contains(f.says, "\n") {
		t.Errorf("got %s %q, want %s saying %q", f.severity, f.says, want, text)
	}
}

func cgroupOf(files map[string]string) memory.Cgroup {
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return memory.OpenCgroup(tree)
}

func TestDoctorSaysWhatTheCgroupIs(t *testing.T) {
	v2 := func(limit string) map[string]string {
		return map[string]string{"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": "33 25 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
			"sys/fs/cgroup/memory.current": "20971520\n", "sys/fs/cgroup/memory.max": limit, "sys/fs/cgroup/memory.stat": "inactive_file 10485760\n", "sys/fs/cgroup/memory.events": "oom_kill 0\n"}
	}
	says(t, cgroupLine(cgroupOf(v2("536870912\n"))), fine, "version 2, memory limit 512 MB, of which 10 MB are in use")
	says(t, cgroupLine(cgroupOf(v2("max\n"))), lacking, "version 2, no memory limit: 512 MB are assumed")
	says(t, cgroupLine(cgroupOf(nil)), lacking, "not readable")
}

func TestDoctorSaysHowTheMemoryIsDivided(t *testing.T) {
	says(t, budgetLine(512*config.MiB, config.Config{Workers: 2, CacheMaxMB: 10}), fine, "4 workers of 96 MB (cache 10 MB; replaced above 84 MB of anonymous memory)")
	says(t, budgetLine(64*config.MiB, config.Config{Workers: 2, CacheMaxMB: 10}), broken, `WEB_CONCURRENCY="2": does not fit into 64 MB`)
}

func TestDoctorTriesTheScoreboardsFolder(t *testing.T) {
	dir := t.TempDir()
	says(t, sharedMemoryLine(config.Config{WorkerTmpDir: dir}), fine, dir+" is writable (scoreboard)")
	says(t, sharedMemoryLine(config.Config{WorkerTmpDir: filepath.Join(dir, "absent")}), lacking, "an anonymous memory file instead")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestDoctorHoldsTheOpenFilesAgainstTheStreams(t *testing.T) {
	c := config.Config{SSEMaxStreams: 10000, Workers: 2}
	says(t, openFilesLine(20000, c), fine, "enough for the 10000 event streams")
	says(t, openFilesLine(1024, c), lacking, "room for 1512 event streams on 2 workers, not the 10000 of SSE_MAX_STREAMS")
	says(t, openFilesLine(256, c), lacking, "room for ")
	says(t, openFilesLine(255, c), broken, "at least 256 open files")
	if config.OpenFiles() == 0 {
		t.Error("this process may open no files")
	}
}

func TestDoctorAsksRedisWhereItIsSet(t *testing.T) {
	ctx := t.Context()
	line := func(url string) finding { return redisLine(ctx, config.Config{RedisURL: url}) }
	says(t, line(""), fine, "REDIS_URL is not set")
	says(t, line("redis://u:canary@"+testkit.ClosedPort(t)), lacking, "run standalone")
	says(t, line("canary"), broken, "must be redis://")
	server := redistest.Start(t, "--requirepass", "the-right-one")
	says(t, line("redis://:the-right-one@"+server.Addr()), fine, "can be written to")
	says(t, line("redis://:canary@"+server.Addr()), broken, "refuses access: WRONGPASS")
	says(t, line(redistest.Start(t, "--maxmemory-policy", "allkeys-lru").URL()), lacking, "set volatile-lru")
	_, replica, _ := redistest.Sentinel(t)
	says(t, line(replica.URL()), lacking, "READONLY")
}

func TestDoctorOpensTheDatabaseAndLeavesNothingBehind(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	line := func(url string) finding { return databaseLine(ctx, config.Config{DatabaseURL: url}) }
	path := filepath.Join(dir, "in", "new", "x.db")
	says(t, line("sqlite:"+path), fine, "does not exist yet; the next start creates it")
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("the folder was made")
	}
	says(t, line("sqlite:/proc/nowhere/x.db"), broken, "cannot be made in /proc")
	migrated := "sqlite:" + filepath.Join(dir, "x.db")
	if err := store.Migrate(ctx, migrated); err != nil {
		t.Fatal(err)
	}
	says(t, line(migrated), fine, "has this version's schema")
	if err := os.WriteFile(filepath.Join(dir, "empty.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	says(t, line("sqlite:"+filepath.Join(dir, "empty.db")), fine, "the next start migrates it")
	if err := os.WriteFile(filepath.Join(dir, "bad.db"), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	says(t, line("sqlite:"+filepath.Join(dir, "bad.db")), broken, "damaged")
	says(t, line("postgres://u:canary@"+testkit.ClosedPort(t)+"/db?sslpassword=canary"), broken, "cannot be used")
}

func TestDoctorTakesAPostgreSQLThatIsStillEmpty(t *testing.T) {
	url := postgrestest.Start(t).Database(t)
	says(t, databaseLine(t.Context(), config.Config{DatabaseURL: url}), fine, "the next start migrates it")
	if err := store.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	f := databaseLine(t.Context(), config.Config{DatabaseURL: url})
	says(t, f, fine, "has this version's schema")
	if strings.Contains(f.says, postgrestest.Password) {
		t.Errorf("it tells the password: %s", f.says)
	}
}

// upstreamFindings returns the doctor's lines on the model.
func upstreamFindings(t *testing.T, c config.Config) (list []finding) {
	t.Helper()
	for _, check := range upstreamChecks(t.Context(), c) {
		list = append(list, check())
	}
	return list
}

func TestDoctorMakesOneCallOfTheModel(t *testing.T) {
	const refusal = `{"error":{"message":"canary"}}`
	answers := func(models string, status int, chat string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/v1/models" && models != "":
				_, _ = fmt.Fprint(w, models)
			case r.URL.Path == "/v1/chat/completions":
				w.WriteHeader(status)
				_, _ = fmt.Fprint(w, chat)
			default:
				w.WriteHeader(cmp.Or(status, http.StatusNotFound))
			}
		}
	}
	const list, good = `{"data":[{"id":"m","context_length":8192}]}`, `{"choices":[{"message":{"content":"ok"}}]}`
	for _, tt := range []struct {
		name     string
		serve    func(http.ResponseWriter, *http.Request)
		key      string
		upstream severity
		says     string
		model    severity
		too      string
	}{
		{"well", answers(list, 200, good), "canary-key", fine, "answers and accepts the key", fine, "m answers; its context is 8192 tokens, fewer than LLM_CONTEXT_TOKENS (32000)"},
		{"without a key", answers(list, 200, good), "", fine, "answers without a key", fine, "m answers"},
		{"a model that is not offered", answers(`{"data":[{"id":"other"}]}`, 200, good), "", fine, "answers", lacking, "not among the 1 models"},
		{"no list", answers("", 200, good), "", fine, "answers", fine, "does not tell its context"},
		{"a wrong key", answers("", 401, refusal), "canary-key", broken, "rejects the key (401)", broken, "rejected this server's API key"},
		{"no key", answers("", 401, refusal), "", broken, "requires a key (401): set LLM_API_KEY", broken, "rejected"},
		{"no credit", answers(list, 402, refusal), "canary-key", fine, "answers (200)", broken, "no credit left"},
		{"an unknown model", answers(list, 404, `{"error":{"code":"model_not_found","message":"canary"}}`), "", fine, "answers (200)", broken, "does not know the model; please tell whoever runs this server (upstream status 404, code model_not_found)"},
		{"a broken API", answers("", 500, refusal), "", fine, "answers (500)", broken, "cannot answer right now"},
	} {
		c := config.Config{LLMProvider: "openai", LLMAPIKey: tt.key, LLMModel: "m", LLMContext: 32_000, LLMBaseURL: testkit.HTTPServer(t, tt.serve) + "/v1/", LLMTimeout: time.Minute}
		lines := upstreamFindings(t, c)
		says(t, lines[0], tt.upstream, tt.says)
		says(t, lines[1], tt.model, tt.too)
	}
	c := config.Config{LLMProvider: "openai", LLMModel: "m", LLMTimeout: time.Minute, LLMBaseURL: testkit.HTTPServer(t, answers(list, 200, good))}
	says(t, upstreamFindings(t, c)[0], broken, "/v1 is: set LLM_BASE_URL to that")
	c.LLMBaseURL = "http://u:canary@" + testkit.ClosedPort(t) + "/v1?key=canary"
	says(t, upstreamFindings(t, c)[0], broken, "connection refused")
	says(t, upstreamFindings(t, config.Config{LLMProvider: "offline"})[0], fine, "offline")
}
