package streams_test

import (
	"context"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
)

// curl prints a session's stream as it arrives, and at the end the status and the content
// type on its standard error.
type curl struct {
	*exec.Cmd
	out, report servicetest.Log
}

func startCurl(t *testing.T, s *servicetest.Service, session string, options ...string) *curl {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	options = append([]string{"-q", "-N", "-sS", "--noproxy", "*", "-w", "%{stderr}%{http_code} %{content_type}"}, options...)
	c := &curl{Cmd: exec.CommandContext(ctx, testkit.Need(t, "curl"), append(options, s.URL+"/api/ai/stream/"+session)...)}
	c.Stdout, c.Stderr = &c.out, &c.report
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

var retryLine = regexp.MustCompile(`\Aretry: ([0-9]+)\n`)

func TestStreamIsPrintedByCurlWhichEndsByItself(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil)
	fake.Hold()
	session := uuid.NewString()
	curls := map[string]*curl{
		"as usual":        startCurl(t, s, session),
		"by HTTP/1.0":     startCurl(t, s, session, "--http1.0"),
		"asking for JSON": startCurl(t, s, session, "-H", "Accept: application/json"),
		"compressed":      startCurl(t, s, session, "--compressed"),
	}
	for name, c := range curls {
		s.Eventually("curl, "+name+", prints when to come back", func() bool { return retryLine.MatchString(c.out.String()) })
	}
	s.Post(0, session)
	for name, c := range curls {
		s.Eventually("curl, "+name+", prints events", func() bool { return strings.Count(c.out.String(), "\ndata: ") > servicetest.Middle })
	}
	fake.LetGo()
	for name, c := range curls {
		if err := c.Wait(); err != nil || c.report.String() != "200 text/event-stream" {
			t.Errorf("%s: %v, %s", name, err, &c.report)
		}
		servicetest.ExpectEssay(t, servicetest.ReadEvents(c.out.String()), 1)
	}
}

func TestStreamThatHasEndedIsNothingToCurlAt(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	session, _ := s.Post(0, "")
	whole := s.Open(0, session).End()
	c := startCurl(t, s, session, "-H", servicetest.LastID(whole))
	if err := c.Wait(); err != nil || c.out.String() != "" || !strings.HasPrefix(c.report.String(), "204") {
		t.Errorf("%v, %q, %s", err, &c.out, &c.report)
	}
}

func TestStreamTellsEachClientAnotherTimeToComeBack(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	times := map[string]bool{}
	for range 10 {
		c := startCurl(t, s, uuid.NewString())
		s.Eventually("curl prints when to come back", func() bool { return retryLine.MatchString(c.out.String()) })
		wait := retryLine.FindStringSubmatch(c.out.String())[1]
		if n, err := strconv.Atoi(wait); err != nil || n < 500 || n > 3000 {
			t.Errorf("a client is to come back after %s ms", wait)
		}
		times[wait] = true
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	if len(times) < 5 { // of 2,501 possible ones
		t.Errorf("the times to come back are only %v", times)
	}
}
