package cluster_test

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/store/postgrestest"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
	"studysharper/loadtest/fakellm"
)

// endpoints forwards connections to pods like the Service of a Kubernetes cluster: each new one to the next pod in
// the list. An open connection stays when its pod is removed from the list.
type endpoints struct {
	mu     sync.Mutex
	pods   []string // HOST:PORT
	turn   int
	opened map[string]int // connections to each pod, so far
}

func (e *endpoints) pass(client net.Conn) {
	pod, err := net.Dial("tcp", e.choose())
	if err != nil {
		return
	}
	defer pod.Close()
	var both sync.WaitGroup
	copyAndClose := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = to.(*net.TCPConn).CloseWrite()
	}
	both.Go(func() { copyAndClose(pod, client) })
	both.Go(func() { copyAndClose(client, pod) })
	both.Wait()
}

func (e *endpoints) choose() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.turn++
	pod := e.pods[e.turn%len(e.pods)]
	e.opened[pod]++
	return pod
}

func (e *endpoints) add(pod string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pods = append(e.pods, pod)
}

func (e *endpoints) remove(pod string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pods = slices.DeleteFunc(e.pods, func(p string) bool { return p == pod })
}

func (e *endpoints) connections(pod string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.opened[pod]
}

// TestARollingUpdateOfKubernetesLosesNothing replaces three pods as the Deployment in docs/kubernetes does (maxSurge 1,
// maxUnavailable 0): a new pod becomes ready first; an old one still gets connections during its preStop sleep, because
// nodes learn late that it is leaving; then it is removed from the list and gets SIGTERM.
func TestARollingUpdateOfKubernetesLosesNothing(t *testing.T) {
	testkit.SkipShort(t, "starts six instances")
	streams := testkit.Size(30, 100)
	redis, postgres := redistest.Start(t), postgrestest.Start(t)
	fake := fakellm.New(fakellm.Options{Answer: func(fakellm.Request) string { return servicetest.Essay(answerWords) }, Rules: []fakellm.Rule{{TokensPerSecond: 4}}})
	env := []string{"REDIS_URL=" + redis.URL(), "DATABASE_URL=" + postgres.Database(t), "LLM_API_KEY=k", "LLM_BASE_URL=" + testkit.HTTPServer(t, fake.ServeHTTP) + "/v1", "LLM_JUDGE=off",
		"MAX_CONCURRENT_RUNS=500"}
	service := &endpoints{opened: map[string]int{}}
	var pods []*servicetest.Service
	for range 3 {
		pods = append(pods, servicetest.Start(t, env...))
		service.add(pods[len(pods)-1].Address())
	}
	a := &audience{address: testkit.TCPServer(t, service.pass)}
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range streams {
		all.Go(func() { a.attend(stop) })
	}
	pods[0].Eventually("all streams are open", func() bool { return pods[0].Streams() >= float64(streams)*9/10 })
	met := 0.0 // open streams of pods when they got SIGTERM
	for n, leaving := range pods {
		successor := servicetest.Start(t, env...) // waits for its workers, like /readyz
		service.add(successor.Address())
		before := service.connections(leaving.Address())
		leaving.Eventually("the pod gets connections during its preStop", func() bool { return service.connections(leaving.Address()) >= before+3 })
		service.remove(leaving.Address())
		for _, w := range leaving.Workers() {
			met += w["streams"].(float64)
		}
		if err := leaving.Stop(); err != nil {
			t.Errorf("pod %d: %v", n, err)
		}
		successor.Eventually("the successor has streams", func() bool { return service.connections(successor.Address()) > 0 })
	}
	close(stop)
	all.Wait()
	t.Logf("%d streams at once, %.0f on pods that stopped; %d runs: %d not whole, %d with a gap; %d streams resumed on another pod, %d requests sent again",
		streams, met, a.runs, len(a.broken), a.gaps, a.resumed.Load(), a.refused.Load())
	a.check(t)
	if a.refused.Load() > 0 {
		t.Errorf("%d requests failed", a.refused.Load())
	}
	if met == 0 {
		t.Error("the update has met no stream")
	}
}
