package openai

import "strings"

const sureCumulative = 8 // if two chunks have this many bytes in common, the second repeats the first

// deltaJoiner joins the chunks of a stream. A few upstreams send the whole text so far in each chunk instead of the
// next piece; the first chunks show which form is used.
type deltaJoiner struct {
	mode    joinMode
	text    string // cumulative: the text so far
	pending string // the second chunk, while both forms are possible
}

type joinMode int

const (
	undecided joinMode = iota
	pieces
	cumulative
)

// add returns the text that a chunk adds.
func (j *deltaJoiner) add(chunk string) string {
	switch j.mode {
	case pieces:
		return chunk
	case cumulative:
		rest, ok := strings.CutPrefix(chunk, j.text)
		if !ok { // even such an upstream may end with a piece
			j.text += chunk
			return chunk
		}
		j.text = chunk
		return rest
	default:
		return j.decide(chunk)
	}
}

func (j *deltaJoiner) decide(chunk string) string {
	before := j.text
	if j.pending != "" {
		before = j.pending
	}
	switch {
	case chunk == "":
		return ""
	case j.text == "":
		j.text = chunk
		return chunk
	case !strings.HasPrefix(chunk, before) || len(chunk) == len(before):
		chunk = j.pending + chunk
		*j = deltaJoiner{mode: pieces}
		return chunk
	case len(before) >= sureCumulative || j.pending != "":
		rest := chunk[len(j.text):]
		*j = deltaJoiner{mode: cumulative, text: chunk}
		return rest
	default:
		j.pending = chunk
		return ""
	}
}

// finish returns the chunk that was held back, if any.
func (j *deltaJoiner) finish() string {
	if j.mode == undecided {
		return j.pending
	}
	return ""
}
