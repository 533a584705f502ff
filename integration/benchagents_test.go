package integration

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/loadtest/benchrecycle/wire"
	"studysharper/loadtest/fakellm"
)

// benchAgents names the environment variable that switches TestBenchAgents on.
const benchAgents = "BENCH_AGENTS"

const (
	chatClients = 50
	chatFor     = 20 * time.Second
	chatRounds  = 5
	chatGoal    = 3000 // answers a second
	chatBound   = 64_000_000

	pacedRate    = 200 // requests a second
	pacedFor     = 30 * time.Second
	pacedClients = 32
	pacedP50     = time.Millisecond
	pacedP99     = 10 * time.Millisecond

	askTimeout = 10 * time.Second
)

// TestBenchAgents measures what the service adds to an upstream that answers at once. Every request is one that was not
// asked before, so that each is a call of the model and a conversation that is kept. `make bench-agents` runs it.
func TestBenchAgents(t *testing.T) {
	if os.Getenv(benchAgents) == "" {
		t.Skip("run it with make bench-agents")
	}
	if err := buildImage(benchTag, benchTag); err != nil {
		t.Fatal(err)
	}
	measure(t, "agents", []benchPart{{"chat", (*bench).chat}, {"overhead", (*bench).overhead}})
}

// modelled is a service, and where its model is.
type modelled struct {
	*hosted
	model netip.AddrPort
}

// startWithModel runs the service in front of a model that answers at once. Its workers are recycled as they are by
// default.
func startWithModel(t *testing.T) modelled {
	t.Helper()
	model := startModel(t, fakellm.EchoAnswer)
	return modelled{model: model, hosted: startOnHost(t, imageRepo+":"+benchTag, modelSettings(model))}
}

// startModel runs a language model that answers at once, until the test ends.
func startModel(t *testing.T, answer func(fakellm.Request) string) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: fakellm.New(fakellm.Options{Answer: answer}), ReadHeaderTimeout: askTimeout}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().(*net.TCPAddr).AddrPort()
}

// modelSettings are those of a service in front of a model.
func modelSettings(model netip.AddrPort) map[string]string {
	return map[string]string{"LLM_PROVIDER": "openai", "LLM_API_KEY": "none", "LLM_BASE_URL": "http://" + model.String() + "/v1"}
}

// chat keeps as many clients busy as a small container is to bear, each time in a new container.
func (b *bench) chat() {
	var rates []float64
	var all asked
	var peak int64
	recycled := 0
	for i := range chatRounds {
		b.Run(fmt.Sprint(i), func(t *testing.T) {
			h := startWithModel(t)
			watch := sample(t, h.group)
			began := time.Now()
			round := askAll(h.address, chatClients, question, func() (time.Time, bool) { return time.Now(), time.Since(began) < chatFor })
			rates = append(rates, float64(len(round.times))/time.Since(began).Seconds())
			all.add(round)
			watch.end(t)
			peak = max(peak, watch.peak)
			recycled += h.metrics(t).Recycles["max_requests"]
		})
	}
	if len(rates) < chatRounds {
		return // told already
	}
	slices.Sort(rates)
	slices.Sort(all.times)
	n := len(all.times)
	b.zero("chat requests failed", len(all.failures), n)
	b.add(benchRow{Name: fmt.Sprintf("chat answers a second, %d clients, median of %d", chatClients, chatRounds), N: n,
		Measured: fmt.Sprintf("%.0f", rates[chatRounds/2]), Value: rates[chatRounds/2], Goal: fmt.Sprintf("≥ %d", chatGoal),
		Pass: rates[chatRounds/2] >= chatGoal, Note: fmt.Sprintf("%.0f to %.0f", rates[0], rates[chatRounds-1])})
	b.took("a chat answer, p50", quantile(all.times, .5), 0, n, spread(all.times))
	b.bytes("container memory, highest of all samples", peak, chatBound, n, "a sample each 100 ms")
	b.tell("workers recycled meanwhile", recycled, n, "")
	b.complain(all.failures)
}

// overhead asks at a fixed rate, the model alone and then the service.
func (b *bench) overhead() {
	h := startWithModel(b.T)
	alone, all := paced(h.model, completion), paced(h.address, question)
	n := len(all.times)
	b.zero(fmt.Sprintf("requests failed at %d a second", pacedRate), len(all.failures)+len(alone.failures), n)
	b.took("an answer of the model alone, p50", quantile(alone.times, .5), 0, len(alone.times), spread(alone.times))
	own := h.ownTimes(b.T)
	b.took("the service's own time for a chat answer less that, p50", quantile(own, .5)-quantile(alone.times, .5), pacedP50, len(own), spread(own))
	b.took("a chat answer as its client sees it, p50", quantile(all.times, .5), 0, n, spread(all.times))
	b.took("a chat answer, the model's time included, p99", quantile(all.times, .99), pacedP99, n, "")
	b.complain(append(all.failures, alone.failures...))
}

// ownTimes are how long the service took for each answer, from the request's last byte to the response's first, as its log
// has it.
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

// paced asks at pacedRate, whatever the answers take: what they take is counted from when they were due.
func paced(to netip.AddrPort, request func(n int64) []byte) asked {
	var next atomic.Int64
	began := time.Now()
	all := askAll(to, pacedClients, request, func() (time.Time, bool) {
		due := time.Duration(next.Add(1)) * time.Second / pacedRate
		time.Sleep(time.Until(began.Add(due)))
		return began.Add(due), due < pacedFor
	})
	slices.Sort(all.times)
	return all
}

// complain shows a few failures.
func (b *bench) complain(failures []error) {
	for _, err := range failures[:min(len(failures), 5)] {
		b.Log(err)
	}
}

// asked is how requests went.
type asked struct {
	times    []time.Duration // of those answered
	failures []error
}

func (a *asked) add(more asked) {
	a.times = append(a.times, more.times...)
	a.failures = append(a.failures, more.failures...)
}

// askAll has clients ask until next says that it was enough; next gives the moment that a request counts from.
func askAll(to netip.AddrPort, clients int, request func(n int64) []byte, next func() (due time.Time, more bool)) asked {
	var mu sync.Mutex
	var all asked
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			one := askMany(to, request, next)
			mu.Lock()
			defer mu.Unlock()
			all.add(one)
		})
	}
	group.Wait()
	return all
}

// asks numbers what is asked, so that nothing was asked before.
var asks atomic.Int64

func askMany(to netip.AddrPort, request func(n int64) []byte, next func() (time.Time, bool)) (a asked) {
	var conn *wire.Conn
	for due, more := next(); more; due, more = next() {
		var err error
		if conn == nil {
			conn, err = wire.Dial(context.Background(), to, netip.Addr{}, askTimeout)
		}
		if err == nil {
			_, err = conn.Do(request(asks.Add(1)), "")
		}
		if err != nil {
			a.failures = append(a.failures, err)
		} else {
			a.times = append(a.times, time.Since(due))
		}
		if conn != nil && !conn.Usable() {
			conn.Close()
			conn = nil
		}
	}
	if conn != nil {
		conn.Close()
	}
	return a
}

// question is one of a hundred students' chat requests.
func question(n int64) []byte {
	return post("/api/ai/agent-test", fmt.Sprintf(`{"type":"chat","user_id":"student-%d","message":"What is light, question %d?"}`, n%100, n))
}

// completion is a call of the model, much as the service makes it for a question.
func completion(n int64) []byte {
	return post("/v1/chat/completions", fmt.Sprintf(`{"model":"m","messages":[{"role":"user","content":"What is light, question %d?"}]}`, n))
}

// post is a request on the wire.
func post(path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}
