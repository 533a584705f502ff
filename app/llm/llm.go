// Package llm creates the client of the upstream model from the settings, both for the workers and for doctor.
package llm

import (
	"slices"
	"time"

	"studysharper/app/config"
	"studysharper/app/llm/openai"
)

// silence is how long a streamed answer may send nothing.
const silence = 30 * time.Second

// Models returns the models in the settings, without repeats: first those that generate answers, in the order in which
// they are tried, then the one that checks them. With the offline engine there are none.
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

// Options returns the client's options from the settings. There is a connection for every run: otherwise a run that
// waited for one until its deadline would count as a failure of the upstream.
func Options(c config.Config) openai.Options {
	return openai.Options{
		BaseURL: c.LLMBaseURL, APIKey: c.APIKey(), APIVersion: c.LLMAPIVersion, Model: c.LLMModel, Fallbacks: c.LLMFallbacks,
		Timeout: c.LLMTimeout, StreamTimeout: max(c.LLMTimeout, c.WorkerTimeout),
		FirstByteTimeout: min(c.LLMTimeout, silence), IdleTimeout: min(c.LLMTimeout, silence),
		MaxConns: c.MaxRuns, MaxTokens: c.LLMMaxTokens, Effort: c.LLMEffort,
	}
}
