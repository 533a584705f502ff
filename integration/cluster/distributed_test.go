package cluster

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

const (
	students         = 8
	distributedReady = 5 * time.Minute // time limit; the whole profile, with images built, should take one
)

// TestComposeDistributedServesAsOne runs the profile as its users do, and then stops parts of it.
func TestComposeDistributedServesAsOne(t *testing.T) {
	c := compose{project: "studysharper-it-" + strings.ToLower(rand.Text()[:10]), port: harness.FreePort(t), balancer: harness.FreePort(t)}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := c.command(context.Background(), "--profile", "distributed", "logs", "--tail", "40").CombinedOutput()
			t.Logf("%s", out)
		}
		if out, err := c.command(context.Background(), "--profile", "distributed", "down", "--volumes", "--timeout", "5").CombinedOutput(); err != nil {
			t.Errorf("compose down: %v: %s", err, out)
		}
	})
	if out, err := c.command(t.Context(), "--profile", "distributed", "build", "--quiet").CombinedOutput(); err != nil {
		t.Fatalf("compose build: %v: %s", err, out)
	}
	began := time.Now()
	if out, err := c.command(t.Context(), "--profile", "distributed", "up", "--detach").CombinedOutput(); err != nil {
		t.Fatalf("compose up: %v: %s", err, out)
	}
	s := &harness.Service{URL: fmt.Sprintf("http://127.0.0.1:%d", c.balancer)}
	if err := harness.AwaitReady(s.URL, distributedReady); err != nil {
		t.Fatal(err)
	}
	if n := len(c.containers(t, "instance")); n != 3 {
		t.Fatalf("%d instances", n)
	}
	testkit.Eventually(t, "all is healthy", func() bool { return health(s, t) == "healthy" })
	harness.Figure("distributed profile: up and healthy", harness.Seconds(time.Since(began)), "goal "+harness.Seconds(time.Minute))

	noteIsEverywhere(s, t)
	t.Run("a load", func(t *testing.T) { load(s, t, 0, false, func() { testkit.Pause(3 * time.Second) }) })
	t.Run("Redis is restarted", func(t *testing.T) {
		load(s, t, 0, true, func() { // where Redis cannot deliver events, a run's record ends its streams, after a gap
			for range 3 {
				harness.Docker(t, "restart", "--time", "0", c.containers(t, "redis")[0])
				testkit.Pause(2 * time.Second)
			}
		})
		testkit.Eventually(t, "all is healthy again", func() bool { return health(s, t) == "healthy" })
	})
	t.Run("an instance is killed", func(t *testing.T) {
		load(s, t, students, false, func() { // the requests it was just handling are lost with it; a student asks again
			testkit.Pause(time.Second)
			harness.Docker(t, "kill", c.containers(t, "instance")[0])
			testkit.Pause(4 * time.Second)
		})
	})
}

// load makes students study through the balancer during a fault.
func load(s *harness.Service, t *testing.T, unbegun int64, gaps bool, happens func()) {
	t.Helper()
	address := func() string { return s.URL }
	cl, stop := &harness.RunClients{Post: address, Read: address, GapsAllowed: gaps}, make(chan struct{})
	all := cl.Start(students, stop)
	happens()
	close(stop)
	all.Wait()
	cl.WantComplete(t, "through the balancer", unbegun)
	t.Logf("%d runs, %d reconnects", cl.Runs.Load(), cl.Reconnects.Load())
}

// noteIsEverywhere writes a note and finds it on every instance.
func noteIsEverywhere(s *harness.Service, t *testing.T) {
	t.Helper()
	s.Call(t, http.MethodPost, "/api/notes", map[string]any{"user_id": harness.UserID, "title": "Light", "content": "Chlorophyll absorbs blue light."}, http.StatusCreated, nil)
	for range 6 {
		var found struct{ Count int }
		s.Call(t, http.MethodGet, "/api/notes?q=chlorophyll&user_id="+harness.UserID, nil, http.StatusOK, &found)
		if found.Count != 1 {
			t.Errorf("%d notes are found", found.Count)
		}
	}
}

func health(s *harness.Service, t *testing.T) string {
	t.Helper()
	var got struct{ Status string }
	s.Call(t, http.MethodGet, "/health", nil, http.StatusOK, &got)
	return got.Status
}
