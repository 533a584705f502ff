package integration

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	students         = 8
	distributedReady = 5 * time.Minute // until this gives up; the whole profile, images built, should take one
)

// TestComposeDistributedServesAsOne runs the profile as its user does, and then takes parts of it away.
func TestComposeDistributedServesAsOne(t *testing.T) {
	c := compose{project: "studysharper-it-" + strings.ToLower(rand.Text()[:10]), port: freePort(t), balancer: freePort(t)}
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
	s := &service{url: fmt.Sprintf("http://127.0.0.1:%d", c.balancer)}
	ctx, cancel := context.WithTimeout(t.Context(), distributedReady)
	defer cancel()
	if err := awaitReady(ctx, s.url); err != nil {
		t.Fatal(err)
	}
	if n := len(c.containers(t, "instance")); n != 3 {
		t.Fatalf("%d instances", n)
	}
	eventually(t, "all is healthy", func() bool { return s.health(t) == "healthy" })
	figure("distributed profile: up and healthy", seconds(time.Since(began)), "goal "+seconds(time.Minute))

	s.noteIsEverywhere(t)
	t.Run("a load", func(t *testing.T) { s.load(t, 0, func() { time.Sleep(3 * time.Second) }) })
	t.Run("Redis is restarted", func(t *testing.T) {
		s.load(t, 0, func() {
			for range 3 {
				docker(t, "restart", "--time", "0", c.containers(t, "redis")[0])
				time.Sleep(2 * time.Second)
			}
		})
		eventually(t, "all is healthy again", func() bool { return s.health(t) == "healthy" })
	})
	t.Run("an instance is killed", func(t *testing.T) {
		s.load(t, students, func() { // what it was just being asked is lost with it; a student asks again
			time.Sleep(time.Second)
			docker(t, "kill", c.containers(t, "instance")[0])
			time.Sleep(4 * time.Second)
		})
	})
}

// load has students study through the balancer while something happens.
func (s *service) load(t *testing.T, unbegun int64, happens func()) {
	t.Helper()
	address := func() string { return s.url }
	cl, stop := &class{post: address, read: address}, make(chan struct{})
	all := cl.study(students, stop)
	happens()
	close(stop)
	all.Wait()
	cl.wantWhole(t, "through the balancer", unbegun)
	t.Logf("%d runs, %d reconnects", cl.runs.Load(), cl.reconnects.Load())
}

// noteIsEverywhere writes a note and finds it, whichever instance is asked.
func (s *service) noteIsEverywhere(t *testing.T) {
	t.Helper()
	s.call(t, http.MethodPost, "/api/notes", map[string]any{"user_id": userID, "title": "Light", "content": "Chlorophyll absorbs blue light."}, http.StatusCreated, nil)
	for range 6 {
		var found struct{ Count int }
		s.call(t, http.MethodGet, "/api/notes?q=chlorophyll&user_id="+userID, nil, http.StatusOK, &found)
		if found.Count != 1 {
			t.Errorf("%d notes are found", found.Count)
		}
	}
}

func (s *service) health(t *testing.T) string {
	t.Helper()
	var got struct{ Status string }
	s.call(t, http.MethodGet, "/health", nil, http.StatusOK, &got)
	return got.Status
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(readyWithin); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
