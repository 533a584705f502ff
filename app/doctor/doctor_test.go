package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"studysharper/app/cluster/redistest"
	"studysharper/app/config"
	"studysharper/app/memory"
	"studysharper/app/store"
	"studysharper/app/store/postgrestest"
	"studysharper/app/testkit"
)

// says fails the test for a finding that is not as it should be, or holds a canary.
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
	says(t, cgroupLine(cgroupOf(nil)), lacking, "none that can be read")
}

func TestDoctorSaysHowTheMemoryIsDivided(t *testing.T) {
	says(t, budgetLine(512*config.MiB, config.Config{Workers: 2, CacheMaxMB: 10}), fine, "4 workers of 96 MB (cache 10 MB; replaced above 84 MB of anonymous memory)")
	says(t, budgetLine(64*config.MiB, config.Config{Workers: 2, CacheMaxMB: 10}), broken, `WEB_CONCURRENCY="2": does not fit into 64 MB`)
}

func TestDoctorTriesTheScoreboardsFolder(t *testing.T) {
	dir := t.TempDir()
	says(t, sharedMemoryLine(config.Config{WorkerTmpDir: dir}), fine, dir+" takes the scoreboard")
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
	says(t, line("redis://:canary@"+server.Addr()), broken, "refuses us: WRONGPASS")
	says(t, line(redistest.Start(t, "--maxmemory-policy", "allkeys-lru").URL()), lacking, "set volatile-lru")
	_, replica, _ := redistest.Sentinel(t)
	says(t, line(replica.URL()), lacking, "READONLY")
}

func TestDoctorOpensTheDatabaseAndLeavesNothingBehind(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	line := func(url string) finding { return databaseLine(ctx, config.Config{DatabaseURL: url}) }
	path := filepath.Join(dir, "in", "new", "x.db")
	says(t, line("sqlite:"+path), fine, "is not there yet; the next start makes it")
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

func TestDoctorAsksTheModelsAPI(t *testing.T) {
	var status int
	var asked []string
	api := testkit.HTTPServer(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
		w.Header().Set("Location", "http://"+r.Host+"/elsewhere")
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, "canary")
	})
	c := config.Config{LLMProvider: "openai", LLMAPIKey: "canary-key", LLMModel: "m", LLMBaseURL: api + "/v1/"}
	for _, tt := range []struct {
		status int
		want   severity
		text   string
	}{
		{200, fine, "takes the key; m is asked first"}, {401, broken, "refuses the key (401)"}, {403, broken, "refuses the key (403)"},
		{404, lacking, "lists no models"}, {302, broken, "status 302"}, {500, broken, "status 500"},
	} {
		status = tt.status
		says(t, upstreamLine(t.Context(), c), tt.want, tt.text)
	}
	if len(asked) != 6 || asked[0] != "GET /v1/models Bearer canary-key" {
		t.Errorf("asked %v", asked)
	}
	asked, c.LLMAPIKey = nil, ""
	for _, tt := range []struct {
		status int
		want   severity
		text   string
	}{{200, fine, "answers without a key; m is asked first"}, {401, broken, "asks for a key (401): set OPENROUTER_API_KEY or LLM_API_KEY"}} {
		status = tt.status
		says(t, upstreamLine(t.Context(), c), tt.want, tt.text)
	}
	if len(asked) != 2 || asked[0] != "GET /v1/models " {
		t.Errorf("asked %q", asked)
	}
	c.LLMBaseURL = "http://u:canary@" + testkit.ClosedPort(t) + "/v1?key=canary"
	says(t, upstreamLine(t.Context(), c), broken, "connection refused")
	silent := testkit.HTTPServer(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c.LLMBaseURL = silent
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	says(t, upstreamLine(ctx, c), broken, "no answer within 3s")
	garbage, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer garbage.Close()
	go func() {
		conn, err := garbage.Accept()
		if err == nil {
			_, _ = conn.Write([]byte("canary\r\n\r\n"))
			_ = conn.Close()
		}
	}()
	c.LLMBaseURL = "http://" + garbage.Addr().String()
	says(t, upstreamLine(t.Context(), c), broken, "cannot be reached")
	says(t, upstreamLine(t.Context(), config.Config{LLMProvider: "offline"}), fine, "offline")
}
