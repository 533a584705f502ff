package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/app/testkit"
)

const (
	compareVariable = "LOADTEST_COMPARE" // "1": fetch and run vegeta, which is not a dependency of this module
	vegeta          = "github.com/tsenart/vegeta/v12@v12.13.0"
	compareRate     = 300
	compareFor      = 20 * time.Second
)

// spread answers each of two clients after times of the same distribution, with a p99 of
// about 25 ms. The times are evenly spaced instead of random.
func spread() http.Handler {
	var ours, others atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := &others
		if strings.HasPrefix(r.UserAgent(), "studysharper") {
			n = &ours
		}
		u := math.Mod(float64(n.Add(1))*0.6180339887498949, 1)
		testkit.Pause(2*time.Millisecond + time.Duration(-5*math.Log(1-u)*float64(time.Millisecond)))
		fmt.Fprint(w, `{"status":"healthy"}`)
	})
}

func TestP99IsVegetasInTheSameRun(t *testing.T) {
	if os.Getenv(compareVariable) != "1" {
		t.Skip(compareVariable + "=1 fetches vegeta and runs it beside this")
	}
	dir := t.TempDir()
	install := exec.Command("go", "install", vegeta)
	install.Env = append(os.Environ(), "GOBIN="+dir)
	install.Dir = dir // outside of this module
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("go install %s: %v\n%s", vegeta, err, out)
	}
	target := os.Getenv("LOADTEST_COMPARE_URL") // a real service to use instead of the one started here
	if target == "" {
		web := httptest.NewServer(spread())
		defer web.Close()
		target = web.URL
	}
	file := filepath.Join(dir, "ours.json")
	ours := exec.Command(build(t), "-scenario", "health", "-rate", fmt.Sprint(compareRate), "-d", compareFor.String(), "-json", file, target)
	theirs := exec.Command("sh", "-c", fmt.Sprintf("echo 'GET %s/health' | ./vegeta attack -rate %d -duration %v | ./vegeta report -type json", target, compareRate, compareFor))
	theirs.Dir = dir
	var both sync.WaitGroup
	var theirReport []byte
	both.Go(func() {
		if out, err := ours.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	both.Go(func() {
		var err error
		if theirReport, err = theirs.Output(); err != nil {
			t.Error(err)
		}
	})
	both.Wait()
	r, err := readReport(file)
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Requests  int64
		Latencies struct {
			P50 float64 `json:"50th"`
			P95 float64 `json:"95th"`
			P99 float64 `json:"99th"`
		}
	}
	if err := json.Unmarshal(theirReport, &v); err != nil {
		t.Fatal(err)
	}
	// Vegeta measures from when it sends a request, this tool from when the request was
	// due. On a busy machine the two differ, so the comparable figures are used.
	p99, sent := v.Latencies.P99/1e6, r.Series["from when it was sent"].P99
	t.Logf("ours: %d requests, p50 %.2f, p95 %.2f, p99 %.2f ms, from when it was sent %.2f ms, late up to %.1f ms; vegeta: %d requests, p50 %.2f, p95 %.2f, p99 %.2f ms; %+.1f%%", r.Total, r.P50MS, r.P95MS,
		r.P99MS, sent, r.LateMS, v.Requests, v.Latencies.P50/1e6, v.Latencies.P95/1e6, p99, 100*(sent/p99-1))
	if math.Abs(sent/p99-1) > 0.1 {
		t.Errorf("p99 is %.2f ms, vegeta's %.2f ms", sent, p99)
	}
}
