package main

import (
	"studysharper/app/agent"
	"studysharper/app/config"
	"studysharper/app/llm"
	"studysharper/app/llm/openai"
	"studysharper/app/metrics"
	"studysharper/app/offline/engine"
)

// newModel returns the model of the settings, and its health: the offline engine is always
// healthy.
func newModel(c config.Config, own *metrics.Entry, memory openai.Memory) (agent.Model, func() openai.Health) {
	if c.LLMProvider == "offline" {
		return engine.New(), func() openai.Health { return openai.Health{} }
	}
	o := llm.Options(c)
	o.Memory, o.Observe = memory, metrics.ObserveCalls(own)
	client := openai.New(o)
	return client, client.Health
}

// newJudge returns the model that checks answers; nil if that is the one that makes them.
func newJudge(c config.Config, own *metrics.Entry) agent.Model {
	if c.LLMProvider == "offline" || c.LLMJudge != agent.JudgeModel || c.LLMJudgeModel == "" {
		return nil
	}
	o := llm.Options(c)
	o.Model, o.Fallbacks, o.Observe = c.LLMJudgeModel, nil, metrics.ObserveCalls(own)
	return openai.New(o)
}

// materialRunes bounds the source text of a prompt by the model's context, with room for the
// answer: a token is a character and a half at least in most scripts.
func materialRunes(c config.Config) int { return min(24_000, c.LLMContext*3/2) }
