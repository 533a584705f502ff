package openai

import (
	"encoding/json"

	"studysharper/app/study"
)

// wireReply is a plain response or one chunk of a stream. It refers to the bytes that it was
// decoded from and is valid as long as they are.
type wireReply struct {
	Model   jsonString             `json:"model"`
	Choices [maxChoices]wireChoice `json:"choices"` // further ones are skipped, missing ones are empty
	Usage   wireUsage              `json:"usage"`
	Error   rawValue               `json:"error"`
}

type wireChoice struct {
	Index        wireNumber `json:"index"`
	Message      wireText   `json:"message"` // in a plain response; some streams have it too
	Delta        wireText   `json:"delta"`   // in a chunk of a stream
	Text         jsonString `json:"text"`    // of servers that answer as for a completion
	FinishReason jsonString `json:"finish_reason"`
	Error        rawValue   `json:"error"`
}

// wireText leaves out what models think aloud (reasoning, reasoning_content, thinking).
type wireText struct {
	Content wireContent `json:"content"`
	Refusal jsonString  `json:"refusal"`
}

// wireContent is a string or a list of parts.
type wireContent rawValue

// UnmarshalJSON keeps any value.
func (c *wireContent) UnmarshalJSON(value []byte) error {
	*c = value
	return nil
}

// texts yields the string, or the text of each part that is answer and not reasoning.
func (c wireContent) texts(yield func(jsonString) bool) {
	if len(c) == 0 || c[0] != '[' {
		if len(c) > 0 && c[0] == '"' {
			yield(jsonString(c))
		}
		return
	}
	var parts [maxParts]struct { // an array, so that further ones are skipped
		Type jsonString `json:"type"`
		Text jsonString `json:"text"`
	}
	_ = json.Unmarshal(c, &parts) // parts of another shape have no text
	for _, p := range parts {
		answer := p.Type.isEmpty() || p.Type.equals("text") || p.Type.equals("output_text")
		if answer && !p.Text.isEmpty() && !yield(p.Text) {
			return
		}
	}
}

type wireUsage struct {
	PromptTokens     wireNumber `json:"prompt_tokens"`
	CompletionTokens wireNumber `json:"completion_tokens"`
	TotalTokens      wireNumber `json:"total_tokens"`
	Cost             wireNumber `json:"cost"` // OpenRouter
}

// UnmarshalJSON reads an object; anything else says nothing.
func (u *wireUsage) UnmarshalJSON(value []byte) error {
	type plain wireUsage
	*u = wireUsage{}
	if value[0] == '{' {
		_ = json.Unmarshal(value, (*plain)(u)) // the numbers take anything
	}
	return nil
}

// addTo puts the counts into an answer. The usage in a stream's later chunks is of the whole
// answer so far: it takes the place of an earlier one.
func (u wireUsage) addTo(a *study.Answer) {
	total := u.TotalTokens
	if total == 0 {
		total = u.PromptTokens + u.CompletionTokens
	}
	if total > 0 {
		a.Tokens, a.PromptTokens, a.CompletionTokens = int(total), int(u.PromptTokens), int(u.CompletionTokens)
	}
	if u.Cost > 0 {
		a.Cost = float64(u.Cost)
	}
}
