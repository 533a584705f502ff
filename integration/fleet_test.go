package integration

import (
	"fmt"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"

	"studysharper/loadtest/fakellm"
)

// fleet is instances, the engines they share and their model.
type fleet struct {
	*bench
	redis *testcontainers.DockerContainer
	asked atomic.Int64 // calls of the model for an answer; not for a check
	all   []*hosted
	next  atomic.Int64
}

// newFleet starts the engines and n instances. latency is the model's; below zero the built-in engine answers.
func (b *bench) newFleet(n int, latency time.Duration, more ...func(*container.HostConfig)) *fleet {
	b.Helper()
	f := &fleet{bench: b}
	redis, postgres := strconv.Itoa(freePort(b.T)), strconv.Itoa(freePort(b.T))
	f.redis = onHost(b.T, "redis:7-bookworm", nil, "redis-server", "--port", redis, "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--maxmemory", "128mb", "--maxmemory-policy", "volatile-lru")
	onHost(b.T, "postgres:15-bookworm", map[string]string{"POSTGRES_USER": "studysharper", "POSTGRES_DB": "studysharper", "POSTGRES_PASSWORD": "bench"},
		"postgres", "-c", "listen_addresses=127.0.0.1", "-c", "port="+postgres)
	eventually(b.T, "the engines answer", func() bool { return accepts("127.0.0.1:"+redis) && accepts("127.0.0.1:"+postgres) })
	settings := map[string]string{
		"LOG_LEVEL": "warn", "RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0", "ADMIN_TOKEN": adminToken,
		"REDIS_URL":    "redis://127.0.0.1:" + redis,
		"DATABASE_URL": "postgres://studysharper:bench@127.0.0.1:" + postgres + "/studysharper",
	}
	if latency >= 0 {
		upstream := httptest.NewServer(fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{LatencyMS: int(latency.Milliseconds())}}, Answer: f.answer}))
		b.Cleanup(upstream.Close)
		settings["LLM_API_KEY"], settings["LLM_BASE_URL"] = "bench", upstream.URL+"/v1"
	}
	for range n {
		f.all = append(f.all, startOnHost(b.T, imageRepo+":"+benchTag, settings, more...))
	}
	return f
}

// answer is the model's, counted.
func (f *fleet) answer(r fakellm.Request) string {
	if !r.Checks() {
		f.asked.Add(1)
	}
	return fakellm.StudyAnswer(r)
}

// onHost runs an engine that listens on this machine's own loopback address.
func onHost(t *testing.T, image string, env map[string]string, command ...string) *testcontainers.DockerContainer {
	t.Helper()
	return launch(t, image, testcontainers.WithEnv(env), testcontainers.WithCmd(command...),
		testcontainers.WithHostConfigModifier(func(host *container.HostConfig) { host.NetworkMode = "host" }))
}

// accepts reports whether somebody listens at an address.
func accepts(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		err = conn.Close()
	}
	return err == nil
}

// elsewhere gives the addresses of instances in turn, but for one.
func (f *fleet) elsewhere(but *hosted) string {
	for {
		if h := f.all[f.next.Add(1)%int64(len(f.all))]; h != but {
			return h.url
		}
	}
}

// flashcards gives how many a second instances make, eight clients to each.
func (f *fleet) flashcards(d time.Duration, of ...*hosted) float64 {
	f.Helper()
	var n atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for _, h := range of {
		all.Go(func() {
			got := askAll(h.address, 8, cards, func() (time.Time, bool) { return time.Now(), time.Since(began) < d })
			n.Add(int64(len(got.times)))
			if f.complain(got.failures); len(got.failures) > 0 {
				f.Errorf("%d requests failed", len(got.failures))
			}
		})
	}
	all.Wait()
	return float64(n.Load()) / time.Since(began).Seconds()
}

// cards asks for flashcards from a page of notes that was not seen before, some 4 kB.
func cards(n int64) []byte {
	var text strings.Builder
	for i := range 8 {
		leaf := fmt.Sprintf("leaf %c%d", 'A'+i, n)
		fmt.Fprintf(&text, "The pigment of %s absorbs blue and red light. Carotene of %s is a pigment that absorbs violet light. Stomata let carbon dioxide into %s. "+
			"The Calvin cycle makes sugar in %s from carbon dioxide. Thylakoids are the membranes of %s where light is caught. ATP carries energy to its stroma. "+
			"Oxygen leaves %s through the stomata. Water comes from the roots through the xylem.\n\n", leaf, leaf, leaf, leaf, leaf, leaf)
	}
	return post("/api/ai/agent-test", fmt.Sprintf(`{"type":"flashcard_generation","user_id":"student-%d","message":"cards %d","options":{"count":5,"content":%q}}`, n%100, n, text.String()))
}
