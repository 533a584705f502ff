package journal

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"studysharper/app/cluster/conn"
	"studysharper/app/stream"
	"studysharper/app/stream/streamtest"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

func TestMain(m *testing.M) {
	if order := os.Getenv(childOrder); order != "" {
		beChild(order)
	}
	goleak.VerifyTestMain(m)
}

// timeout is the command timeout. Tests that are not about time use a long one, because a
// busy machine may delay a command for longer than the service waits.
var timeout = 5 * time.Second

// hurried gives the test the service's own timeout, so that it detects an unreachable Redis.
func hurried(t *testing.T) {
	before := timeout
	timeout = conn.Timeout
	t.Cleanup(func() { timeout = before })
}

// process is a Journal with its own connection, as in a separate process.
type process struct {
	*Journal
	conn *conn.Conn
	stop func() // stops it cleanly
}

// started returns a process that runs until the test ends or stop is called. Its
// subscription is established.
func started(t testing.TB, url string, o Options) *process {
	t.Helper()
	return startedWith(t, url, o, func(*process) {})
}

// startedWith is started with a hook called between creating the journal and running it.
func startedWith(t testing.TB, url string, o Options, between func(*process)) *process {
	t.Helper()
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	conn, err := conn.New(url, conn.Options{Name: "test", Timeout: timeout, Log: o.Log})
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Journal: New(conn, o), conn: conn}
	between(p)
	ctx, cancel := context.WithCancel(context.Background())
	connCtx, connCancel := context.WithCancel(context.Background())
	var journal, connection sync.WaitGroup
	journal.Go(func() { _ = p.Run(ctx) })
	connection.Go(func() { _ = conn.Run(connCtx) })
	p.stop = sync.OnceFunc(func() { cancel(); journal.Wait(); connCancel(); connection.Wait() })
	t.Cleanup(p.stop)
	testkit.Eventually(t, "the process has a lease, and hears of changes", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.leased && p.hears
	})
	return p
}

func suiteOptions() Options {
	return Options{MaxEvents: streamtest.MaxEvents, MaxEventBytes: streamtest.MaxEventBytes}
}

func TestOneProcessKeepsTheContract(t *testing.T) {
	server := redistest.Start(t)
	p := started(t, server.URL(), suiteOptions())
	streamtest.Run(t, func(*testing.T) streamtest.Fixture { return streamtest.Fixture{Writer: p, Reader: p} })
}

func TestTwoProcessesKeepTheContract(t *testing.T) {
	server := redistest.Start(t)
	a, b := started(t, server.URL(), suiteOptions()), started(t, server.URL(), suiteOptions())
	streamtest.Run(t, func(*testing.T) streamtest.Fixture { return streamtest.Fixture{Writer: a, Reader: b} })
}

func TestAClusterKeepsTheContract(t *testing.T) {
	_, url := redistest.Cluster(t)
	a, b := started(t, url, suiteOptions()), started(t, url, suiteOptions())
	streamtest.Run(t, func(*testing.T) streamtest.Fixture { return streamtest.Fixture{Writer: a, Reader: b} })
}

func runInfo() stream.RunInfo {
	return stream.RunInfo{Session: uuid.NewString(), Run: uuid.NewString(), Owner: "user-1"}
}
