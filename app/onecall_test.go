package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"studysharper/app/agent"
	"studysharper/app/cache"
	"studysharper/app/llm/openai"
	"studysharper/app/redisconn"
	"studysharper/app/redisconn/redistest"
	"studysharper/app/store"
	"studysharper/app/study"
	"studysharper/loadtest/fakellm"
)

// answering is one worker's way to an answer: its own memory, store and upstream client,
// and the Redis that all share.
func answering(t *testing.T, redisURL, upstream string) *agent.Orchestrator {
	t.Helper()
	conn, err := redisconn.New(redisURL, redisconn.Options{Timeout: 5 * time.Second, Log: slog.New(slog.DiscardHandler)})
	noError(t, err)
	near, err := cache.NewMemory(cache.MemoryOptions{MaxItems: 50, MaxBytes: 10 << 20, TTL: time.Minute})
	noError(t, err)
	far, err := cache.NewRedis(conn, cache.RedisOptions{TTL: time.Minute})
	noError(t, err)
	// As busy as this machine may be, Redis counts as there.
	tiered, err := cache.NewTiered(near, far, cache.TieredOptions{Wait: 5 * time.Second})
	noError(t, err)
	database := "sqlite:" + filepath.Join(t.TempDir(), "kept.db")
	noError(t, store.Migrate(t.Context(), database))
	kept, err := store.Open(t.Context(), database, store.Options{})
	noError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = conn.Run(ctx) })
	running.Go(func() { _ = tiered.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait(); noError(t, kept.Close()) })
	for deadline := time.Now().Add(time.Minute); tiered.Degraded(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the cache is not whole")
		}
	}
	model := openai.New(openai.Options{BaseURL: upstream + "/v1", APIKey: "k", Model: "m", Timeout: 30 * time.Second, MaxConns: 64})
	return agent.New(agent.Deps{Model: model, Cache: tiered, Store: agentStore{kept}}, agent.Options{})
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAHundredEqualRequestsOverThreeInstancesMakeOneUpstreamCall(t *testing.T) {
	server := redistest.Start(t)
	fake := fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{LatencyMS: 300}}})
	upstream := httpServer(t, fake.ServeHTTP)
	var workers []*agent.Orchestrator
	for range 6 { // two each
		workers = append(workers, answering(t, server.URL(), upstream))
	}
	req := study.Request{Type: study.Flashcards, UserID: "u", Message: "cards please", Options: study.Options{Count: 2,
		Content: "Mitosis divides the nucleus of a cell. The chromosomes condense in the prophase. New membranes form in the telophase."}}
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			out, err := workers[i%6].Run(t.Context(), agent.NewID(), req, agent.Observer{})
			if err != nil || len(out.Result.Data.(*study.FlashcardSet).Flashcards) != 2 {
				t.Errorf("request %d: %v, %+v", i, err, out.Result.Data)
			}
		})
	}
	all.Wait()
	if calls := fake.Counts().Calls; calls != 1 {
		t.Errorf("%d upstream calls, want 1", calls)
	}
}
