package httpapi

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/metrics"
)

func TestWhatThereIsNoRoomForIsRefusedUnread(t *testing.T) {
	f := serve(t)
	f.runs.full.Store(true)
	for _, path := range []string{"/api/ai/process", "/api/ai/agent-test", "/api/ai/process-stream"} {
		for _, body := range []string{chat, "no JSON at all"} {
			r := f.ask("POST", path, body)
			if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || r.object(t)["code"] != "busy" {
				t.Errorf("%s: %d %v %s", path, r.StatusCode, r.Header, r.body)
			}
		}
	}
	f.runs.full.Store(false)
	if r := f.ask("POST", "/api/ai/process", chat); r.StatusCode != 200 {
		t.Errorf("when there is room again: %d", r.StatusCode)
	}
}

func TestARequestRefusedUnreadCountsForTheLimitOfItsClient(t *testing.T) {
	f, c := serveLimited(t)
	f.runs.full.Store(true)
	for i, want := range []int{503, 503, 503, 429} {
		if r := f.ask("POST", "/api/ai/process-stream", chat); r.StatusCode != want || r.Header.Get("RateLimit") == "" {
			t.Errorf("request %d: %d, RateLimit %q; want %d", i+1, r.StatusCode, r.Header.Get("RateLimit"), want)
		}
	}
	if len(c.clients) != 4 {
		t.Errorf("counted %v", c.clients)
	}
}

func TestWhatIsRefusedForWantOfRoomIsNoReasonToReplaceAWorker(t *testing.T) {
	due := make(chan struct{}, 1)
	f := serve(t, func(o *Options) {
		o.Fleet.(*fakeFleet).quota = func() { due <- struct{}{} }
		o.Own.Set(metrics.Quota, 2)
	})
	f.runs.full.Store(true)
	for range 5 {
		f.ask("POST", "/api/ai/process", chat)
	}
	f.runs.full.Store(false)
	own := f.server.o.Own
	if n, m, all := own.Count(metrics.Refused), own.Count(metrics.Requests), own.Count(metrics.Responses(503)); n != 5 || m != 0 || all != 5 {
		t.Errorf("%d refused, %d requests, %d answers 503; want 5, 0, 5", n, m, all)
	}
	if page := string(f.ask("GET", "/metrics", "").body); !strings.Contains(page, "\nstudysharper_http_requests_total 5\n") {
		t.Error("the requests refused are missing in studysharper_http_requests_total")
	}
	f.ask("POST", "/api/ai/process", chat)
	if len(due) != 0 {
		t.Error("due after one request")
	}
	f.ask("POST", "/api/ai/process", chat)
	select {
	case <-due:
	case <-time.After(time.Minute):
		t.Error("not due after two requests")
	}
}

func TestOfAFloodOfRefusalsAFewAreLoggedAndTheOthersCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []int64
		r := &logSampler{report: func(n int64) { told = append(told, n) }}
		flood := func(n int) (lines int) {
			for range n {
				if r.allow() {
					lines++
				}
			}
			return lines
		}
		got := []int{flood(refusalLines), flood(1), flood(100)}
		time.Sleep(refusalsFor + time.Millisecond)
		synctest.Wait()
		got = append(got, flood(refusalLines)) // so many are logged one by one
		time.Sleep(refusalsFor + time.Millisecond)
		synctest.Wait()
		got = append(got, flood(refusalLines+1))
		time.Sleep(refusalsFor + time.Millisecond)
		synctest.Wait()
		if fmt.Sprint(got, told) != "[10 0 0 10 10] [101 1]" {
			t.Errorf("lines and counts: %v %v", got, told)
		}
	})
}

func TestRefusalsHaveTheirLinesInTheLog(t *testing.T) {
	f := serve(t)
	f.runs.full.Store(true)
	for range refusalLines + 3 {
		f.ask("POST", "/api/ai/process", chat)
	}
	f.server.refusals.end()
	log := f.log.String()
	if lines := strings.Count(log, "status=503"); lines < refusalLines || strings.Count(log, "level=INFO msg=request ") < refusalLines {
		t.Errorf("%d lines:\n%s", lines, log)
	}
}
