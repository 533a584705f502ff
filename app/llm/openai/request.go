package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"studysharper/app/study"
	"studysharper/app/trace"
)

// doCall makes one HTTP call and reads its answer. It returns soon after ctx ends.
func (c *Client) doCall(ctx context.Context, model string, d dialect, p study.Prompt, onText func(string)) (study.Answer, *failure) {
	own, span := trace.From(ctx).Begin(trace.Client, "chat "+model)
	answer, fail := c.exchange(trace.With(ctx, own), model, d, p, onText)
	endSpan(span, model, answer, fail)
	return answer, fail
}

// exchange is doCall without its span.
func (c *Client) exchange(ctx context.Context, model string, d dialect, p study.Prompt, onText func(string)) (study.Answer, *failure) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := newIdleTimer(func() { cancel(errSilence) }, onText != nil)
	defer idle.stop()

	req, fail := c.newRequest(ctx, model, d, p, onText != nil)
	if fail != nil {
		return study.Answer{}, fail
	}
	idle.start(c.o.FirstByteTimeout)
	resp, err := c.http.Do(req)
	if err != nil {
		return study.Answer{}, ioFailure(ctx, err, tryAgain, study.CodeUpstreamUnavailable, "the AI service cannot be reached")
	}
	defer resp.Body.Close()
	idle.start(c.o.IdleTimeout)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		fail := errorResponse(resp, idle, promptTokens(p))
		if said := fail.report.generated; said != "" && p.JSON { // an answer that the upstream's JSON check rejected
			if onText != nil {
				onText(said)
			}
			return study.Answer{Text: said, Model: model, Cut: study.CutStopped}, nil
		}
		return study.Answer{}, fail
	}
	r := &responseReader{ctx: ctx, o: c.o, idle: idle, onText: onText, promptTokens: promptTokens(p), wantsObject: p.JSON, answer: study.Answer{Model: model},
		body: &boundedReader{r: resp.Body, left: c.o.MaxRawBytes}, size: resp.ContentLength}
	fail = r.readBody(resp.Header)
	if fail != nil {
		r.answer.Text = r.text.String()
	}
	return r.answer, fail
}

// newRequest builds the HTTP request.
func (c *Client) newRequest(ctx context.Context, model string, d dialect, p study.Prompt, stream bool) (*http.Request, *failure) {
	body, err := encodeRequest(model, d, p, stream)
	if err == nil {
		var req *http.Request
		if req, err = http.NewRequestWithContext(ctx, http.MethodPost, c.address.of(model, "chat/completions"), bytes.NewReader(body)); err == nil {
			c.setHeaders(req.Header, stream && !d.has(noStream))
			if traced := trace.From(ctx); traced.Valid() {
				req.Header.Set(trace.Header, traced.String())
			}
			return req, nil
		}
	}
	// The error is not returned: it would quote the URL, which may contain credentials.
	return nil, newFailure(giveUp, errExchange, "the address of the AI service is not valid")
}

func (c *Client) setHeaders(h http.Header, stream bool) {
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json")
	if stream {
		h.Set("Accept", "text/event-stream")
	}
	h.Set("User-Agent", "studysharper")
	c.setKey(h)
}

func (c *Client) setKey(h http.Header) {
	switch {
	case c.o.APIKey == "":
	case c.address.azure:
		h.Set("Api-Key", c.o.APIKey)
	default:
		h.Set("Authorization", "Bearer "+c.o.APIKey)
	}
}

type wireMessage struct {
	Role    string `json:"role"`
	Content any    `json:"content"` // a string, or []wirePart
}

type wirePart struct {
	Type         string            `json:"type"`
	Text         string            `json:"text"`
	CacheControl map[string]string `json:"cache_control,omitempty"`
}

// minCached is the minimum length, in bytes, of a text that Claude caches: about 1,024 tokens.
const minCached = 4096

// markCached marks the stable part of the last turn for Claude's prompt cache, which OpenRouter supports. Other models
// cache prefixes automatically, or not at all.
func markCached(model string, messages []wireMessage, p study.Prompt) {
	turn := p.Turns[len(p.Turns)-1]
	last := &messages[len(messages)-1]
	text, _ := last.Content.(string)
	at := len(text) - (len(turn.Text) - turn.Stable) // the system turn may have been prepended
	if !strings.HasPrefix(model, "anthropic/") || turn.Stable < minCached || at > len(text) {
		return
	}
	last.Content = []wirePart{{Type: "text", Text: text[:at], CacheControl: map[string]string{"type": "ephemeral"}}, {Type: "text", Text: text[at:]}}
}

type wireFormat struct {
	Type   string      `json:"type"`
	Schema *wireSchema `json:"json_schema,omitempty"`
}

type wireSchema struct {
	Name   string          `json:"name"`
	Strict bool            `json:"strict"`
	Schema json.RawMessage `json:"schema"`
}

type wireStreamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type wireRequest struct {
	Model               string             `json:"model"`
	Messages            []wireMessage      `json:"messages"`
	MaxTokens           int                `json:"max_tokens,omitempty"`
	MaxCompletionTokens int                `json:"max_completion_tokens,omitempty"`
	ReasoningEffort     string             `json:"reasoning_effort,omitempty"`
	ResponseFormat      *wireFormat        `json:"response_format,omitempty"`
	Stream              bool               `json:"stream,omitempty"`
	StreamOptions       *wireStreamOptions `json:"stream_options,omitempty"`
}

// encodeRequest encodes p as the body of a chat-completions request.
func encodeRequest(model string, d dialect, p study.Prompt, stream bool) ([]byte, error) {
	req := wireRequest{Model: model, Messages: d.messages(p), Stream: stream && !d.has(noStream)}
	markCached(model, req.Messages, p)
	switch {
	case d.has(noBound):
	case d.has(newBound):
		req.MaxCompletionTokens = max(p.MaxTokens, 0)
	default:
		req.MaxTokens = max(p.MaxTokens, 0)
	}
	if !d.has(noEffort) {
		req.ReasoningEffort = p.Effort
	}
	req.ResponseFormat = d.format(p)
	if req.Stream && !d.has(noStreamOptions) {
		req.StreamOptions = &wireStreamOptions{IncludeUsage: true}
	}
	var buf bytes.Buffer
	size := promptBytes(p)
	if p.Schema != nil {
		size += len(p.Schema.Body)
	}
	buf.Grow(size + size/8 + 512) // enough for most prompts: escaping adds one byte per quote and line end
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // notes are full of < and &, which would take six bytes each
	err := enc.Encode(req)
	return buf.Bytes(), err
}

// format returns the strictest response_format that the model accepts; nil = none.
func (d dialect) format(p study.Prompt) *wireFormat {
	switch {
	case p.Schema != nil && !d.has(noSchema):
		return &wireFormat{Type: "json_schema", Schema: &wireSchema{Name: p.Schema.Name, Strict: true, Schema: p.Schema.Body}}
	case p.JSON && !d.has(noObject):
		return &wireFormat{Type: "json_object"}
	default:
		return nil
	}
}

// promptBytes returns the total length of a prompt's texts.
func promptBytes(p study.Prompt) int {
	size := 0
	for _, t := range p.Turns {
		size += len(t.Text)
	}
	return size
}

// promptTokens is a rough estimate of a prompt's tokens: four bytes each, as in English text.
func promptTokens(p study.Prompt) int { return promptBytes(p) / 4 }
