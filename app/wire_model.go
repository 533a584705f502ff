package main

import (
	"cmp"

	"studysharper/app/agent"
	"studysharper/app/config"
	"studysharper/app/llm"
	"studysharper/app/llm/openai"
	"studysharper/app/metrics"
	"studysharper/app/offline/engine"
)

// models are the model that makes answers, and the one that checks them.
type models struct {
	answers  agent.Model
	judge    agent.Model // nil = the one that makes them
	health   func() openai.Health
	material int // runes of source text in a prompt
}

// newModels returns the models of the settings. The offline engine is always healthy.
func newModels(c config.Config, own *metrics.Entry, memory openai.Memory) models {
	if c.LLMProvider == "offline" {
		return models{answers: engine.New(), health: func() openai.Health { return openai.Health{} }, material: materialRunes(c.LLMContext)}
	}
	o := llm.Options(c)
	o.Memory, o.Observe = memory, metrics.ObserveCalls(own)
	client := openai.New(o)
	m := models{answers: client, health: client.Health, material: materialRunes(min(c.LLMContext, cmp.Or(client.ContextTokens(), c.LLMContext)))}
	if c.LLMJudge == agent.JudgeModel && c.LLMJudgeModel != "" {
		m.judge = client.WithModel(c.LLMJudgeModel)
	}
	return m
}

// materialRunes bounds the source text of a prompt by the tokens of the model's context, with
// room for the answer: a token is a character and a half at least in most scripts.
func materialRunes(context int) int { return min(24_000, context*3/2) }
