package agent

import (
	"context"

	"studysharper/app/agent/prompt"
	"studysharper/app/study"
)

const (
	bytesPerToken = 3     // a lower bound: four for English, three for Chinese, where a character is a token
	promptTokens  = 1_500 // of a prompt, without its material

	// offlineBytes is how much text the built-in engine reads at once; it samples much longer texts. It makes no calls,
	// so it may read more parts than a model; see maxOfflineParts.
	offlineBytes    = 200_000
	maxOfflineParts = 100

	// smallestRoom is the size of material, in bytes, that fits into any model's context, so that the context's size
	// need not be known.
	smallestRoom = 6_000

	maxPromptBytes = 900_000 // the client sends 1 MiB at most
)

// room returns how many bytes of source text fit into one prompt for the brief. At least half of the model's context is
// reserved for the text.
func (o Options) room(ctx context.Context, b study.Brief, size int) int {
	if o.Deterministic {
		return offlineBytes
	}
	tokens := defaultContext
	if o.ContextTokens != nil && size > smallestRoom {
		tokens = o.ContextTokens(ctx)
	}
	message := len(b.Message)
	if len(b.Documents) > 0 && b.Message == b.Documents[0].Text {
		message = 0 // it is the text
	}
	reserved := min(promptTokens+prompt.AnswerTokens(b)+message/bytesPerToken, tokens/2)
	return min((tokens-reserved)*bytesPerToken, maxPromptBytes)
}

// maxParts returns how many parts of a text may be read for one answer: one call for each part, and one call to merge
// them if there are more than two.
func (o Options) maxParts(b study.Brief) int {
	if o.Deterministic {
		return maxOfflineParts
	}
	parts := o.MaxCalls
	if parts > 2 {
		parts--
	}
	if asked := study.Asked(b.Type, b.Options); asked > 0 {
		parts = min(parts, asked) // at least one item for each part
	}
	return parts
}
