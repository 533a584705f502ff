package bench

import (
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

// fleet is several instances, the engines they share and their model.
type fleet struct {
	*bench
	redis *testcontainers.DockerContainer
	asked atomic.Int64 // calls of the model for an answer, not counting checks
	all   []*harness.Instance
	next  atomic.Int64
}

// newFleet starts the engines and n instances. latency is the model's; if it is negative, the built-in engine answers.
func (b *bench) newFleet(n int, latency time.Duration, more ...func(*container.HostConfig)) *fleet {
	b.Helper()
	f := &fleet{bench: b}
	redis, postgres := strconv.Itoa(harness.FreePort(b.T)), strconv.Itoa(harness.FreePort(b.T))
	f.redis = harness.LaunchOnHost(b.T, "redis:7-bookworm", nil, "redis-server", "--port", redis, "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--maxmemory", "128mb", "--maxmemory-policy", "volatile-lru")
	harness.LaunchOnHost(b.T, "postgres:15-bookworm", map[string]string{"POSTGRES_USER": "studysharper", "POSTGRES_DB": "studysharper", "POSTGRES_PASSWORD": "bench"},
		"postgres", "-c", "listen_addresses=127.0.0.1", "-c", "port="+postgres)
	testkit.Eventually(b.T, "the engines answer", func() bool { return harness.Accepts("127.0.0.1:"+redis) && harness.Accepts("127.0.0.1:"+postgres) })
	settings := map[string]string{
		"LOG_LEVEL": "warn", "RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0", "ADMIN_TOKEN": harness.AdminToken,
		"REDIS_URL":    "redis://127.0.0.1:" + redis,
		"DATABASE_URL": "postgres://studysharper:bench@127.0.0.1:" + postgres + "/studysharper",
	}
	if latency >= 0 {
		upstream := httptest.NewServer(fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{LatencyMS: int(latency.Milliseconds())}}, Answer: f.answer}))
		b.Cleanup(upstream.Close)
		settings["LLM_API_KEY"], settings["LLM_BASE_URL"] = "bench", upstream.URL+"/v1"
	}
	for range n {
		f.all = append(f.all, harness.StartInstance(b.T, harness.ImageRepo+":"+benchTag, settings, more...))
	}
	return f
}

// answer returns the model's answer, and counts it.
func (f *fleet) answer(r fakellm.Request) string {
	if !r.Checks() {
		f.asked.Add(1)
	}
	return fakellm.StudyAnswer(r)
}

// elsewhere returns the addresses of the instances in turn, except one.
func (f *fleet) elsewhere(but *harness.Instance) string {
	for {
		if h := f.all[f.next.Add(1)%int64(len(f.all))]; h != but {
			return h.URL
		}
	}
}

// flashcards returns how many flashcard requests per second instances answer, with eight clients each.
func (f *fleet) flashcards(d time.Duration, of ...*harness.Instance) float64 {
	f.Helper()
	var n atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for _, h := range of {
		all.Go(func() {
			got := harness.AskAll(h.Address, 8, cards, func() (time.Time, bool) { return time.Now(), time.Since(began) < d })
			n.Add(int64(len(got.Times)))
			if f.complain(got.Failures); len(got.Failures) > 0 {
				f.Errorf("%d requests failed", len(got.Failures))
			}
		})
	}
	all.Wait()
	return float64(n.Load()) / time.Since(began).Seconds()
}

// cards requests flashcards from a new page of notes of some 4 kB.
func cards(n int64) []byte {
	var text strings.Builder
	for i := range 8 {
		leaf := fmt.Sprintf("leaf %c%d", 'A'+i, n)
		fmt.Fprintf(&text, "The pigment of %s absorbs blue and red light. Carotene of %s is a pigment that absorbs violet light. Stomata let carbon dioxide into %s. "+
			"The Calvin cycle makes sugar in %s from carbon dioxide. Thylakoids are the membranes of %s where light is caught. ATP carries energy to its stroma. "+
			"Oxygen leaves %s through the stomata. Water comes from the roots through the xylem.\n\n", leaf, leaf, leaf, leaf, leaf, leaf)
	}
	return harness.PostRequest("/api/ai/agent-test", fmt.Sprintf(`{"type":"flashcard_generation","user_id":"student-%d","message":"cards %d","options":{"count":5,"content":%q}}`, n%100, n, text.String()))
}
