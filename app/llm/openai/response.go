package openai

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
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
	maxModelBytes = 200 // longest model name that is kept
	maxParts      = 64  // parts of a message that are read
	maxChoices    = 2   // choices that are read; a slice could grow to fifty times the bytes of [{},{},…
)

const starvedMessage = "the model reached its length limit before it wrote an answer"

// responseReader reads one response.
type responseReader struct {
	ctx    context.Context
	o      Options
	body   io.Reader
	idle   *idleTimer
	onText func(string)

	promptTokens int // an estimate

	text      strings.Builder
	deltas    deltaJoiner
	filter    reasoningFilter
	half      []byte       // of a surrogate pair, cut off by the end of a chunk
	answer    study.Answer // everything but the text
	chunk     wireReply    // reused for each event of a stream
	finished  bool         // the model has said that it is done
	streaming bool         // the body is an event stream
	badLines  int          // lines that were not JSON
}

// readBody reads the body as what it is: the content type is often wrong or missing, and some
// upstreams stream unasked or answer a request for a stream with one JSON body.
func (r *responseReader) readBody(h http.Header) *failure {
	if strings.EqualFold(h.Get("Content-Encoding"), "gzip") { // unasked
		unzipped, err := gzip.NewReader(r.body)
		if err != nil {
			return r.bodyFailure(err)
		}
		r.body = &boundedReader{r: unzipped, left: r.o.MaxRawBytes}
	}
	body := bufio.NewReaderSize(r.body, firstBytes)
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

// readJSON reads one JSON body; some upstreams put it into a list.
func (r *responseReader) readJSON() *failure {
	body, err := readAll(r.body, r.o.MaxRawBytes)
	if err != nil {
		return r.bodyFailure(err)
	}
	var replies [1]wireReply
	into := any(&replies[0])
	if bytes.HasPrefix(body, []byte("[")) {
		into = &replies
	}
	if json.Unmarshal(body, into) != nil {
		return newFailure(tryAgain, nil, "the AI service sent an invalid response: not JSON").markUnhealthy()
	}
	onText := r.onText
	r.onText = nil // it is shown at once
	fail := r.addReply(&replies[0])
	if fail == nil {
		fail = r.finishText()
	}
	if r.onText = onText; fail == nil && onText != nil {
		onText(r.answer.Text)
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

// errorIn returns the failure that an error object stands for; nil if there is none.
func (r *responseReader) errorIn(object rawValue) *failure {
	fail := errorIn(object, r.promptTokens)
	if fail != nil {
		fail.recovery = r.unlessShown(fail.recovery)
	}
	return fail
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
	if fail := r.errorIn(c.Error); fail != nil {
		return fail
	}
	if fail := r.addContents(c); fail != nil {
		return fail
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

// addContents adds the text of a choice. A chunk's message is the text so far, which a few
// upstreams send beside the piece or at last.
func (r *responseReader) addContents(c *wireChoice) *failure {
	if !r.streaming {
		for _, texts := range []wireContent{c.Message.Content, c.Delta.Content, wireContent(c.Text)} {
			if fail := r.addWhole(texts); fail != nil || r.text.Len() > 0 {
				return fail
			}
		}
		return nil
	}
	found := false
	for _, pieces := range []wireContent{c.Delta.Content, wireContent(c.Text)} {
		for piece := range pieces.texts {
			found = found || !piece.isEmpty()
			if fail := r.addDelta(piece); fail != nil {
				return fail
			}
		}
	}
	if found {
		return nil
	}
	for whole := range c.Message.Content.texts {
		text, ok := whole.decode(r.o.MaxAnswerBytes)
		if !ok {
			return r.tooLong()
		}
		return r.addText(missingEnd(text, r.text.String()))
	}
	return nil
}

// addWhole adds the text of a plain response. Reasoning is taken off when it is complete.
func (r *responseReader) addWhole(texts wireContent) *failure {
	for text := range texts.texts {
		if !text.appendTo(&r.text, r.o.MaxAnswerBytes-r.text.Len()) {
			return r.tooLong()
		}
	}
	return nil
}

// missingEnd returns what the text so far lacks of the whole.
func missingEnd(whole, sofar string) string {
	if rest, ok := strings.CutPrefix(whole, sofar); ok {
		return rest
	}
	return ""
}

func withheldFailure() *failure {
	return &failure{recovery: giveUp, err: study.Errorf(study.CodeWithheld, "the model withheld its answer")}
}

// addDelta adds a piece of a stream.
func (r *responseReader) addDelta(piece jsonString) *failure {
	piece, r.half = piece.splitHalf(r.half)
	decoded, ok := piece.decode(r.o.MaxAnswerBytes)
	if !ok {
		return r.tooLong()
	}
	return r.addText(r.deltas.add(decoded))
}

// addText appends what of a piece is answer, within the limit, and passes it to onText.
func (r *responseReader) addText(piece string) *failure {
	piece = r.filter.add(strings.ReplaceAll(piece, "\x00", ""))
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
		text = strings.ReplaceAll(r.filter.add(text), "\x00", "")
	} else if end := r.filter.finish(); end != "" {
		r.text.WriteString(end)
		text = r.text.String()
		r.show(end)
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
