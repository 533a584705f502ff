package upstreamtest

import (
	"bytes"
	"slices"
	"strings"

	"studysharper/app/study"
)

// Case is a behaviour in response to a request of one type.
type Case struct {
	Behaviour string
	Type      study.Type
	Stream    bool   // the body is a stream
	Recorded  bool   // the bytes are a recording
	Usual     bool   // the bytes do not show the behaviour
	First     []byte // response to the first call
	Second    []byte // response to further calls
	Good      []byte // response to calls that the behaviour does not affect
	Want      string // the answer in the response, in the normal form; "" = there is none
	Finish    string // finish_reason of that answer
}

// Name returns the name of the case in a test.
func (c Case) Name() string {
	form := "plain"
	if c.Stream {
		form = "stream"
	}
	if c.Recorded {
		form += "/recorded"
	}
	return c.Behaviour + "/" + string(c.Type) + "/" + form
}

// Cases returns the behaviour for each type that it applies to, as a plain body and as a stream.
func (b Behaviour) Cases() (list []Case) {
	for _, t := range slices.Concat([]study.Type{study.Chat}, JSONTypes) {
		for _, stream := range []bool{false, true} {
			if c, ok := b.caseOf(t, stream); ok {
				list = append(list, c)
			}
		}
	}
	for _, r := range b.Responses {
		list = append(list, b.recordedCase(r))
	}
	return list
}

// failing returns the recorded response without an answer; nil if there is none.
func (b Behaviour) failing(stream bool) *Recorded {
	for _, r := range []*Recorded{b.recorded(study.Chat, stream), b.recorded(study.Flashcards, stream), b.recorded(study.Flashcards, false)} {
		if r != nil && !bytes.Contains(r.Bytes(), []byte("stroma")) && !bytes.Contains(r.Bytes(), []byte("reflects gre")) {
			return r
		}
	}
	return nil
}

// holdsNone reports whether the response, at least the first, contains no answer; then the same bytes are used for all
// types.
func (b Behaviour) holdsNone() bool {
	return strings.HasPrefix(b.Name, "e") && b.Name != "exam_sum_97" || slices.Contains([]string{"refusal", "tool_calls", "sse_error_first", "sse_llamacpp_error_field",
		"sse_unframed_error", "reasoning_eats_budget"}, b.Name)
}

func (b Behaviour) caseOf(t study.Type, stream bool) (Case, bool) {
	good := Good[t]
	c := Case{Behaviour: b.Name, Type: t, Stream: stream, Good: Answer(good, "stop", stream), Want: good, Finish: "stop"}
	switch {
	case b.Name == "good_answer":
		c.First = c.Good
	case b.Name == "reasoning_starves_judges":
		c.First = Answer("", "length", stream)
	case b.holdsNone():
		r := b.failing(stream)
		if r == nil { // no such call fails
			return c, false
		}
		c.First, c.Want = r.Bytes(), ""
		if r.Second != nil {
			c.Want = good
			if c.Second = c.Good; !bytes.Contains(r.Second.Bytes(), []byte("HTTP/1.1 200")) {
				c.Second, c.Want = r.Second.Bytes(), ""
			}
		}
	case transports[b.Name] != nil:
		c.First = transports[b.Name](good, stream)
	default:
		c.shape(b.Name, t, good)
	}
	if conditional[b.Name] != nil {
		c.Want = good
	}
	if c.Second == nil {
		c.Second = c.First
	}
	return c, c.First != nil
}

// shape writes the answer in the behaviour's shape.
func (c *Case) shape(name string, t study.Type, good string) {
	write := textShapes[name]
	switch {
	case t == study.Chat && (name == "think_block" || name == "nul_char"):
		good = strings.ReplaceAll(good, "stroma\x00", "stroma")
		c.First = Answer(map[string]string{"think_block": "<think>\nThe user wants an answer. I should be brief.\n</think>\n\n" + good,
			"nul_char": strings.Replace(good, "stroma", "stroma\x00", 1)}[name], "stop", c.Stream)
		return
	case name == "truncated_length", name == "sse_length" && c.Stream, name == "reset_midway", name == "sse_error_midway" && c.Stream:
		c.cut(name)
		return
	case t == study.Chat:
		return
	case write == nil && fits(name, t):
		write = itemShapes[name]
	}
	if write != nil {
		text, want := write(t, good)
		c.First, c.Want = Answer(text, "stop", c.Stream), want
	}
}

// fits reports whether a shape of items exists for the type.
func fits(name string, t study.Type) bool {
	questions := t == study.Quiz || t == study.Exam
	switch name {
	case "front_back":
		return t == study.Flashcards
	case "exam_sum_97":
		return t == study.Exam
	case "plan_words":
		return t == study.Plan
	case "fewer", "more":
		return questions || t == study.Flashcards || t == study.Plan
	case "one_bad_item":
		return t != study.Analysis
	default:
		return questions
	}
}

// cuts are the places where answers break off, and the end of the complete part.
var cuts = map[study.Type]struct{ before, whole, rest string }{
	study.Chat:       {"cle takes", "", ""},
	study.Flashcards: {`in cycle take place?"`, `, {"question": "Where does the Calv`, `]}`},
	study.Quiz:       {`swer", "question": "Which`, `, {"type": "short_an`, `]}}`},
	study.Exam:       {`swer", "question": "Which`, `, {"type": "short_an`, `]}]}}`},
	study.Summary:    {`convert light energy; the`, `, "text": "Plants `, `}}`},
	study.Analysis:   {` the Calvin cycle in`, `"Draw`, `]}}`},
	study.Plan:       {`pic": "Chlorophyll"`, `, {"day": 3, "to`, `]}}`},
}

// cut breaks the answer off: at the token limit, with a lost connection, or with an error.
func (c *Case) cut(name string) {
	at := cuts[c.Type]
	text := c.Want[:strings.LastIndex(c.Want, at.before)]
	c.Want = strings.TrimSuffix(text, at.whole) + at.rest
	c.Finish = "length"
	c.First = Answer(text, "length", c.Stream)
	if name == "truncated_length" || name == "sse_length" {
		return
	}
	list := chunks(text, "")
	c.First = []byte(sseHead + strings.TrimSuffix(events(list[:len(list)-2]), done))
	switch {
	case name == "sse_error_midway":
		failed := chunk(object{"content": ""}, "error")
		failed["error"] = object{"code": "server_error", "message": "Provider disconnected unexpectedly key-canary-0123456789abcdef"}
		c.First = append(c.First, event(failed)...)
	case !c.Stream: // in the middle of a JSON body, of which nothing is usable
		c.First = bytes.TrimSuffix(Answer(text, "stop", false), []byte(`}`))
		c.First, _, _ = bytes.Cut(c.First, []byte("choices"))
	}
	if c.Type == study.Chat || !c.Stream {
		c.Want = ""
	}
}

// Plant returns the case with the given words in the upstream's error texts.
func (c Case) Plant(words string) Case {
	c.First, c.Second = plant(c.First, words), plant(c.Second, words)
	return c
}

func plant(raw []byte, words string) []byte {
	lines := bytes.SplitAfter(raw, []byte("\r\n"))
	lines = slices.DeleteFunc(lines, func(line []byte) bool { return bytes.HasPrefix(line, []byte("Content-Length:")) })
	raw = bytes.Join(lines, nil) // the connection's end marks the end of the body
	for _, field := range []string{`"message": "`, `"error": "`, `"message":"`, `"detail": "`, `<body>`, `<html>`, `error code: `} {
		raw = bytes.ReplaceAll(raw, []byte(field), []byte(field+words+" "))
	}
	return raw
}
