package openai

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"studysharper/app/study"
)

const (
	maxModelBytes = 200 // length of the longest model name that is stored
	maxParts      = 64  // parts of a message that are read
	maxChoices    = 2   // choices that are read; a slice could grow to fifty times the bytes of [{},{},…
)

// surelyWhole is the length, in bytes, from which a chunk that repeats the whole text before it is not a coincidence.
const surelyWhole = 32

const starvedMessage = "the model reached its length limit before it wrote an answer"

// responseReader reads one response.
type responseReader struct {
	ctx    context.Context
	o      Options
	body   io.Reader
	size   int64 // of the body before decompression, in bytes; 0 or less = unknown
	idle   *idleTimer
	onText func(string)

	promptTokens int  // an estimate
	wantsObject  bool // the answer must be a JSON object

	text      strings.Builder
	deltas    deltaJoiner
	filter    reasoningFilter
	end       endFilter
	half      []byte       // an incomplete character at the end of the last chunk
	answer    study.Answer // everything but the text
	chunk     wireReply    // reused for each event of a stream
	finished  bool         // the model has finished
	streaming bool         // the body is an event stream
	badLines  int          // consecutive events that were not JSON
}

// readBody detects the kind of body from its beginning: the content type is often wrong or missing, and some upstreams
// stream unasked or answer a streaming request with one JSON body.
func (r *responseReader) readBody(h http.Header) *failure {
	buffered := readers.Get().(*bufio.Reader)
	buffered.Reset(r.body)
	defer func() {
		buffered.Reset(nil)
		readers.Put(buffered)
	}()
	body := buffered
	if unzipped, err := decompressed(body, h.Get("Content-Encoding")); err != nil {
		return r.bodyFailure(err)
	} else if unzipped != nil {
		body, r.size = bufio.NewReaderSize(&boundedReader{r: unzipped, left: r.o.MaxRawBytes}, firstBytes), 0
	}
	r.body = body
	first, err := skipBlank(body)
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return r.bodyFailure(err)
	case first == '{', first == '[':
		return r.readJSON()
	case first == '<':
		return webPageFailure()
	case kind == "text/event-stream", err == nil && beginsEvents(body):
		return r.readEvents()
	default:
		return newFailure(tryAgain, nil, "the AI service sent an invalid response: not JSON").markUnhealthy()
	}
}

// readJSON reads one JSON body. Some upstreams put it into a list, or send the chunks of a stream as lines without a
// field name.
func (r *responseReader) readJSON() *failure {
	body, err := readAll(r.body, r.size, r.o.MaxRawBytes)
	if err != nil {
		return r.bodyFailure(err)
	}
	onText := r.onText
	r.onText = nil // the whole text is shown at once, below
	fail := r.addBody(body)
	if r.onText = onText; fail == nil && onText != nil {
		onText(r.answer.Text)
	}
	return fail
}

// addBody adds a plain response, or the content of a body of another shape.
func (r *responseReader) addBody(body []byte) *failure {
	var replies [1]wireReply
	into := any(&replies[0])
	if bytes.HasPrefix(body, []byte("[")) {
		into = &replies
	}
	if json.Unmarshal(body, into) != nil {
		if !r.addDocuments(body) {
			return newFailure(tryAgain, nil, "the AI service sent an invalid response: not JSON").markUnhealthy()
		}
		return r.finishText()
	}
	fail := r.addReply(&replies[0])
	if fail == nil && r.text.Len() == 0 && !r.finished {
		if fail = r.addOther(body); fail == nil && r.text.Len() == 0 && r.answer.PromptTokens > 0 {
			return newFailure(tryAgain, nil, "the model gave no answer; the AI service may have blocked the request")
		}
	}
	if fail == nil {
		fail = r.finishText()
	}
	return fail
}

// addReply adds a plain response or a chunk to the answer.
func (r *responseReader) addReply(reply *wireReply) *failure {
	if fail := r.errorIn(reply.Error); fail != nil {
		return fail
	}
	r.addModel(reply.Model)
	reply.Usage.addTo(&r.answer)
	index := wireNumber(0)
	if !r.streaming {
		index = reply.Choices[0].Index // some upstreams count from 1
	}
	for i := range reply.Choices {
		if reply.Choices[i].Index != index {
			continue
		}
		if fail := r.addChoice(&reply.Choices[i]); fail != nil {
			return fail
		}
	}
	return nil
}

