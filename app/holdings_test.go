package main

import (
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"studysharper/app/config"
)

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

// opened splits streams into those that are open and those refused.
func opened(t *testing.T, all []*reader, status int) (open []*reader) {
	t.Helper()
	for _, r := range all {
		switch {
		case r.status == http.StatusOK:
			open = append(open, r)
		case r.status != status || r.retry == "":
			t.Errorf("a stream gets %d, Retry-After %q; want %d", r.status, r.retry, status)
		}
	}
	return open
}

func TestAClientsStreamsCountOverWorkersAndTheirSuccessorsButNotForTheDead(t *testing.T) {
	const each = 6
	s := start(t, "SSE_MAX_STREAMS="+strconv.Itoa(4*each), "SSE_MAX_STREAMS_PER_CLIENT=", "MAX_REQUESTS=0", "SSE_KEEPALIVE=1")
	open := opened(t, s.openStreams(3*each), http.StatusTooManyRequests)
	if len(open) != each {
		t.Fatalf("%d streams are open, want %d", len(open), each)
	}
	before := s.pids()
	s.ask("POST", "/api/admin/reload", "")
	s.eventually("both workers are new", func() bool {
		now := s.pids()
		return len(now) == 2 && !slices.ContainsFunc(keys(now), func(pid int) bool { return before[pid] })
	})
	s.eventually("all streams are counted", func() bool { return s.streams() == each })
	if more := opened(t, s.openStreams(3), http.StatusTooManyRequests); len(more) != 0 {
		t.Errorf("after a reload %d more are open", len(more))
	}
	dead := keys(s.pids())[0]
	if err := syscall.Kill(dead, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.eventually("it has a successor", func() bool { now := s.pids(); return len(now) == 2 && !now[dead] })
	left := int(s.streams())
	more := opened(t, s.openStreams(3*each), http.StatusTooManyRequests)
	if left+len(more) != each {
		t.Errorf("after a worker's death %d are left and %d more are open, want %d together", left, len(more), each)
	}
}

func keys(pids map[int]bool) (list []int) {
	for pid := range pids {
		list = append(list, pid)
	}
	return list
}
