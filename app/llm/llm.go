// Package llm makes the client of the upstream model from the settings, for the workers and
// for doctor alike.
package llm

import (
	"slices"
	"time"

	"studysharper/app/config"
	"studysharper/app/llm/openai"
)

// silence is how long a streamed answer may bring nothing.
const silence = 30 * time.Second

// Models lists the models that the settings name, each once: those that make answers in the order in which they are asked,
// then the one that checks them. With the offline engine there are none.
func Models(c config.Config) []string {
	if c.LLMProvider == "offline" {
		return nil
	}
	var models []string
	for _, model := range append([]string{c.LLMModel}, append(slices.Clone(c.LLMFallbacks), c.LLMJudgeModel)...) {
		if model != "" && !slices.Contains(models, model) {
			models = append(models, model)
		}
	}
	return models
}

// Options are what the settings say of the upstream model. Every run has room for its call:
// one that waited for a connection of ours until its time is over would be taken for a
// failure of the upstream.
func Options(c config.Config) openai.Options {
	return openai.Options{
		BaseURL: c.LLMBaseURL, APIKey: c.APIKey(), APIVersion: c.LLMAPIVersion, Model: c.LLMModel, Fallbacks: c.LLMFallbacks,
		Timeout: c.LLMTimeout, StreamTimeout: max(c.LLMTimeout, c.WorkerTimeout),
		FirstByteTimeout: min(c.LLMTimeout, silence), IdleTimeout: min(c.LLMTimeout, silence),
		MaxConns: c.MaxRuns, MaxTokens: c.LLMMaxTokens, Effort: c.LLMEffort,
	}
}
