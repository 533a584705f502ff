package main

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/testkit"
)

// need gives the path of a program that the test is about. Where CI is set it must be
// there, for .ci/run installs it; elsewhere the test is skipped without.
func need(t *testing.T, name string) string {
	t.Helper()
	testkit.SkipShort(t, "runs "+name)
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skipf("%s is not installed: %v", name, err)
	return ""
}

// curl prints a session's stream as it comes, and at the end the status and the type
// on its standard error.
type curl struct {
	*exec.Cmd
	out, report logged
}

func startCurl(t *testing.T, s *service, session string, options ...string) *curl {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	options = append([]string{"-q", "-N", "-sS", "--noproxy", "*", "-w", "%{stderr}%{http_code} %{content_type}"}, options...)
	c := &curl{Cmd: exec.CommandContext(ctx, need(t, "curl"), append(options, s.url+"/api/ai/stream/"+session)...)}
	c.Stdout, c.Stderr = &c.out, &c.report
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// printed gives the events in what curl has printed.
func printed(t *testing.T, out string) []heard {
	t.Helper()
	w := &watcher{ended: make(chan struct{})}
	w.read(strings.NewReader(out))
	return w.events
}

var retryLine = regexp.MustCompile(`\Aretry: ([0-9]+)\n`)

func TestStreamIsPrintedByCurlWhichEndsByItself(t *testing.T) {
	s, fake := studying(t, nil)
	fake.hold()
	session := uuid.NewString()
	curls := map[string]*curl{
		"as usual":           startCurl(t, s, session),
		"by HTTP/1.0":        startCurl(t, s, session, "--http1.0"),
		"asking for JSON":    startCurl(t, s, session, "-H", "Accept: application/json"),
		"taking it squeezed": startCurl(t, s, session, "--compressed"),
	}
	for name, c := range curls {
		s.eventually("curl, "+name+", prints when to come back", func() bool { return retryLine.MatchString(c.out.String()) })
	}
	s.post(0, session)
	for name, c := range curls {
		s.eventually("curl, "+name+", prints events", func() bool { return strings.Count(c.out.String(), "\ndata: ") > middle })
	}
	fake.letGo()
	for name, c := range curls {
		if err := c.Wait(); err != nil || c.report.String() != "200 text/event-stream" {
			t.Errorf("%s: %v, %s", name, err, &c.report)
		}
		expectEssay(t, printed(t, c.out.String()), 1)
	}
}

func TestStreamThatHasEndedIsNothingToCurlAt(t *testing.T) {
	s, _ := studying(t, nil)
	session, _ := s.post(0, "")
	whole := s.open(0, session).end()
	c := startCurl(t, s, session, "-H", lastID(whole))
	if err := c.Wait(); err != nil || c.out.String() != "" || !strings.HasPrefix(c.report.String(), "204") {
		t.Errorf("%v, %q, %s", err, &c.out, &c.report)
	}
}

func TestStreamTellsEachClientAnotherTimeToComeBack(t *testing.T) {
	s, _ := studying(t, nil)
	times := map[string]bool{}
	for range 10 {
		c := startCurl(t, s, uuid.NewString())
		s.eventually("curl prints when to come back", func() bool { return retryLine.MatchString(c.out.String()) })
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