// errorIn returns the failure that an error object describes; nil if there is none, or if the answer was already
// complete.
func (r *responseReader) errorIn(object rawValue) *failure {
	if r.finished && r.text.Len() > 0 {
		return nil
	}
	fail := errorIn(object, r.promptTokens)
	if fail != nil {
		fail.recovery = r.unlessShown(fail.recovery)
	}
	return fail
}

// addModel stores the model's own name, unless it is too long or equals the requested name.
func (r *responseReader) addModel(name jsonString) {
	var b strings.Builder
	if !name.isEmpty() && !name.equals(r.answer.Model) && name.appendTo(&b, maxModelBytes) {
		r.answer.Model = b.String()
	}
}

// addChoice adds the text of a choice and reads its finish_reason.
func (r *responseReader) addChoice(c *wireChoice) *failure {
	if fail := r.errorIn(c.Error); fail != nil {
		return fail
	}
	if fail := r.addContents(c); fail != nil {
		return fail
	}
	if !c.Message.Refusal.isEmpty() || !c.Delta.Refusal.isEmpty() {
		return withheldFailure()
	}
	end := readFinish(c.FinishReason)
	if end == goingOn && readFinish(c.NativeFinish) == finishWithheld {
		end = finishWithheld
	}
	switch end {
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

// addDelta adds a piece of a stream.
func (r *responseReader) addDelta(piece jsonString) *failure {
	piece, r.half = piece.splitHalf(r.half)
	decoded, ok := piece.decode(r.o.MaxAnswerBytes)
	if !ok {
		return r.tooLong()
	}
	if len(decoded) >= surelyWhole && len(decoded) == r.text.Len() && decoded == r.text.String() {
		return nil // a last chunk that repeats the whole text
	}
	return r.addText(r.deltas.add(decoded))
}

// addText appends the part of a piece that belongs to the answer, within the limit, and passes it to onText.
func (r *responseReader) addText(piece string) *failure {
	return r.append(r.end.add(r.filter.add(strings.ReplaceAll(piece, "\x00", ""))))
}

// append appends a piece of the answer, without filtering.
func (r *responseReader) append(piece string) *failure {
	if piece == "" {
		return nil
	}
	if len(piece) > r.o.MaxAnswerBytes-r.text.Len() {
		return r.tooLong()
	}
	r.text.WriteString(piece)
	r.show(piece)
	return nil
}

// finishText completes the answer's text. It fails if there is none.
func (r *responseReader) finishText() *failure {
	if fail := r.addText(r.deltas.finish()); fail != nil {
		return fail
	}
	text := r.text.String()
	if !r.streaming {
		text = r.end.add(strings.ReplaceAll(r.filter.add(text), "\x00", "")) + r.end.finish()
	} else {
		if fail := r.append(r.end.add(r.filter.finish()) + r.end.finish()); fail != nil {
			return fail
		}
		text = r.text.String()
	}
	r.answer.Text = withoutUntagged(text)
	if strings.TrimSpace(r.answer.Text) != "" {
		return nil
	}
	fail := newFailure(r.unlessShown(tryAgain), nil, "the model answered without text")
	if r.answer.Cut == study.CutLength {
		fail.err.Message = starvedMessage
		fail.starved = true
	}
	return fail
}

func (r *responseReader) show(piece string) {
	if r.onText != nil {
		r.onText(piece)
	}
}

func (r *responseReader) tooLong() *failure {
	return newFailure(r.unlessShown(nextModel), nil, "the model's answer is too long")
}

// bodyFailure classifies an error while reading the body.
func (r *responseReader) bodyFailure(err error) *failure {
	fail := ioFailure(r.ctx, err, tryAgain, study.CodeUpstreamFailed, "the model's answer was cut off")
	if errors.Is(err, errRawBytes) || errors.Is(err, errLongLine) {
		fail = newFailure(nextModel, safeCause(err), "the model's answer is too long")
	}
	fail.recovery = r.unlessShown(fail.recovery)
	return fail
}

// unlessShown returns n, or giveUp if text has been shown, because it cannot be taken back.
func (r *responseReader) unlessShown(n recovery) recovery {
	if r.onText != nil && r.text.Len() > 0 {
		return giveUp
	}
	return n
}
