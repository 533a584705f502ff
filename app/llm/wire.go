package llm

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"studysharper/app/study"
)

// The bodies of the API, as far as they are used.

type wireMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type wireFormat struct {
	Type string `json:"type"`
}

type wireStreamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type wireRequest struct {
	Model          string             `json:"model"`
	Messages       []wireMessage      `json:"messages"`
	MaxTokens      int                `json:"max_tokens,omitempty"`
	ResponseFormat *wireFormat        `json:"response_format,omitempty"`
	Stream         bool               `json:"stream,omitempty"`
	StreamOptions  *wireStreamOptions `json:"stream_options,omitempty"`
}

// encodeRequest writes p as the body of a call.
func encodeRequest(model string, p study.Prompt, stream bool) ([]byte, error) {
	req := wireRequest{Model: model, MaxTokens: max(p.MaxTokens, 0), Stream: stream}
	for _, t := range p.Turns {
		req.Messages = append(req.Messages, wireMessage{Role: t.Role, Content: t.Text})
	}
	if p.JSON {
		req.ResponseFormat = &wireFormat{Type: "json_object"}
	}
	if stream {
		req.StreamOptions = &wireStreamOptions{IncludeUsage: true}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // notes are full of < and &, and six bytes each would be paid for in size
	err := enc.Encode(req)
	return buf.Bytes(), err
}

type wireText struct {
	Content string `json:"content"`
	Refusal string `json:"refusal"`
}

type wireChoice struct {
	Index        int      `json:"index"`
	Message      wireText `json:"message"` // of a plain answer
	Delta        wireText `json:"delta"`   // of a stream
	FinishReason string   `json:"finish_reason"`
}

type wireUsage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// wireReply is a plain answer or one chunk of a stream.
type wireReply struct {
	Model   string          `json:"model"`
	Choices []wireChoice    `json:"choices"`
	Usage   wireUsage       `json:"usage"`
	Error   json.RawMessage `json:"error"`
}

// tokens is the cost of the call; 0 where the upstream did not say.
func (u wireUsage) tokens() int {
	if u.TotalTokens > 0 {
		return u.TotalTokens
	}
	return max(u.PromptTokens, 0) + max(u.CompletionTokens, 0)
}

// errorStatus gives the HTTP status that an error object inside a 200 stands for,
// and whether there is such an object. Its code may be a number (OpenRouter) or a
// word (OpenAI); one that says nothing is 500's equal.
func errorStatus(raw json.RawMessage) (int, bool) {
	if len(raw) == 0 || string(raw) == "null" {
		return 0, false
	}
	var e struct {
		Code json.RawMessage `json:"code"`
		Type json.RawMessage `json:"type"`
	}
	// An error that is a bare string has no fields to read, and is one all the same.
	_ = json.Unmarshal(raw, &e)
	for _, code := range []json.RawMessage{e.Code, e.Type} {
		word := strings.Trim(string(code), `"`)
		if n, err := strconv.Atoi(word); err == nil && n >= 400 && n <= 599 {
			return n, true
		}
		if status, ok := errorWords[word]; ok {
			return status, true
		}
	}
	return http.StatusInternalServerError, true
}

// errorWords are the codes and types of errors that mean something other than 500.
var errorWords = map[string]int{
	"invalid_api_key":       http.StatusUnauthorized,
	"authentication_error":  http.StatusUnauthorized,
	"permission_denied":     http.StatusForbidden,
	"permission_error":      http.StatusForbidden,
	"insufficient_quota":    http.StatusPaymentRequired,
	"model_not_found":       http.StatusNotFound,
	"not_found_error":       http.StatusNotFound,
	"invalid_request_error": http.StatusBadRequest,
	"rate_limit_exceeded":   http.StatusTooManyRequests,
	"rate_limit_error":      http.StatusTooManyRequests,
	"overloaded_error":      http.StatusServiceUnavailable,
}
