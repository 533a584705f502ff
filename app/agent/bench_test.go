package agent

import (
	"context"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

// bench is an Orchestrator with fake dependencies.
type bench struct {
	*Orchestrator
	*agenttest.Fakes
}

func newBench(m *agenttest.Model, o Options) *bench {
	f := agenttest.NewFakes(m)
	return &bench{New(Deps{Model: m, Cache: f.Cache, Store: f.Store, Log: f.Log.Logger()}, o), f}
}

// Run runs a request under a new id. w, if not nil, records what a client would watch.
func (b *bench) Run(ctx context.Context, req study.Request, w *watched) (Outcome, error) {
	return b.Orchestrator.Run(ctx, NewID(), req, w.observer())
}

// watched records the calls of an Observer.
type watched struct {
	progress []study.Progress
	tokens   []string
	items    []study.Item
}

func (w *watched) observer() Observer {
	if w == nil {
		return Observer{}
	}
	return Observer{
		Progress: func(p study.Progress) { w.progress = append(w.progress, p) },
		Token:    func(text string) { w.tokens = append(w.tokens, text) },
		Item:     func(i study.Item) { w.items = append(w.items, i) },
	}
}
