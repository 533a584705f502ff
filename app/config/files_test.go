package config_test

import (
	"errors"
	"strconv"
	"testing"

	"studysharper/app/config"
	"studysharper/app/metrics"
)

func TestFilesLeaveEveryProcessItsOwnDescriptors(t *testing.T) {
	for _, limit := range []int{256, 300, 512, 1024, 4096, 65536, 1 << 20} {
		for _, workers := range []int{1, 2, 32} {
			for _, runs := range []int{1, 64, 100_000} {
				for _, redis := range []string{"", "redis://redis"} {
					c := config.Config{Workers: workers, MaxRuns: runs, SSEMaxStreams: 10_000, RedisURL: redis, LLMProvider: "openai"}
					f, err := config.SplitFiles(limit, c)
					if err != nil {
						t.Fatal(err)
					}
					upstream := min(runs, limit/4)
					if own := limit - f.Conns - f.Spare - upstream; own < config.WorkerFiles || f.Spare < 1 || f.Conns < 1 {
						t.Errorf("%d files, %+v: %+v leaves a worker %d", limit, c, f, own)
					}
					if f.Streams < 1 || f.Streams >= f.Conns {
						t.Errorf("%d files: %d streams of %d connections: none is left for requests", limit, f.Streams, f.Conns)
					}
					sockets := config.WorkerSockets * min(metrics.MaxWorkers, 2*(2*workers-1))
					if f.Held < f.Conns || f.Held > limit-sockets-config.SupervisorFiles {
						t.Errorf("%d files, %d workers: the supervisor holds up to %d connections, and a worker has %d", limit, workers, f.Held, f.Conns)
					}
				}
			}
		}
	}
	_, err := config.SplitFiles(255, config.Config{Workers: 2})
	if faults, ok := errors.AsType[config.Faults](err); !ok || len(faults) != 1 || faults[0].Setting != "RLIMIT_NOFILE" || faults[0].Value != "255" {
		t.Errorf("255 files: %v", err)
	}
}

func TestAQuarterOfTheContainersIsAClients(t *testing.T) {
	for _, tt := range []struct{ total, set, want string }{
		{"64", "", "16"}, {"10", "", "2"}, {"4", "", "1"}, {"3", "", "1"}, {"1", "", "1"}, {"64", "0", "16"}, {"64", "1", "1"}, {"64", "100", "100"},
	} {
		c, err := config.Load(map[string]string{"MAX_CONCURRENT_RUNS": tt.total, "MAX_CONCURRENT_RUNS_PER_CLIENT": tt.set,
			"SSE_MAX_STREAMS": tt.total, "SSE_MAX_STREAMS_PER_CLIENT": tt.set})
		want, _ := strconv.Atoi(tt.want)
		if err != nil || c.ClientRuns != want || c.ClientStreams != want {
			t.Errorf("of %s, %q: %d runs and %d streams, %v; want %d", tt.total, tt.set, c.ClientRuns, c.ClientStreams, err, want)
		}
	}
	c, err := config.Load(nil)
	if err != nil || c.ClientRuns != 16 || c.ClientStreams != 2500 {
		t.Errorf("by default: %d runs and %d streams, %v", c.ClientRuns, c.ClientStreams, err)
	}
}
