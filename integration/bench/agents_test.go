package bench

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

// agentsSwitch names the environment variable that switches TestBenchAgents on.
const agentsSwitch = "BENCH_AGENTS"

const (
	chatClients = 50
	chatFor     = 20 * time.Second
	chatRounds  = 5
	chatGoal    = 3000 // answers per second
	chatBound   = 64_000_000

	pacedRate    = 200 // requests per second
	pacedFor     = 30 * time.Second
	pacedClients = 32
	pacedP50     = time.Millisecond
	pacedP99     = 10 * time.Millisecond
)

// TestBenchAgents measures what the service adds to an upstream that answers at once. Every request is new, so each is
// a call of the model and a conversation that is stored. `make bench-agents` runs it.
func TestBenchAgents(t *testing.T) {
	if os.Getenv(agentsSwitch) == "" {
		t.Skip("run it with make bench-agents")
	}
	if err := harness.BuildImage(benchTag, benchTag); err != nil {
		t.Fatal(err)
	}
	measure(t, "agents", []benchPart{{"chat", (*bench).chat}, {"overhead", (*bench).overhead}})
}

// modelled is a service, and the address of its model.
type modelled struct {
	*harness.Instance
	model netip.AddrPort
}

// startWithModel runs the service with a model that answers at once. Its workers are recycled at the default
// settings.
func startWithModel(t *testing.T) modelled {
	t.Helper()
	model := harness.StartModel(t, fakellm.EchoAnswer)
	return modelled{model: model, Instance: harness.StartInstance(t, harness.ImageRepo+":"+benchTag, harness.ModelSettings(model))}
}

// chat keeps as many clients busy as a small container should support, each time in a new container.
func (b *bench) chat() {
	var rates []float64
	var all harness.Outcome
	var peak int64
	recycled := 0
	for i := range chatRounds {
		b.Run(fmt.Sprint(i), func(t *testing.T) {
			h := startWithModel(t)
			watch := harness.Sample(t, h.Group)
			began := time.Now()
			round := harness.AskAll(h.Address, chatClients, harness.Question, func() (time.Time, bool) { return time.Now(), time.Since(began) < chatFor })
			rates = append(rates, float64(len(round.Times))/time.Since(began).Seconds())
			all.Add(round)
			watch.End(t)
			peak = max(peak, watch.Peak)
			recycled += h.Metrics(t).Recycles["max_requests"]
		})
	}
	if len(rates) < chatRounds {
		return // the round has failed
	}
	slices.Sort(rates)
	slices.Sort(all.Times)
	n := len(all.Times)
	b.zero("chat requests failed", len(all.Failures), n)
	b.add(benchRow{Name: fmt.Sprintf("chat answers a second, %d clients, median of %d", chatClients, chatRounds), N: n,
		Measured: fmt.Sprintf("%.0f", rates[chatRounds/2]), Value: rates[chatRounds/2], Goal: fmt.Sprintf("≥ %d", chatGoal),
		Pass: rates[chatRounds/2] >= chatGoal, Note: fmt.Sprintf("%.0f to %.0f", rates[0], rates[chatRounds-1])})
	b.took("a chat answer, p50", harness.Quantile(all.Times, .5), 0, n, harness.Spread(all.Times))
	b.bytes("container memory, highest of all samples", peak, chatBound, n, "a sample each 100 ms")
	b.tell("workers recycled", recycled, n, "")
	b.complain(all.Failures)
}

// overhead sends requests at a fixed rate, to the model alone and then to the service.
func (b *bench) overhead() {
	h := startWithModel(b.T)
	alone, all := paced(h.model, completion), paced(h.Address, harness.Question)
	n := len(all.Times)
	b.zero(fmt.Sprintf("requests failed at %d a second", pacedRate), len(all.Failures)+len(alone.Failures), n)
	b.took("an answer of the model alone, p50", harness.Quantile(alone.Times, .5), 0, len(alone.Times), harness.Spread(alone.Times))
	own := h.ownTimes(b.T)
	b.took("service time for a chat answer less the model's, p50", harness.Quantile(own, .5)-harness.Quantile(alone.Times, .5), pacedP50, len(own), harness.Spread(own))
	b.took("a chat answer as its client sees it, p50", harness.Quantile(all.Times, .5), 0, n, harness.Spread(all.Times))
	b.took("a chat answer, the model's time included, p99", harness.Quantile(all.Times, .99), pacedP99, n, "")
	b.complain(append(all.Failures, alone.Failures...))
}

// ownTimes returns how long the service took for each answer, from the request's last byte to the response's first,
// according to its log.
func (m modelled) ownTimes(t *testing.T) []time.Duration {
	t.Helper()
	log, err := m.Logs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var times []time.Duration
	for lines := bufio.NewScanner(log); lines.Scan(); {
		_, value, ok := strings.Cut(lines.Text(), "route=/api/ai/agent-test status=200 duration_us=")
		if micros, err := strconv.Atoi(strings.TrimSpace(strings.Split(value, " ")[0])); ok && err == nil {
			times = append(times, time.Duration(micros)*time.Microsecond)
		}
	}
	slices.Sort(times)
	return times
}

// paced sends requests at pacedRate, however long the answers take; their times count from when the requests were due.
func paced(to netip.AddrPort, request func(n int64) []byte) harness.Outcome {
	var next atomic.Int64
	began := time.Now()
	all := harness.AskAll(to, pacedClients, request, func() (time.Time, bool) {
		due := time.Duration(next.Add(1)) * time.Second / pacedRate
		testkit.Pause(time.Until(began.Add(due)))
		return began.Add(due), due < pacedFor
	})
	slices.Sort(all.Times)
	return all
}

// complain shows a few failures.
func (b *bench) complain(failures []error) {
	for _, err := range failures[:min(len(failures), 5)] {
		b.Log(err)
	}
}

// completion returns a call of the model, similar to what the service sends for a question.
func completion(n int64) []byte {
	return harness.PostRequest("/v1/chat/completions", fmt.Sprintf(`{"model":"m","messages":[{"role":"user","content":"What is light, question %d?"}]}`, n))
}
