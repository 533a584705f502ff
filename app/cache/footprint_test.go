package cache

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"studysharper/app/testkit"
)

const mib = 1 << 20

func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // the first one only starts the sweep
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapInuse)
}

func TestHeapFollowsWhatIsHeld(t *testing.T) {
	source := randomBytes(200 << 10)
	base := heapInUse()
	m, err := NewMemory(MemoryOptions{MaxItems: 50, MaxBytes: 10 * mib})
	if err != nil {
		t.Fatal(err)
	}
	held := func(state string, most int64) {
		t.Helper()
		got := heapInUse() - base
		t.Logf("%-22s %6.2f MiB of heap for %5.2f MiB", state, float64(got)/mib, float64(m.Stats().Bytes)/mib)
		if got > most {
			t.Errorf("%s: %d bytes of heap, want %d at the most", state, got, most)
		}
	}
	held("empty", 64<<10)
	m.Set(ctx, "key", source[:1000])
	held("one small entry", 2*mib+mib/4)
	for round := range 20 {
		for i := range 60 {
			m.Set(ctx, fmt.Sprint("key ", (i*7+round)%90), source)
			m.Get(ctx, fmt.Sprint("key ", i%10))
		}
	}
	held("full", 13*mib)
	m.Clear(ctx, "")
	held("cleared", 64<<10)
	runtime.KeepAlive(m)
}

// Whatever is written to it, a full cache of 10 MB keeps its process within 16 MB of its size without the cache. The
// test measures a child process, because a process does not return memory at once that it has touched. The child only
// calls Set, because the copies that Get returns are not part of the cache. It has a memory limit, like every process
// of the service: without one, the collector lets garbage grow to the size of the live heap, and a cache is live heap.
func TestProcessStaysWithin16MBUnderChurn(t *testing.T) {
	testkit.SkipRace(t)
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("needs /proc/self/status: ", err)
	}
	for load := range churns {
		t.Run(load, func(t *testing.T) {
			report := runChurn(t, load)
			var base, peak, end int64
			if _, err := fmt.Sscanf(report, "%d %d %d", &base, &peak, &end); err != nil {
				t.Fatalf("%q: %v", report, err)
			}
			t.Logf("RSS %.1f MiB before, %+.1f at the end, %+.1f at its peak", float64(base)/mib, float64(end-base)/mib, float64(peak-base)/mib)
			if peak-base > 16*mib {
				t.Errorf("%d bytes above the baseline, want 16 MiB at the most", peak-base)
			}
			if peak-base < 9*mib {
				t.Errorf("only %d bytes above the baseline: the cache was not full", peak-base)
			}
		})
	}
}

// churns are 20,000 Sets each, with log-uniform sizes: as many between 100 and 200 bytes as between 1 and 2 MB.
var churns = map[string]struct{ maxItems, keys, largest int }{
	"new keys":      {maxItems: 50, keys: 100_000, largest: 5 * mib},
	"overwrites":    {maxItems: 50, keys: 60, largest: 5 * mib},
	"small entries": {maxItems: 10_000, keys: 20_000, largest: 20_000},
}

func runChurn(t *testing.T, load string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChurnChild$")
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GOGC=") && !strings.HasPrefix(v, "GOMEMLIMIT=") && !strings.HasPrefix(v, "GODEBUG=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "CACHE_TEST_CHURN="+load)
	out, err := cmd.CombinedOutput()
	_, report, ok := bytes.Cut(out, []byte("churned: "))
	if err != nil || !ok {
		t.Fatalf("child: %v\n%s", err, out)
	}
	return string(report)
}

// TestChurnChild is the process that TestProcessStaysWithin16MBUnderChurn starts.
func TestChurnChild(t *testing.T) {
	load, ok := churns[os.Getenv("CACHE_TEST_CHURN")]
	if !ok {
		t.Skip("runs as a child of TestProcessStaysWithin16MBUnderChurn")
	}
	source := randomBytes(load.largest)
	rng := rand.New(rand.NewPCG(1, 1))
	debug.FreeOSMemory()
	base := testkit.StatusBytes(t, os.Getpid(), "VmRSS")
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	debug.SetMemoryLimit(int64(s.Sys-s.HeapReleased) + 14*mib)
	m, err := NewMemory(MemoryOptions{MaxItems: load.maxItems, MaxBytes: 10 * mib})
	if err != nil {
		t.Fatal(err)
	}
	for range 20_000 {
		n := int(100 * math.Pow(float64(load.largest)/100, rng.Float64()))
		m.Set(ctx, fmt.Sprint("key ", rng.IntN(load.keys)), source[:n])
	}
	runtime.KeepAlive(source)
	fmt.Printf("churned: %d %d %d\n%+v", base, testkit.StatusBytes(t, os.Getpid(), "VmHWM"), testkit.StatusBytes(t, os.Getpid(), "VmRSS"), m.Stats())
}
