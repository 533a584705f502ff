package workers_test

import (
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"studysharper/app/e2e/servicetest"
)

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
	s := servicetest.Start(t, "SSE_MAX_STREAMS="+strconv.Itoa(4*each), "SSE_MAX_STREAMS_PER_CLIENT=", "MAX_REQUESTS=0", "SSE_KEEPALIVE=1")
	open := opened(t, openStreams(s, 3*each), http.StatusTooManyRequests)
	if len(open) != each {
		t.Fatalf("%d streams are open, want %d", len(open), each)
	}
	before := s.PIDs()
	s.Ask("POST", "/api/admin/reload", "")
	s.Eventually("both workers are new", func() bool {
		now := s.PIDs()
		return len(now) == 2 && !slices.ContainsFunc(keys(now), func(pid int) bool { return before[pid] })
	})
	s.Eventually("the old workers have handed over and ended", func() bool {
		return !slices.ContainsFunc(keys(before), func(pid int) bool { return syscall.Kill(pid, 0) == nil })
	})
	s.Eventually("all streams are counted", func() bool { return s.Streams() == each })
	if more := opened(t, openStreams(s, 3), http.StatusTooManyRequests); len(more) != 0 {
		t.Errorf("after a reload %d more are open", len(more))
	}
	dead := keys(s.PIDs())[0]
	if err := syscall.Kill(dead, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.Eventually("it has a successor", func() bool { now := s.PIDs(); return len(now) == 2 && !now[dead] })
	left := int(s.Streams())
	more := opened(t, openStreams(s, 3*each), http.StatusTooManyRequests)
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
