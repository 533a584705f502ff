package agent

import (
	"context"

	"studysharper/app/agent/prompt"
	"studysharper/app/study"
)

const (
	bytesPerToken = 3     // of text, at least: four of English, three of Chinese, where a character is a token
	promptTokens  = 1_500 // of a prompt besides its material

	// offlineBytes is how much text the built-in engine reads at once: it samples what is much
	// longer. It costs no calls, so it may read more parts than a model; see maxOfflineParts.
	offlineBytes    = 200_000
	maxOfflineParts = 100

	// smallestRoom is the material, in bytes, that fits whatever the context: nothing need be
	// learnt of the model to send it.
	smallestRoom = 6_000

	maxPromptBytes = 900_000 // the client sends 1 MiB at most
)

// room is how many bytes of source text fit into one prompt for the brief. At least half of the
// model's context is for the text.
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

// maxParts is how many parts of a text may be read for one answer: one call each, and one for
// the merging if there are more than two.
func (o Options) maxParts(b study.Brief) int {
	if o.Deterministic {
		return maxOfflineParts
	}
	parts := o.MaxCalls
	if parts > 2 {
		parts--
	}
	if asked := study.Asked(b.Type, b.Options); asked > 0 {
		parts = min(parts, asked) // a part is read for one item at least
	}
	return parts
}
