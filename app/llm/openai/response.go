package openai

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"studysharper/app/study"
)

const (
	maxModelBytes = 200 // longest model name that is kept
	maxChoices    = 2   // choices that are read; a slice could grow to fifty times the bytes of [{},{},…
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
	Index        int        `json:"index"`
	Message      wireText   `json:"message"` // in a plain response
	Delta        wireText   `json:"delta"`   // in a chunk of a stream
	FinishReason jsonString `json:"finish_reason"`
}

type wireText struct {
	Content jsonString `json:"content"`
	Refusal jsonString `json:"refusal"`
}

type wireUsage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// tokens returns the total of a call; 0 if the upstream did not say.
func (u wireUsage) tokens() int {
	if u.TotalTokens > 0 {
		return u.TotalTokens
	}
	return max(u.PromptTokens, 0) + max(u.CompletionTokens, 0)
}

// responseReader reads one response.
type responseReader struct {
	ctx    context.Context
	o      Options
	body   io.Reader
	idle   *idleTimer
	onText func(string)

	text     strings.Builder
	answer   study.Answer // everything but the text
	chunk    wireReply    // reused for each event of a stream
	finished bool         // the model has said that it is done
	badLines int          // lines that were not JSON
}

// readBody reads the body according to its content type.
func (r *responseReader) readBody(h http.Header) *failure {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type")) // an invalid type is neither of the two below
	switch {
	case r.onText == nil, kind == "application/json":
		return r.readJSON()
	case kind == "text/event-stream":
		return r.readEvents()
	default:
		return newFailure(tryAgain, nil, "the AI service sent an invalid response: not an event stream").markUnhealthy()
	}
}

// readJSON reads one JSON body. Some upstreams answer a request for a stream with one.
func (r *responseReader) readJSON() *failure {
	body, err := readAll(r.body, r.o.MaxRawBytes)
	if err != nil {
		return r.bodyFailure(err)
	}
	var reply wireReply
	if json.Unmarshal(body, &reply) != nil {
		return newFailure(tryAgain, nil, "the AI service sent an invalid response: not JSON").markUnhealthy()
	}
	if fail := r.addReply(&reply); fail != nil {
		return fail
	}
	return r.requireText()
}

// addReply adds a plain response or a chunk to the answer.
func (r *responseReader) addReply(reply *wireReply) *failure {
	if status, ok := errorStatus(reply.Error); ok {
		d := readDetails(reply.Error, time.Now())
		fail := d.statusFailure(status, d.reset)
		fail.recovery = r.unlessShown(fail.recovery)
		return fail
	}
	r.addModel(reply.Model)
	if n := reply.Usage.tokens(); n > 0 {
		r.answer.Tokens = n
	}
	for i := range reply.Choices {
		if reply.Choices[i].Index != 0 {
			continue
		}
		if fail := r.addChoice(&reply.Choices[i]); fail != nil {
			return fail
		}
	}
	return nil
}

// addModel keeps the name that the model gives itself, unless it is too long or the one asked for.
func (r *responseReader) addModel(name jsonString) {
	var b strings.Builder
	if !name.isEmpty() && !name.equals(r.answer.Model) && name.appendTo(&b, maxModelBytes) {
		r.answer.Model = b.String()
	}
}

// addChoice adds the text of a choice and reads its finish_reason.
func (r *responseReader) addChoice(c *wireChoice) *failure {
	for _, piece := range [...]jsonString{c.Message.Content, c.Delta.Content} {
		if fail := r.addText(piece); fail != nil {
			return fail
		}
	}
	if !c.Message.Refusal.isEmpty() || !c.Delta.Refusal.isEmpty() {
		return withheldFailure()
	}
	switch end := readFinish(c.FinishReason); end {
	case goingOn:
	case finishFailed:
		return newFailure(r.unlessShown(tryAgain), nil, "the model failed while answering").markUnhealthy()
	case finishWithheld:
		return withheldFailure()
	default:
		r.finished, r.answer.Cut = true, cmp.Or(finishCuts[end], r.answer.Cut)
	}
	return nil
}

func withheldFailure() *failure {
	return &failure{recovery: giveUp, err: study.Errorf(study.CodeWithheld, "the model withheld its answer")}
}

// addText appends a piece of text within the limit and passes it to onText.
func (r *responseReader) addText(piece jsonString) *failure {
	if piece.isEmpty() {
		return nil
	}
	before := r.text.Len()
	if !piece.appendTo(&r.text, r.o.MaxAnswerBytes-before) {
		return newFailure(r.unlessShown(nextModel), nil, "the model's answer is too long")
	}
	if r.onText != nil {
		r.onText(r.text.String()[before:])
	}
	return nil
}

// requireText fails if the finished answer has no text.
func (r *responseReader) requireText() *failure {
	if strings.TrimSpace(r.text.String()) != "" {
		return nil
	}
	if r.answer.Cut == study.CutLength {
		return newFailure(r.unlessShown(tryAgain), nil, "the model reached its length limit before it wrote an answer")
	}
	return newFailure(r.unlessShown(tryAgain), nil, "the model answered without text")
}

// bodyFailure classifies an error of reading the body.
func (r *responseReader) bodyFailure(err error) *failure {
	fail := ioFailure(r.ctx, err, tryAgain, study.CodeUpstreamFailed, "the model's answer was cut off")
	if errors.Is(err, errRawBytes) || errors.Is(err, errLongLine) {
		fail = newFailure(nextModel, safeCause(err), "the model's answer is too long")
	}
	fail.recovery = r.unlessShown(fail.recovery)
	return fail
}

// unlessShown returns n, or giveUp once text has been shown: it cannot be taken back.
func (r *responseReader) unlessShown(n recovery) recovery {
	if r.onText != nil && r.text.Len() > 0 {
		return giveUp
	}
	return n
}
