package validate

import (
	"unicode"
	"unicode/utf8"

	"studysharper/app/study"
)

// Limits of a StreamFilter, in bytes.
const (
	filterLookBack = 400 // how far back a rule may begin
	filterHold     = 200 // of text held back while a word has not ended
)

// StreamFilter forwards a streamed text in whole words, each checked together with the text before it, so that the last
// word of an unsafe phrase is never sent.
type StreamFilter struct {
	Emit func(text string)
	Stop func(cause error) // called once, when the text becomes unsafe

	text   []byte
	sent   int
	unsafe error
}

// Write appends the next piece of the text.
func (f *StreamFilter) Write(piece string) {
	if f.unsafe != nil {
		return
	}
	f.text = append(f.text, piece...)
	f.release(f.sent + wholeWords(f.text[f.sent:]))
}

// Flush forwards the rest, at the end of the text.
func (f *StreamFilter) Flush() {
	if f.unsafe == nil {
		f.release(len(f.text))
	}
}

// Err returns CodeWithheld once the text has become unsafe, nil before that.
func (f *StreamFilter) Err() error { return f.unsafe }

func (f *StreamFilter) release(end int) {
	if end <= f.sent {
		return
	}
	from := max(0, f.sent-filterLookBack)
	for from > 0 && from < f.sent && f.text[from] != ' ' { // start at a word: a part of one could look like another word
		from++
	}
	if category := Unsafe(string(f.text[from:end])); category != "" {
		f.unsafe = Withheld(category)
		f.Stop(f.unsafe)
		return
	}
	f.Emit(string(f.text[f.sent:end]))
	f.sent = end
}

// wholeWords returns the length of text up to the end of its last whole word. Text without a whole word is held back up
// to filterHold bytes.
func wholeWords(text []byte) int {
	for i := len(text); i > 0; {
		r, size := utf8.DecodeLastRune(text[:i])
		if r != utf8.RuneError && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return i
		}
		i -= size
	}
	if len(text) < filterHold {
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

// Withheld returns the error for an answer that violates a safety rule of the category.
func Withheld(category string) *study.Error {
	return study.Errorf(study.CodeWithheld, "the answer was withheld by the safety check (%s)", category)
}
