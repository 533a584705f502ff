package memory

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/integration/harness"
)

const (
	leakKB       = 256
	leakConns    = 8
	leakEvery    = 5 * time.Millisecond // over all connections: about 50 MB a second, so a worker lasts a few seconds
	leakRecycles = 20
	leakWithin   = 120 * time.Second
	// leakWorkers is the number of workers that the memory is budgeted for: two workers and a successor of each.
	leakWorkers = 4
)

// In this build a request can leak memory, which no request to the deployed service can. Workers are replaced only
// because of their memory.
func TestLeakingWorkersAreReplacedAndNoRequestFails(t *testing.T) {
	s := harness.StartImage(t, harness.FaultImage(t), "", map[string]string{"MAX_REQUESTS": "0"})
	watch := harness.Sample(t, harness.FindCgroup(t, s.GetContainerID()))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	began := time.Now()
	load := startLeaking(ctx, s.URL)
	_, most := s.AwaitMetricsFor(t, leakWithin, func(m harness.Metrics) bool { return m.Recycles["memory"] >= leakRecycles })
	stop()
	load.wait()
	took := time.Since(began)
	// The last recycle must be completed too.
	m, later := s.AwaitMetricsFor(t, harness.ReadyWithin, harness.Metrics.Settled)
	peak, now := watch.End(t)

	most = max(most, later)
	recycles := m.Recycles
	harness.Figure(fmt.Sprintf("memory leak: requests failed of %d", load.sent), fmt.Sprint(load.failed), "0")
	harness.Figure("memory leak: MB leaked a second", fmt.Sprintf("%.0f", float64(load.sent*leakKB<<10)/1e6/took.Seconds()), "")
	harness.Figure(fmt.Sprintf("memory leak: connections made for %d clients", leakConns), fmt.Sprint(load.dialled), "")
	harness.Figure("memory leak: memory recycles", fmt.Sprint(recycles["memory"]), fmt.Sprintf("≥ %d", leakRecycles))
	harness.Figure("memory leak: workers at once, at most", fmt.Sprint(most), fmt.Sprintf("≤ %d", leakWorkers))
	harness.Figure("memory leak: peak memory", harness.Megabytes(peak), "")
	harness.Figure("memory leak: OOM kills", fmt.Sprint(now.OomKills), "0")
	if load.failed != 0 || load.sent == 0 {
		t.Errorf("%d of %d requests failed, the first: %s", load.failed, load.sent, strings.Join(load.failures, "; "))
	}
	if recycles["memory"] < leakRecycles {
		t.Errorf("%d memory recycles within %v, want at least %d", recycles["memory"], took, leakRecycles)
	}
	if recycles["crash"] != 0 || recycles["timeout"] != 0 {
		t.Errorf("workers that died: %v", recycles)
	}
	if !m.Settled() {
		t.Errorf("after the load, the workers are %v, want two that are ready", m.Workers)
	}
	if most > leakWorkers {
		t.Errorf("%d workers at once, want at most %d", most, leakWorkers)
	}
	if now.OomKills != 0 {
		t.Errorf("%d OOM kills", now.OomKills)
	}
}

// leaking is clients with one connection each that make a worker leak with every request.
type leaking struct {
	url     string
	clients sync.WaitGroup

	mu       sync.Mutex
	sent     int
	failed   int // no answer, or a status other than 200; nothing is retried
	failures []string
	dialled  int
}

// startLeaking sends requests until ctx ends. wait then waits for the requests in progress.
func startLeaking(ctx context.Context, url string) *leaking {
	l := &leaking{url: url}
	due := time.NewTicker(leakEvery)
	for range leakConns {
		l.clients.Go(func() { l.client(ctx, due.C) })
	}
	context.AfterFunc(ctx, due.Stop)
	return l
}

func (l *leaking) wait() { l.clients.Wait() }

func (l *leaking) client(ctx context.Context, due <-chan time.Time) {
	transport := &http.Transport{DialContext: l.dial}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	for {
		select {
		case <-ctx.Done():
			return
		case <-due:
			l.count(l.request(client))
		}
	}
}

func (l *leaking) dial(ctx context.Context, kind, address string) (net.Conn, error) {
	l.mu.Lock()
	l.dialled++
	l.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, kind, address)
}

// request has a body that can be read only once. Otherwise net/http would silently resend the request on another
// connection if the server closed this one at the wrong moment.
func (l *leaking) request(client *http.Client) error {
	body := io.NopCloser(strings.NewReader("{}"))
	request, err := http.NewRequest(http.MethodPost, fmt.Sprintf("%s/debug/leak?kb=%d", l.url, leakKB), body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.ContentLength = int64(len("{}"))
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, text)
	}
	return err
}

func (l *leaking) count(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	if err == nil {
		return
	}
	l.failed++
	const shown = 5
	if len(l.failures) < shown && !slices.Contains(l.failures, err.Error()) {
		l.failures = append(l.failures, err.Error())
	}
}
