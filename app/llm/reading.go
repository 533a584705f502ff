package llm

import (
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
	maxBadLines   = 3                      // lines of a stream that are no JSON, before it is given up
	usageGrace    = 2 * time.Second        // for the usage and [DONE] after an answer has finished
	endGrace      = 100 * time.Millisecond // for the end of the body after [DONE]
	maxModelBytes = 200                    // of a model's name for itself
	lineSlack     = 64 << 10               // of a stream's line, over the bound of its text
)

// boundedReader fails with errRawBytes where more than left bytes come.
type boundedReader struct {
	r    io.Reader
	left int
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p[:min(len(p), b.left+1)])
	if n > b.left {
		return 0, errRawBytes
	}
	b.left -= n
	return n, err
}

// reading is one answer being read.
type reading struct {
	ctx    context.Context
	o      Options
	body   io.Reader
	watch  *watch
	onText func(string)

	text     strings.Builder
	answer   study.Answer // all but its text
	finished bool         // the model said that it is done
	bad      int          // lines that were no JSON
}

// read reads the body as what it says it is.
func (r *reading) read(h http.Header) *failure {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type")) // unreadable: neither of the two below
	switch {
	case r.onText == nil, kind == "application/json":
		return r.plain()
	case kind == "text/event-stream":
		return r.stream()
	default:
		return failed(tryAgain, nil, "the model's API answered with something that is no event stream")
	}
}

// plain reads one JSON body. A stream that was asked for may come as one.
func (r *reading) plain() *failure {
	raw, err := io.ReadAll(r.body)
	if err != nil {
		return r.broken(err)
	}
	var reply wireReply
	if json.Unmarshal(raw, &reply) != nil {
		return failed(tryAgain, nil, "the model's API answered with something that is no JSON")
	}
	if fail := r.take(reply); fail != nil {
		return fail
	}
	return r.whole()
}

// stream reads events until [DONE], the end of the body or a failure.
func (r *reading) stream() *failure {
	lines := newDataReader(r.body, r.o.MaxAnswerBytes+lineSlack)
	for {
		r.allowNext()
		data, err := lines.next()
		r.watch.rest()
		switch {
		case err != nil:
			return r.ended(err)
		case string(data) == "[DONE]":
			r.drain()
			r.finished = true
			return r.whole()
		case len(data) == 0:
			continue
		}
		if fail := r.event(data); fail != nil {
			return fail
		}
	}
}

func (r *reading) allowNext() {
	if r.finished {
		r.watch.allow(min(usageGrace, r.o.IdleTimeout))
		return
	}
	r.watch.allow(r.o.IdleTimeout)
}

// event takes the data of one event; a few that are no JSON are passed over.
func (r *reading) event(data []byte) *failure {
	var reply wireReply
	if json.Unmarshal(data, &reply) != nil {
		if r.bad++; r.bad > maxBadLines {
			return failed(r.retry(tryAgain), nil, "the model's API sent a stream that is no JSON")
		}
		return nil
	}
	return r.take(reply)
}

// take adds what a plain answer or a chunk brings.
func (r *reading) take(reply wireReply) *failure {
	if status, ok := errorStatus(reply.Error); ok {
		fail := statusFailure(status, 0)
		fail.next = r.retry(fail.next)
		return fail
	}
	if reply.Model != "" && len(reply.Model) <= maxModelBytes {
		r.answer.Model = reply.Model
	}
	if n := reply.Usage.tokens(); n > 0 {
		r.answer.Tokens = n
	}
	for _, choice := range reply.Choices {
		if choice.Index != 0 {
			continue
		}
		if fail := r.choice(choice); fail != nil {
			return fail
		}
	}
	return nil
}

// choice adds a piece of text and learns whether it was the last.
func (r *reading) choice(c wireChoice) *failure {
	if piece := c.Message.Content + c.Delta.Content; piece != "" {
		if r.text.Len()+len(piece) > r.o.MaxAnswerBytes {
			return failed(r.retry(nextModel), nil, "the model's answer is longer than we take")
		}
		r.text.WriteString(piece)
		if r.onText != nil {
			r.onText(piece)
		}
	}
	switch {
	case c.FinishReason == "error":
		return failed(r.retry(tryAgain), nil, "the model failed while answering")
	case c.FinishReason == "content_filter", c.Message.Refusal+c.Delta.Refusal != "":
		return &failure{next: giveUp, err: study.Errorf(study.CodeWithheld, "the model withheld its answer")}
	case c.FinishReason != "":
		r.finished = true
	}
	return nil
}

// whole accepts an answer that has come to its end, unless it is empty.
func (r *reading) whole() *failure {
	if strings.TrimSpace(r.text.String()) == "" {
		return failed(r.retry(tryAgain), nil, "the model answered without text")
	}
	return nil
}

// ended judges the end of a stream without [DONE]. After the model said it was
// done, nothing is missing but perhaps the usage.
func (r *reading) ended(err error) *failure {
	callerLeft := r.ctx.Err() != nil && !errors.Is(context.Cause(r.ctx), errSilence)
	if r.finished && !callerLeft {
		return r.whole()
	}
	return r.broken(err)
}

// broken judges a body that could not be read to its end.
func (r *reading) broken(err error) *failure {
	fail := ioFailure(r.ctx, err, tryAgain, study.CodeUpstreamFailed, "the model's answer broke off")
	if errors.Is(err, errRawBytes) || errors.Is(err, errLongLine) {
		fail = failed(nextModel, harmless(err), "the model's answer is longer than we take")
	}
	fail.next = r.retry(fail.next)
	return fail
}

// retry is n as long as no text has been shown to anyone.
func (r *reading) retry(n next) next {
	if r.onText != nil && r.text.Len() > 0 {
		return giveUp
	}
	return n
}

// drain reads the end of the body, without which the connection could not be used
// again; an upstream that keeps it open is not waited for.
func (r *reading) drain() {
	r.watch.allow(endGrace)
	_, _ = io.CopyN(io.Discard, r.body, 4<<10) // the answer is whole either way
	r.watch.rest()
}
