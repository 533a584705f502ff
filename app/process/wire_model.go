package process

import (
	"cmp"
	"context"

	"studysharper/app/agent"
	"studysharper/app/config"
	"studysharper/app/llm"
	"studysharper/app/llm/openai"
	"studysharper/app/metrics"
	"studysharper/app/offline/engine"
)

// models are the model that makes answers and the one that judges them.
type models struct {
	answers agent.Model
	judge   agent.Model // nil = answers judges too
	health  func() openai.Health
	context func(context.Context) int // size of the context window in tokens; nil = the default
}

// newModels returns the models that the settings name. The offline engine is always healthy.
func newModels(c config.Config, own *metrics.Entry, memory openai.Memory) models {
	if c.LLMProvider == "offline" {
		return models{answers: engine.New(), health: func() openai.Health { return openai.Health{} }}
	}
	o := llm.Options(c)
	o.Memory, o.Observe = memory, metrics.ObserveCalls(own, llm.Models(c))
	client := openai.New(o)
	m := models{answers: client, health: client.Health}
	m.context = func(ctx context.Context) int {
		return min(c.LLMContext, cmp.Or(client.ContextTokens(ctx), c.LLMContext))
	}
	if c.LLMJudge == agent.JudgeModel && c.LLMJudgeModel != "" {
		m.judge = client.WithModel(c.LLMJudgeModel)
	}
	return m
}
