package cache_test

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"studysharper/app/agent"
	"studysharper/app/llm/openai"
	"studysharper/app/store"
	"studysharper/app/study"
	"studysharper/app/testkit/redistest"
	"studysharper/loadtest/fakellm"
)

// agentStore is the store that agents need; here they read no notes and no messages.
type agentStore struct{ store.Store }

func (agentStore) SearchNotes(context.Context, string, string, int) ([]study.Note, error) {
	return nil, nil
}

func (agentStore) SearchPassages(context.Context, string, []string, string, int) ([]study.Passage, error) {
	return nil, nil
}

func (agentStore) Messages(context.Context, string, int) ([]study.Message, error) { return nil, nil }

// answering is one worker's path to an answer: its own memory, store and upstream client,
// and the Redis that all share.
func answering(t *testing.T, redisURL, upstream string) *agent.Orchestrator {
	t.Helper()
	s := ordinary
	s.tiered.Wait = 5 * time.Second // however busy this machine is, Redis counts as reachable
	tiered := starts(t, redisURL, s)
	database := "sqlite:" + filepath.Join(t.TempDir(), "kept.db")
	if err := store.Migrate(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	kept, err := store.Open(t.Context(), database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	model := openai.New(openai.Options{BaseURL: upstream + "/v1", APIKey: "k", Model: "m", Timeout: 30 * time.Second, MaxConns: 64})
	return agent.New(agent.Deps{Model: model, Cache: tiered, Store: agentStore{kept}}, agent.Options{})
}

func TestAHundredEqualRequestsOverThreeInstancesMakeOneUpstreamCall(t *testing.T) {
	server := redistest.Start(t)
	fake := fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{LatencyMS: 300}}})
	upstream := httptest.NewServer(fake)
	t.Cleanup(upstream.Close)
	var workers []*agent.Orchestrator
	for range 6 { // two each
		workers = append(workers, answering(t, server.URL(), upstream.URL))
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
