package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"studysharper/app/agent"
	"studysharper/app/agent/runner"
	"studysharper/app/cache"
	"studysharper/app/config"
	"studysharper/app/httpapi"
	"studysharper/app/httpserver"
	"studysharper/app/limit"
	"studysharper/app/llm/openai"
	"studysharper/app/memory"
	"studysharper/app/metrics"
	"studysharper/app/offline/engine"
	"studysharper/app/store"
	"studysharper/app/stream"
	"studysharper/app/stream/hub"
	"studysharper/app/stream/relay"
	"studysharper/app/supervisor"
	"studysharper/app/text"
)

// assembly makes the parts of a worker, from the back to the front.
type assembly struct {
	*parts
	c      config.Config
	b      config.Budget
	files  config.Files
	parent *supervisor.Parent
	log    *slog.Logger
	keeper stream.Keeper              // the journal
	forget func(pattern string) error // see clearer
}

func assemble(c config.Config, b config.Budget, files config.Files, parent *supervisor.Parent, log *slog.Logger) (*parts, error) {
	a := &assembly{parts: &parts{}, c: c, b: b, files: files, parent: parent, log: log}
	var err error
	if a.others, err = openCluster(c, parent.Own(), log); err != nil {
		return nil, err
	}
	if a.store, err = store.Open(context.Background(), c.DatabaseURL, store.Options{}); err != nil {
		return nil, err
	}
	if err = a.keep(); err == nil {
		a.work()
		err = a.serve()
	}
	if err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	return a.parts, nil
}

// keep makes the caches, and the versions that say whether their entries are valid.
func (a *assembly) keep() error {
	near, err := cache.NewMemory(cache.MemoryOptions{MaxItems: a.c.CacheMaxItems, MaxBytes: a.b.Cache, TTL: a.c.CacheTTL})
	if err != nil {
		return err
	}
	if a.cache, err = a.others.cache(near, a.b, a.log); err != nil {
		return err
	}
	a.forget = a.purge(a.parent)
	if a.known, err = newKnowledge(a.c, a.b, a.parent.Revisions, a.others, a.forget, a.log); err != nil {
		return err
	}
	a.store = invalidatingStore{a.store, a.known}
	return nil
}

// work makes what answers: the model, the agents and their journals.
func (a *assembly) work() {
	text.ObservePanics(observeTextPanics(a.parent.Own(), a.log))
	orphaned := func(o stream.Orphan) { go takeOver(o, a.runner, a.log) } // none comes before the journals run
	a.relay = relay.NewClient(a.parent.Relay, relay.Options{MaxReaders: maxReaders(a.c), Orphaned: orphaned})
	a.keeper = a.others.newJournal(a.relay, a.b, orphaned, a.log)
	builtIn := a.c.LLMProvider == "offline"
	var model agent.Model
	model, a.health = newModel(a.c, a.parent.Own())
	orchestrator := agent.New(agent.Deps{Model: model, Cache: a.cache, Store: agentStore{a.store}, Log: a.log,
		Parts: a.known.parts, Versions: a.known.revisions},
		agent.Options{Deterministic: builtIn, Judge: !builtIn, AnswerTimeout: a.c.WorkerTimeout})
	journal := &agentJournal{Journal: a.keeper}
	a.runner = runner.New(orchestrator, journal, runner.Options{MaxRuns: a.c.MaxRuns, Timeout: a.c.WorkerTimeout, Log: a.log,
		Admit: admission(a.parent, int64(a.c.MaxRuns), a.others.runGate()), Full: atCapacity(a.parent, int64(a.c.MaxRuns)), Observe: observeRuns(a.parent.Own())})
	journal.cancel = a.runner.Cancel
}

// serve makes what clients see.
func (a *assembly) serve() error {
	c, own := a.c, a.parent.Own()
	limits, err := limit.AttachTable(a.parent.Limits)
	if err != nil {
		return err
	}
	holdings, err := limit.AttachHoldings(a.parent.Holdings, holdingBounds(c), a.parent.Page)
	if err != nil {
		return err
	}
	a.hub, err = hub.Open(hub.Options{Journal: a.keeper, Final: a.others == nil, Keepalive: c.SSEKeepalive, Stale: c.SSEStaleAfter,
		Count: func(n int64) { own.Shift(metrics.Streams, n) },
		Ended: func(place int32) { holdings.Streams.Release(limit.Place(place)) },
		Key:   func(place int32) uint64 { return holdings.Streams.Key(limit.Place(place)) },
		Add:   func(client uint64) int32 { return int32(holdings.Streams.Add(client)) }, Log: a.log})
	if err != nil {
		return err
	}
	a.server = httpapi.New(httpapi.Options{
		Version: version, Environment: c.Environment, Provider: c.LLMProvider, AdminToken: c.AdminToken, Origins: c.AllowedOrigins,
		Cache: httpapi.CacheBounds{Backend: c.CacheBackend, MaxItems: c.CacheMaxItems, MaxBytes: a.b.Cache},
		HTTP: httpserver.Options{MaxBodyBytes: c.MaxBodyKB << 10, TransitBytes: a.b.Transit,
			Room: httpserver.Room{Conns: a.files.Conns, Streams: a.files.Streams, Spare: a.files.Spare}},
		Admission: httpapi.Admission{Limits: limitsOf(c), Counter: a.others.counter(limits), Runs: holdings.Runs, Streams: holdings.Streams,
			Proxies: proxies(c), Gate: a.others.streamGate(), MaxStreams: c.SSEMaxStreams, MaxLists: a.b.Lists()},
		Fleet: fleet{a.parts, a.parent, a.forget, a.log}, Runs: a.runner, Streams: a.hub, Tokens: newTokens(c, a.parent, a.log),
		Store: a.store, Journal: a.keeper, Board: a.parent.Board, Own: own, Cgroup: memory.OpenCgroup(os.DirFS("/")), Log: a.log,
	})
	return nil
}

// newModel gives the model of the settings, and its health: the offline engine is always
// well. Every run has room for its call: one that waited for a connection of ours until
// its time is over would be taken for a failure of the upstream.
func newModel(c config.Config, own *metrics.Entry) (agent.Model, func() openai.Health) {
	if c.LLMProvider == "offline" {
		return engine.New(), func() openai.Health { return openai.Health{} }
	}
	client := openai.New(openai.Options{BaseURL: c.LLMBaseURL, APIKey: c.APIKey(), Model: c.LLMModel, Fallbacks: c.LLMFallbacks,
		Timeout: c.LLMTimeout, MaxConns: c.MaxRuns, Observe: observeCalls(own)})
	return client, client.Health
}
