package openai

import (
	"strings"

	"studysharper/app/study"
)

// addContents adds the text of a choice. In a chunk, a message is the text so far, which a few upstreams send next to
// the delta or at the end.
func (r *responseReader) addContents(c *wireChoice) *failure {
	if !r.streaming {
		for _, texts := range []wireContent{c.Message.Content, c.Delta.Content, wireContent(c.Text)} {
			if fail := r.addWhole(texts); fail != nil || r.text.Len() > 0 {
				return fail
			}
		}
		return r.addObject(&c.Message)
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
	if fail := r.addObject(&c.Delta); fail != nil {
		return fail
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

// addObject adds the requested JSON object if it is not in the text.
func (r *responseReader) addObject(t *wireText) *failure {
	if !r.wantsObject {
		return nil
	}
	if t.Content.isObject() {
		return r.addText(string(t.Content))
	}
	for _, content := range t.arguments() {
		if content.isObject() {
			return r.addText(string(content))
		}
		for piece := range content.texts {
			if !r.streaming {
				return r.addWhole(content)
			}
			if fail := r.addDelta(piece); fail != nil {
				return fail
			}
		}
	}
	return nil
}

// addWhole adds the text of a plain response. Reasoning is removed when the text is complete.
func (r *responseReader) addWhole(texts wireContent) *failure {
	for text := range texts.texts {
		if !text.appendTo(&r.text, r.o.MaxAnswerBytes-r.text.Len()) {
			return r.tooLong()
		}
	}
	return nil
}

// missingEnd returns the part of the whole text that is missing from the text so far.
func missingEnd(whole, sofar string) string {
	if rest, ok := strings.CutPrefix(whole, sofar); ok {
		return rest
	}
	return ""
}

func withheldFailure() *failure {
	return &failure{recovery: giveUp, err: study.Errorf(study.CodeWithheld, "the model withheld its answer")}
}
