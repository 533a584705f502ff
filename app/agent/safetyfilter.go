package agent

import (
	"context"
	"unicode"
	"unicode/utf8"

	"studysharper/app/agent/validate"
	"studysharper/app/study"
)

func withheld(category string) *study.Error {
	return study.Errorf(study.CodeWithheld, "the answer was withheld by the safety check (%s)", category)
}

// Bounds of the guard, in bytes.
const (
	guardLookBack = 400 // how far back a rule may begin
	guardHold     = 200 // most text held back until a word ends
)

// safetyFilter passes a streamed answer on in whole words, each checked together with what
// went before it, so that the last word of an unsafe phrase never goes out.
type safetyFilter struct {
	say    func(string)
	stop   context.CancelCauseFunc
	text   []byte
	said   int
	broken string
}

// add takes a piece of the answer.
func (g *safetyFilter) add(piece string) {
	if g.broken != "" {
		return
	}
	g.text = append(g.text, piece...)
	g.release(g.said + wholeWords(g.text[g.said:]))
}

// flush passes on what is held back.
func (g *safetyFilter) flush() {
	if g.broken == "" {
		g.release(len(g.text))
	}
}

func (g *safetyFilter) release(end int) {
	if end <= g.said {
		return
	}
	from := max(0, g.said-guardLookBack)
	for from > 0 && from < g.said && g.text[from] != ' ' { // a word cut in two could be another word
		from++
	}
	if g.broken = validate.Unsafe(string(g.text[from:end])); g.broken != "" {
		g.stop(withheld(g.broken))
		return
	}
	g.say(string(g.text[g.said:end]))
	g.said = end
}

// wholeWords is how much of text ends with a finished word; text without one is
// held up to guardHold bytes.
func wholeWords(text []byte) int {
	for i := len(text); i > 0; {
		r, size := utf8.DecodeLastRune(text[:i])
		if r != utf8.RuneError && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return i
		}
		i -= size
	}
	if len(text) < guardHold {
		return 0
	}
	end := len(text)
	for range utf8.UTFMax - 1 { // not in the middle of a character
		if r, size := utf8.DecodeLastRune(text[:end]); r != utf8.RuneError || size != 1 {
			break
		}
		end--
	}
	return end
}
