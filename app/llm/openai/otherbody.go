package openai

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// decompressed returns a reader for a body that is compressed although that was not requested, with or without a header
// that says so; nil if it is not compressed.
func decompressed(body *bufio.Reader, encoding string) (io.Reader, error) {
	start, _ := body.Peek(2) // a shorter body is not compressed
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return gzip.NewReader(body)
	case !strings.EqualFold(encoding, "deflate"):
		return nil, nil //nolint:nilnil // documented
	case len(start) > 0 && start[0] == 0x78:
		return zlib.NewReader(body)
	default:
		return flate.NewReader(body), nil
	}
}

// addDocuments adds the content of a body that is not valid JSON as a whole: a document with text after it, or the
// chunks of a stream, one after the other. It reports whether there was a document.
func (r *responseReader) addDocuments(body []byte) bool {
	if json.Valid(body) {
		return r.addOther(body) == nil && r.text.Len() > 0
	}
	d := json.NewDecoder(bytes.NewReader(body))
	for n := 0; ; n++ {
		var raw rawDocument
		if d.Decode(&raw) != nil {
			return n > 0
		}
		reply := &wireReply{}
		if json.Unmarshal(raw, reply) != nil {
			return n > 0
		}
		if n == 0 {
			r.streaming = len(reply.Choices[0].Delta.Content) > 0
		} else if !r.streaming {
			return true
		}
		if r.addReply(reply) != nil {
			return false
		}
	}
}

// rawDocument is a copy of a JSON value, because the decoder reuses its buffer.
type rawDocument []byte

// UnmarshalJSON copies the value.
func (d *rawDocument) UnmarshalJSON(value []byte) error {
	*d = bytes.Clone(value)
	return nil
}

// otherBody is a body of another shape: a response inside an object, one choice that is not in a list, or an error
// without a field of its own.
type otherBody struct {
	Choices  rawValue `json:"choices"`
	Data     rawValue `json:"data"`
	Result   rawValue `json:"result"`
	Response rawValue `json:"response"`
	Feedback struct {
		Reason jsonString `json:"block_reason"`
	} `json:"prompt_feedback"`
	FeedbackToo struct {
		Reason jsonString `json:"blockReason"`
	} `json:"promptFeedback"`
}

// errorFields are fields that only errors have.
var errorFields = []string{"message", "msg", "detail", "errors", "error_code", "error_msg", "base_resp", "status_msg"}

// addOther looks for an answer or an error in a body without choices.
func (r *responseReader) addOther(body []byte) *failure {
	var other otherBody
	if json.Unmarshal(body, &other) != nil {
		return nil
	}
	if !other.Feedback.Reason.isEmpty() || !other.FeedbackToo.Reason.isEmpty() {
		return withheldFailure()
	}
	var texts [1]struct{ Message jsonString }
	if json.Unmarshal(other.Choices, &texts) == nil && !texts[0].Message.isEmpty() { // a text instead of a message
		return r.addWhole(wireContent(texts[0].Message))
	}
	if bytes.HasPrefix(other.Choices, []byte("{")) {
		var only wireChoice
		if json.Unmarshal(other.Choices, &only) == nil {
			return r.addChoice(&only)
		}
	}
	for _, inside := range []rawValue{other.Data, other.Result, other.Response} {
		var reply wireReply
		if bytes.HasPrefix(inside, []byte("{")) && json.Unmarshal(inside, &reply) == nil {
			if fail := r.addReply(&reply); fail != nil || r.text.Len() > 0 {
				return fail
			}
		}
	}
	var fields map[string]rawValue
	if json.Unmarshal(body, &fields) == nil && slices.ContainsFunc(errorFields, func(name string) bool { return len(fields[name]) > 0 }) {
		return r.errorIn(body)
	}
	return nil
}
