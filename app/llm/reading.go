package llm

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
	maxBadLines   = 3                      // lines of a stream that are no JSON, before it is given up
	usageGrace    = 2 * time.Second        // for the usage and [DONE] after an answer has finished
	endGrace      = 100 * time.Millisecond // for the end of the body after [DONE]
	maxModelBytes = 200                    // of a model's name for itself
	lineSlack     = 64 << 10               // of a stream's line, over the bound of its text
	firstBytes    = 4 << 10                // of a plain answer's buffer at first
	growBytes     = 512 << 10              // of one that still grows by doubling
)

// readAll reads to the end of r, which fails where more than limit bytes come. It holds
// little more than limit: the buffer doubles while it is small, and then has its bound at
// once, because a large one would be held twice while it grows.
func readAll(r io.Reader, limit int) ([]byte, error) {
	buf := make([]byte, 0, min(firstBytes, limit+1))
	for {
		if len(buf) == cap(buf) {
			size := min(2*cap(buf), limit+1)
			if size > growBytes {
				size = limit + 1
			}
			buf = append(make([]byte, 0, size), buf...)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

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
	chunk    wireReply    // used again for each event of a stream
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
		return failed(tryAgain, nil, "the model's API answered with something that is no event stream").sick()
	}
}

// plain reads one JSON body. A stream that was asked for may come as one.
func (r *reading) plain() *failure {
	body, err := readAll(r.body, r.o.MaxRawBytes)
	if err != nil {
		return r.broken(err)
	}
	var reply wireReply
	if json.Unmarshal(body, &reply) != nil {
		return failed(tryAgain, nil, "the model's API answered with something that is no JSON").sick()
	}
	if fail := r.take(&reply); fail != nil {
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
	r.chunk = wireReply{}
	if json.Unmarshal(data, &r.chunk) != nil {
		if r.bad++; r.bad > maxBadLines {
			return failed(r.retry(tryAgain), nil, "the model's API sent a stream that is no JSON").sick()
		}
		return nil
	}
	return r.take(&r.chunk)
}

// take adds what a plain answer or a chunk brings.
func (r *reading) take(reply *wireReply) *failure {
	if status, ok := errorStatus(reply.Error); ok {
		d := readDetails(reply.Error, time.Now())
		fail := d.failure(status, d.reset)
		fail.next = r.retry(fail.next)
		return fail
	}
	r.takeModel(reply.Model)
	if n := reply.Usage.tokens(); n > 0 {
		r.answer.Tokens = n
	}
	for i := range reply.Choices {
		if reply.Choices[i].Index != 0 {
			continue
		}
		if fail := r.choice(&reply.Choices[i]); fail != nil {
			return fail
		}
	}
	return nil
}

// takeModel keeps the model's name for itself, unless it is very long or what we know.
func (r *reading) takeModel(name quoted) {
	var b strings.Builder
	if !name.empty() && !name.is(r.answer.Model) && name.appendTo(&b, maxModelBytes) {
		r.answer.Model = b.String()
	}
}

// choice adds a piece of text and learns whether it was the last.
func (r *reading) choice(c *wireChoice) *failure {
	for _, piece := range [...]quoted{c.Message.Content, c.Delta.Content} {
		if fail := r.say(piece); fail != nil {
			return fail
		}
	}
	if !c.Message.Refusal.empty() || !c.Delta.Refusal.empty() {
		return withheldByModel()
	}
	switch end := readFinish(c.FinishReason); end {
	case goingOn:
	case finishFailed:
		return failed(r.retry(tryAgain), nil, "the model failed while answering").sick()
	case finishWithheld:
		return withheldByModel()
	default:
		r.finished, r.answer.Cut = true, cmp.Or(finishCuts[end], r.answer.Cut)
	}
	return nil
}

func withheldByModel() *failure {
	return &failure{next: giveUp, err: study.Errorf(study.CodeWithheld, "the model withheld its answer")}
}

// say adds a piece of text, if there is room for it, and shows it.
func (r *reading) say(piece quoted) *failure {
	if piece.empty() {
		return nil
	}
	before := r.text.Len()
	if !piece.appendTo(&r.text, r.o.MaxAnswerBytes-before) {
		return failed(r.retry(nextModel), nil, "the model's answer is longer than we take")
	}
	if r.onText != nil {
		r.onText(r.text.String()[before:])
	}
	return nil
}

// whole accepts an answer that has come to its end, unless it is empty.
func (r *reading) whole() *failure {
	if strings.TrimSpace(r.text.String()) != "" {
		return nil
	}
	if r.answer.Cut == study.CutLength {
		return failed(r.retry(tryAgain), nil, "the model reached its length limit before it wrote an answer")
	}
	return failed(r.retry(tryAgain), nil, "the model answered without text")
}

// ended judges the end of a stream without [DONE]. After the model said it was
// done, nothing is missing but perhaps the usage. A body that ends in good order
// without that word may lack its end: the text counts, but not as whole.
func (r *reading) ended(err error) *failure {
	callerLeft := r.ctx.Err() != nil && !errors.Is(context.Cause(r.ctx), errSilence)
	switch {
	case callerLeft:
		return r.broken(err)
	case r.finished:
		return r.whole()
	case errors.Is(err, io.EOF) && r.text.Len() > 0:
		r.answer.Cut = study.CutStopped
		return r.whole()
	default:
		return r.broken(err)
	}
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
