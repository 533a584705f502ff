package openai

import (
	"encoding/json"

	"studysharper/app/study"
)

// wireReply is a plain response or one chunk of a stream. It refers to the bytes that it was decoded from and is valid
// as long as they are.
type wireReply struct {
	Model   jsonString             `json:"model"`
	Object  jsonString             `json:"object"`  // "error" if the whole object is an error (vLLM)
	Choices [maxChoices]wireChoice `json:"choices"` // further choices are skipped, missing ones are empty
	Usage   wireUsage              `json:"usage"`
	Error   rawValue               `json:"error"`
}

type wireChoice struct {
	Index        wireNumber `json:"index"`
	Message      wireText   `json:"message"` // in a plain response; in some streams too
	Delta        wireText   `json:"delta"`   // in a chunk of a stream
	Text         jsonString `json:"text"`    // of servers that use the format of completions
	FinishReason jsonString `json:"finish_reason"`
	NativeFinish jsonString `json:"native_finish_reason"` // OpenRouter: the model's own value
	Error        rawValue   `json:"error"`
}

// wireText omits reasoning (reasoning, reasoning_content, thinking).
type wireText struct {
	Content  wireContent `json:"content"`
	Refusal  jsonString  `json:"refusal"`
	Parsed   wireContent `json:"parsed"`     // an object, of servers that parse the answer
	Tools    [1]wireTool `json:"tool_calls"` // of servers that implement JSON answers as a tool call (LiteLLM)
	Function wireCall    `json:"function_call"`
}

type wireTool struct {
	Function wireCall `json:"function"`
}

type wireCall struct {
	Arguments wireContent `json:"arguments"`
}

// arguments returns the fields other than the content that may contain the JSON answer.
func (t *wireText) arguments() [3]wireContent {
	return [...]wireContent{t.Parsed, t.Tools[0].Function.Arguments, t.Function.Arguments}
}

// wireContent is a string, a list of parts, one part, or an object that is the answer itself.
type wireContent rawValue

// UnmarshalJSON stores any value.
func (c *wireContent) UnmarshalJSON(value []byte) error {
	*c = value
	return nil
}

// wirePiece is a part of a message's content.
type wirePiece struct {
	Type jsonString `json:"type"`
	Text wireValue  `json:"text"`
}

// UnmarshalJSON reads an object, or a string as its text.
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

// UnmarshalJSON stores the string; anything else counts as null.
func (v *wireValue) UnmarshalJSON(value []byte) error {
	if value[0] != '{' {
		return json.Unmarshal(value, &v.jsonString)
	}
	var object struct{ Value jsonString }
	err := json.Unmarshal(value, &object)
	v.jsonString = object.Value
	return err
}

// texts yields the string, or the text of each part that is not reasoning.
func (c wireContent) texts(yield func(jsonString) bool) {
	switch {
	case len(c) == 0:
	case c[0] == '"':
		yield(jsonString(c))
	case c[0] == '{':
		var only wirePiece
		_ = json.Unmarshal(c, &only) // an object of another shape has no text
		if only.isAnswer() && !only.Text.isEmpty() {
			yield(only.Text.jsonString)
		}
	case c[0] == '[':
		var parts [maxParts]wirePiece // an array, so that further parts are skipped
		_ = json.Unmarshal(c, &parts) // parts of another shape have no text
		for _, p := range parts {
			if p.isAnswer() && !p.Text.isEmpty() && !yield(p.Text.jsonString) {
				return
			}
		}
	}
}

// isObject reports whether the content is an object that is not a part of a message.
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

// UnmarshalJSON reads an object; anything else counts as unknown usage.
func (u *wireUsage) UnmarshalJSON(value []byte) error {
	type plain wireUsage
	*u = wireUsage{}
	if value[0] == '{' {
		_ = json.Unmarshal(value, (*plain)(u)) // wireNumber accepts anything
	}
	return nil
}

// addTo sets the counts of an answer. The usage in a later chunk of a stream covers the whole answer so far and
// therefore replaces the earlier one.
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
