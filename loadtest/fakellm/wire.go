package fakellm

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// Message is one message of a request.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// UnmarshalJSON accepts the content as a string or as text parts, which it joins.
func (m *Message) UnmarshalJSON(raw []byte) error {
	var wire struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(raw, &wire); err != nil {
		return err
	}
	m.Role = wire.Role
	if json.Unmarshal(wire.Content, &m.Content) == nil {
		return nil
	}
	var parts []struct{ Text string }
	err := json.Unmarshal(wire.Content, &parts)
	for _, part := range parts {
		m.Content += part.Text
	}
	return err
}

// Request is the part of a caller's request that the fake reads.
type Request struct {
	Model          string    `json:"model"`
	Messages       []Message `json:"messages"`
	Stream         bool      `json:"stream"`
	MaxTokens      int       `json:"max_tokens"`
	ResponseFormat struct {
		Type string `json:"type"`
	} `json:"response_format"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`

	Header http.Header `json:"-"`
}

// JSON reports whether the answer must be a JSON object.
func (r Request) JSON() bool { return strings.HasPrefix(r.ResponseFormat.Type, "json") }

// Checks reports whether the call asks for a verdict on an aid: its last message contains the form of a verdict.
func (r Request) Checks() bool { return strings.Contains(r.LastUser(), `{"safety": `) }

// LastUser returns the newest user message; "" if there is none.
func (r Request) LastUser() string {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if r.Messages[i].Role == "user" {
			return r.Messages[i].Content
		}
	}
	return ""
}

// The bodies of the API, as in OpenAI's published schema.

type usage struct {
	PromptTokens     int     `json:"prompt_tokens"`
	CompletionTokens int     `json:"completion_tokens"`
	TotalTokens      int     `json:"total_tokens"`
	Cost             float64 `json:"cost,omitempty"` // as OpenRouter reports it
}

type message struct {
	Role    string  `json:"role"`
	Content *string `json:"content"`
	Refusal *string `json:"refusal"`
}

type choice struct {
	Index        int     `json:"index"`
	Message      message `json:"message"`
	Logprobs     any     `json:"logprobs"`
	FinishReason string  `json:"finish_reason"`
}

type completion struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   usage    `json:"usage"`
}

type delta struct {
	Role    string `json:"role,omitempty"`
	Content string `json:"content"`
}

type chunkChoice struct {
	Index        int     `json:"index"`
	Delta        delta   `json:"delta"`
	Logprobs     any     `json:"logprobs"`
	FinishReason *string `json:"finish_reason"`
}

type chunk struct {
	ID      string        `json:"id"`
	Object  string        `json:"object"`
	Created int64         `json:"created"`
	Model   string        `json:"model"`
	Choices []chunkChoice `json:"choices"`
	Usage   *usage        `json:"usage"`
}

type errorDetail struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    any     `json:"code"` // a string, or a number with Rule.NumericCode
}

type errorBody struct {
	Error errorDetail `json:"error"`
}

// errorTypes are OpenAI's error types by status.
var errorTypes = map[int]string{
	http.StatusBadRequest:      "invalid_request_error",
	http.StatusUnauthorized:    "invalid_api_key",
	http.StatusForbidden:       "permission_denied",
	http.StatusNotFound:        "model_not_found",
	http.StatusTooManyRequests: "rate_limit_exceeded",
	529:                        "overloaded_error",
}

// apiError returns an error body that quotes what a careless upstream would quote.
func apiError(status int, numeric bool, echo string) errorBody {
	kind := errorTypes[status]
	if kind == "" {
		kind = "server_error"
	}
	e := errorDetail{Message: "fake upstream failure for " + echo, Type: kind, Code: kind}
	if numeric {
		e.Code = status
	}
	return errorBody{Error: e}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a caller that disconnected is noticed elsewhere
}

// writeRefusal answers an invalid request.
func writeRefusal(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		status = http.StatusRequestEntityTooLarge
	}
	writeJSON(w, status, apiError(status, false, err.Error()))
}
