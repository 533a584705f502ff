package conn

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

// listening is a subscription to two channels: the messages received on each, and how often it was established.
type listening struct {
	a, b    chan string
	resumed atomic.Int64
}

func listen(t *testing.T, c *Conn) *listening {
	t.Helper()
	l := &listening{a: make(chan string, 4096), b: make(chan string, 16)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- c.Listen(ctx, map[string]func(string){
			"a": func(s string) { l.a <- s }, "b": func(s string) { l.b <- s }}, func() { l.resumed.Add(1) })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	testkit.Eventually(t, "the subscription stands", func() bool { return l.resumed.Load() == 1 })
	return l
}

func TestMessagesComeOnceInOrderByTheirChannel(t *testing.T) {
	server := redistest.Start(t)
	sender, _ := opened(t, server.URL())
	receiver, _ := opened(t, server.URL())
	l := listen(t, receiver)
	for i := range 1000 {
		if err := sender.Publish(t.Context(), "a", strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := sender.Publish(t.Context(), "b", "any \x00 bytes\n"); err != nil {
		t.Fatal(err)
	}
	if got := <-l.b; got != "any \x00 bytes\n" {
		t.Errorf("got %q", got)
	}
	for i := range 1000 {
		if got := <-l.a; got != strconv.Itoa(i) {
			t.Fatalf("message %d is %q", i, got)
		}
	}
}

func TestASubscriptionComesBackAndSaysSo(t *testing.T) {
	server := redistest.Start(t)
	c, _ := opened(t, server.URL())
	l := listen(t, c)
	server.Kill()
	testkit.Eventually(t, "it is noticed", func() bool { return !c.Up() })
	server.Resume(t)
	testkit.Eventually(t, "the subscription stands again", func() bool { return l.resumed.Load() >= 2 })
	if err := c.Publish(t.Context(), "a", "back"); err != nil || <-l.a != "back" {
		t.Errorf("publish: %v", err)
	}
}

func TestASubscriptionThatHasGoneSilentIsGivenUp(t *testing.T) {
	server := redistest.Start(t)
	c, _ := opened(t, server.URL())
	l := listen(t, c)
	server.Freeze(t)
	testkit.Eventually(t, "it is noticed", func() bool { return !c.Up() })
	testkit.Pause(longest) // long enough for the subscription too
	server.Thaw(t)
	testkit.Eventually(t, "the subscription stands again", func() bool { return l.resumed.Load() >= 2 })
}

func TestAQuietSubscriptionIsKept(t *testing.T) {
	server := redistest.Start(t)
	c, _ := opened(t, server.URL())
	l := listen(t, c)
	testkit.Pause(longest + 2*quiet)
	if n := l.resumed.Load(); n != 1 {
		t.Errorf("it stood %d times", n)
	}
	if err := c.Publish(t.Context(), "b", "still"); err != nil || <-l.b != "still" {
		t.Errorf("publish: %v", err)
	}
}
