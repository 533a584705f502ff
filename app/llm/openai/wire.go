package openai

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"studysharper/app/study"
)

const (
	maxCodeBytes = 64 // of an error's code; the words known are shorter
	maxChoices   = 2  // of an answer; one is asked for, and a slice would grow to fifty times the bytes of [{},{},…
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
	size := promptBytes(p)
	buf.Grow(size + size/8 + 512) // enough for most prompts, whose quotes and line ends take one byte more each
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // notes are full of < and &, and six bytes each would be paid for in size
	err := enc.Encode(req)
	return buf.Bytes(), err
}

// promptBytes is the length of a prompt's texts.
func promptBytes(p study.Prompt) int {
	size := 0
	for _, t := range p.Turns {
		size += len(t.Text)
	}
	return size
}

type wireText struct {
	Content quoted `json:"content"`
	Refusal quoted `json:"refusal"`
}

type wireChoice struct {
	Index        int      `json:"index"`
	Message      wireText `json:"message"` // of a plain answer
	Delta        wireText `json:"delta"`   // of a stream
	FinishReason quoted   `json:"finish_reason"`
}

type wireUsage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// wireReply is a plain answer or one chunk of a stream. It is good as long as the
// bytes it was read from.
type wireReply struct {
	Model   quoted                 `json:"model"`
	Choices [maxChoices]wireChoice `json:"choices"` // further ones are skipped, missing ones are empty
	Usage   wireUsage              `json:"usage"`
	Error   raw                    `json:"error"`
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
func errorStatus(object raw) (int, bool) {
	if len(object) == 0 || string(object) == "null" {
		return 0, false
	}
	var e struct {
		Code raw `json:"code"`
		Type raw `json:"type"`
	}
	// An error that is a bare string has no fields to read, and is one all the same.
	_ = json.Unmarshal(object, &e)
	for _, code := range []raw{e.Code, e.Type} {
		if len(code) > maxCodeBytes {
			continue
		}
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
