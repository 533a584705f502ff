package openai

import (
	"encoding/json"
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

// tokens returns the total of a call; 0 if the upstream did not say.
func (u wireUsage) tokens() int {
	if u.TotalTokens > 0 {
		return int(u.TotalTokens)
	}
	return int(u.PromptTokens + u.CompletionTokens)
}
