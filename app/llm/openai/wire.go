package openai

import (
	"encoding/json"

	"studysharper/app/study"
)

// wireReply is a plain response or one chunk of a stream. It refers to the bytes that it was
// decoded from and is valid as long as they are.
type wireReply struct {
	Model   jsonString             `json:"model"`
	Object  jsonString             `json:"object"`  // "error" where the whole object is one (vLLM)
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
	NativeFinish jsonString `json:"native_finish_reason"` // OpenRouter: the model's own word
	Error        rawValue   `json:"error"`
}

// wireText leaves out what models think aloud (reasoning, reasoning_content, thinking).
type wireText struct {
	Content  wireContent `json:"content"`
	Refusal  jsonString  `json:"refusal"`
	Parsed   wireContent `json:"parsed"`     // an object, of servers that have read the answer
	Tools    [1]wireTool `json:"tool_calls"` // of servers that ask for objects by way of a tool (LiteLLM)
	Function wireCall    `json:"function_call"`
}

type wireTool struct {
	Function wireCall `json:"function"`
}

type wireCall struct {
	Arguments wireContent `json:"arguments"`
}

// arguments are the texts that an object may be in, other than the content.
func (t *wireText) arguments() [3]wireContent {
	return [...]wireContent{t.Parsed, t.Tools[0].Function.Arguments, t.Function.Arguments}
}

// wireContent is a string, a list of parts, one part, or an object that is the answer itself.
type wireContent rawValue

// UnmarshalJSON keeps any value.
func (c *wireContent) UnmarshalJSON(value []byte) error {
	*c = value
	return nil
}

// wirePiece is a part of a message's content.
type wirePiece struct {
	Type jsonString `json:"type"`
	Text wireValue  `json:"text"`
}

// UnmarshalJSON reads an object, or a text alone.
func (p *wirePiece) UnmarshalJSON(value []byte) error {
	type plain wirePiece
	*p = wirePiece{}
	if value[0] == '{' {
		return json.Unmarshal(value, (*plain)(p))
	}
	return json.Unmarshal(value, &p.Text)
}

func (p *wirePiece) isAnswer() bool {
	return p.Type.isEmpty() || p.Type.equals("text") || p.Type.equals("output_text")
}

// wireValue is a string, or an object with a string as its value.
type wireValue struct{ jsonString }

// UnmarshalJSON keeps the string; anything else counts as null.
func (v *wireValue) UnmarshalJSON(value []byte) error {
	if value[0] != '{' {
		return json.Unmarshal(value, &v.jsonString)
	}
	var object struct{ Value jsonString }
	err := json.Unmarshal(value, &object)
	v.jsonString = object.Value
	return err
}

// texts yields the string, or the text of each part that is answer and not reasoning.
func (c wireContent) texts(yield func(jsonString) bool) {
	switch {
	case len(c) == 0:
	case c[0] == '"':
		yield(jsonString(c))
	case c[0] == '{':
		var only wirePiece
		_ = json.Unmarshal(c, &only) // of another shape it has no text
		if only.isAnswer() && !only.Text.isEmpty() {
			yield(only.Text.jsonString)
		}
	case c[0] == '[':
		var parts [maxParts]wirePiece // an array, so that further ones are skipped
		_ = json.Unmarshal(c, &parts) // parts of another shape have no text
		for _, p := range parts {
			if p.isAnswer() && !p.Text.isEmpty() && !yield(p.Text.jsonString) {
				return
			}
		}
	}
}

// isObject reports whether the content is an object, and no part of a message.
func (c wireContent) isObject() bool {
	if len(c) == 0 || c[0] != '{' {
		return false
	}
	var part wirePiece
	return json.Unmarshal(c, &part) == nil && part.Type.isEmpty() && part.Text.isEmpty()
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
