package streams_test

import (
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"
)

// TestEveryClientIsToldWhenTheWholeServiceIsKilledInTheMiddleOfItsChat kills the supervisor with its workers, and starts the service again.
func TestEveryClientIsToldWhenTheWholeServiceIsKilledInTheMiddleOfItsChat(t *testing.T) {
	const chats = 20
	const toldWithin = 30 * time.Second // after the service is ready; 10 s on an idle machine, 60 s without the runs' records
	data := "DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "chats.db")
	s, model := servicetest.StartStudying(t, nil, data)
	model.Hold()
	sessions, runs := make([]string, chats), make([]string, chats)
	clients := make([]*servicetest.Follower, chats)
	var watchers []*servicetest.Watcher
	var all sync.WaitGroup
	for n := range chats {
		sessions[n], runs[n] = s.Post(0, "")
		watchers = append(watchers, s.Open(0, sessions[n]))
		conn := s.Dial(0)
		all.Go(func() {
			clients[n] = servicetest.Follow(s.Address(), "/api/ai/stream/"+sessions[n], conn, 2*time.Minute)
		})
	}
	for _, w := range watchers {
		w.ReachMiddle()
	}
	s.Eventually("every client follows its stream", func() bool { return s.Streams() == 2*chats })
	one, other := s.Pair()
	for _, pid := range []int{s.Cmd.Process.Pid, one, other} {
		_ = syscall.Kill(pid, syscall.SIGKILL) // a worker may have died together with its supervisor
	}
	_ = s.Stop()
	again := servicetest.Start(t, data, "PORT="+s.Address()[len("127.0.0.1:"):], "LLM_API_KEY=k", "LLM_BASE_URL=http://127.0.0.1:1/v1")
	ready := time.Now()
	all.Wait()
	slowest := time.Duration(0)
	for n, c := range clients {
		slowest = max(slowest, c.EndedAt.Sub(ready))
		if c.Failure == "" || c.Doubled > 0 || !c.Stopped || c.Again > 0 || c.Opened > 2 {
			t.Errorf("client %d: %v", n, c)
		}
		_, run := again.Ask("GET", "/api/ai/runs/"+runs[n]+"?user_id=student", "")
		_, kept := again.Ask("GET", "/api/ai/sessions/"+sessions[n]+"/messages?user_id=student", "")
		if messages, _ := kept["messages"].([]any); run["state"] != "failed" || len(messages) != 1 {
			t.Errorf("chat %d: %v, %v", n, run["state"], kept)
		}
	}
	t.Logf("the last client is told %v after the service is ready", slowest)
	if slowest > toldWithin {
		t.Errorf("want %v at most", toldWithin)
	}
}
