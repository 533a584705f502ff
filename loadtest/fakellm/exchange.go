package fakellm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Ways in which an exchange ends, other than successfully or because the caller disconnects.
var (
	errAbort     = errors.New("cut off by the rule")              // abort the handler
	errTakenOver = errors.New("connection taken from the server") // the connection is closed already
)

// exchange is one call being answered. Its methods return an error if the answer must not be continued.
type exchange struct {
	w       http.ResponseWriter
	ctx     context.Context
	req     Request
	rule    Rule
	text    string // the answer
	id      string
	created int64
	echo    string // the caller's key and prompt
}

// wait waits, and returns an error if the caller disconnects first.
func (e *exchange) wait(d time.Duration) error {
	if d <= 0 {
		return e.ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-e.ctx.Done():
		return e.ctx.Err()
	}
}

// hang waits until the caller disconnects.
func (e *exchange) hang() error {
	<-e.ctx.Done()
	return e.ctx.Err()
}

// answer answers without a fault.
func (e *exchange) answer() error {
	if !e.req.Stream {
		return e.plain(e.text, e.reason())
	}
	return e.stream(nil)
}

// plain answers with one JSON body.
func (e *exchange) plain(text, finish string) error {
	body, err := e.plainBody(text, finish)
	if err != nil {
		return err
	}
	e.w.Header().Set("Content-Type", "application/json")
	e.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, err = e.w.Write(body)
	return err
}

func (e *exchange) plainBody(text, finish string) ([]byte, error) {
	return json.Marshal(completion{ID: e.id, Object: "chat.completion", Created: e.created, Model: e.req.Model,
		Choices: []choice{{Message: message{Role: "assistant", Content: &text}, FinishReason: finish}},
		Usage:   e.usage(text)})
}

// stream answers with an event stream. midway, if not nil, is called once after Rule.AfterTokens
// tokens (or after the last, if there are fewer); its error ends the stream there.
func (e *exchange) stream(midway func() error) error {
	if err := e.openStream(); err != nil {
		return err
	}
	for i, token := range Tokens(e.text) {
		if i == e.rule.AfterTokens && midway != nil {
			if err := midway(); err != nil {
				return err
			}
			midway = nil
		}
		if err := e.token(i, token); err != nil {
			return err
		}
	}
	if midway != nil {
		if err := midway(); err != nil {
			return err
		}
	}
	return e.finish(e.reason())
}

// reason returns the finish_reason of an answer.
func (e *exchange) reason() string { return cmp.Or(e.rule.Finish, "stop") }

// openStream sends the headers and the comment lines.
func (e *exchange) openStream() error {
	e.w.Header().Set("Content-Type", "text/event-stream")
	e.w.Header().Set("Cache-Control", "no-cache")
	if err := e.write(""); err != nil {
		return err
	}
	for range e.rule.Comments {
		if err := e.pause(); err != nil {
			return err
		}
		if err := e.write(": OPENROUTER PROCESSING\n\n"); err != nil {
			return err
		}
	}
	return nil
}

// token sends token number i, the first with the role.
func (e *exchange) token(i int, token string) error {
	if err := e.pause(); err != nil {
		return err
	}
	c := chunkChoice{Delta: delta{Content: token}}
	if i == 0 {
		c.Delta.Role = "assistant"
	}
	return e.chunk([]chunkChoice{c}, nil)
}

// pause waits until the next token is due.
func (e *exchange) pause() error {
	if e.rule.TokensPerSecond <= 0 {
		return e.ctx.Err()
	}
	return e.wait(time.Duration(float64(time.Second) / e.rule.TokensPerSecond))
}

// finish ends a streamed answer: the finish reason, the usage, and [DONE] unless the rule omits it.
func (e *exchange) finish(reason string) error {
	if err := e.chunk([]chunkChoice{{FinishReason: &reason}}, nil); err != nil {
		return err
	}
	if e.req.StreamOptions.IncludeUsage {
		cost := e.usage(e.text)
		if err := e.chunk([]chunkChoice{}, &cost); err != nil {
			return err
		}
	}
	switch e.rule.Fault {
	case NoDone:
		return nil
	case HangAtEnd:
		return e.hang()
	default:
		return e.write("data: [DONE]\n\n")
	}
}

// chunk sends one event.
func (e *exchange) chunk(choices []chunkChoice, cost *usage) error {
	return e.event(chunk{ID: e.id, Object: "chat.completion.chunk", Created: e.created, Model: e.req.Model,
		Choices: choices, Usage: cost})
}

func (e *exchange) event(body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return e.write("data: " + string(data) + "\n\n")
}

// write sends text and flushes it.
func (e *exchange) write(text string) error {
	if _, err := io.WriteString(e.w, text); err != nil {
		return err
	}
	return http.NewResponseController(e.w).Flush()
}

// usage counts words as tokens.
func (e *exchange) usage(text string) usage {
	u := usage{CompletionTokens: len(Tokens(text)), Cost: e.rule.Cost}
	for _, m := range e.req.Messages {
		u.PromptTokens += len(Tokens(m.Content))
	}
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	return u
}

// Tokens splits text as a stream sends it: words, each with the space after it. Joined, they are the text.
func Tokens(text string) []string {
	if text == "" {
		return nil
	}
	parts := strings.SplitAfter(text, " ")
	if parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}
