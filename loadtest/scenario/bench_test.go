package scenario

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"studysharper/loadtest/client"
	"studysharper/loadtest/measure"
	"studysharper/loadtest/pace"
)

const serveVariable = "LOADTEST_BENCH_SERVE" // if set, this process is the server of a benchmark

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		serveHealth()
		return
	}
	os.Exit(m.Run())
}

// serveHealth answers as fast as it can until its standard input ends.
func serveHealth() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); os.Exit(0) }()
	panic(fasthttp.Serve(listener, func(c *fasthttp.RequestCtx) {
		c.SetContentType("application/json")
		c.SetBodyString(`{"status":"healthy","service":"studysharper_backend"}`)
	}))
}

// fastServer starts a server in a separate process, so that this process's processor time is the client's alone.
func fastServer(b *testing.B) string {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	var address string
	if _, err := fmt.Fscanln(out, &address); err != nil {
		b.Fatal(err)
	}
	return "http://" + address
}

// used returns this process's processor time.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRequestsOfOneCore measures the processor time of a request to /health, including
// the kernel's: how many requests one core of load generator can make. This is meaningful
// on a busy machine too, unlike requests per second. net/http is measured for comparison.
func BenchmarkRequestsOfOneCore(b *testing.B) {
	const clients = 64
	b.Run("loadtest", func(b *testing.B) {
		target, err := client.ParseTarget(fastServer(b))
		if err == nil {
			err = target.Resolve(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
		sheet := measure.NewSheet()
		play := health(&Options{Target: target, Sheet: sheet, Timeout: time.Minute})
		spent(b, func() {
			if _, err := play(b.Context(), pace.Plan{Workers: clients, Requests: int64(b.N)}); err != nil {
				b.Fatal(err)
			}
		})
		if r := sheet.Result(); r.OK != int64(b.N) {
			b.Fatalf("%+v: %v", r.Totals, r.Failures)
		}
	})
	b.Run("net/http", func(b *testing.B) {
		url := fastServer(b) + "/health"
		c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
		var next atomic.Int64
		spent(b, func() {
			var all sync.WaitGroup
			for range clients {
				all.Go(func() {
					for next.Add(1) <= int64(b.N) {
						resp, err := c.Get(url)
						if err != nil {
							b.Error(err)
							return
						}
						_, _ = io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
				})
			}
			all.Wait()
		})
	})
}

// spent reports the processor time that do uses for b.N requests.
func spent(b *testing.B, do func()) {
	before := used()
	b.ResetTimer()
	do()
	b.StopTimer()
	each := (used() - before).Seconds() / float64(b.N)
	b.ReportMetric(each*1e6, "cpu-µs/request")
	b.ReportMetric(1/each, "requests/cpu-s")
}
