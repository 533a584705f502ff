package openai

import (
	"slices"
	"strings"
)

// endTokens are tokens of chat templates that some servers leave at the end of an answer.
var endTokens = []string{"<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end|>", "<|end_of_text|>", "<|return|>", "<|end_of_solution|>", "<end_of_turn>",
	"<eos>", "</s>", "[/INST]", "</answer>", "<｜end▁of▁sentence｜>"}

const maxHeldTokens = 1 << 10 // bytes of such tokens that may follow one another

// endFilter takes such tokens off the end of an answer that comes in pieces. Further up they
// belong to the answer.
type endFilter struct{ held string }

// add returns what of the text so far cannot be the end and was not returned before.
func (f *endFilter) add(piece string) string {
	s := f.held + piece
	if f.held = ""; len(s) > maxHeldTokens && len(piece) < len(s) {
		return s
	}
	for at := 0; ; at++ {
		i := strings.IndexAny(s[at:], "<[")
		if i < 0 {
			return s
		}
		if at += i; maybeEnd(s[at:]) {
			f.held = s[at:]
			return s[:at]
		}
	}
}

// finish returns what was held back and is answer after all.
func (f *endFilter) finish() string {
	held := f.held
	if f.held = ""; withoutEndTokens(held) == "" {
		return ""
	}
	return held
}

// maybeEnd reports whether s is only end tokens, the last of which may be unfinished.
func maybeEnd(s string) bool {
	rest := withoutEndTokens(s)
	return rest == "" || slices.ContainsFunc(endTokens, func(token string) bool { return strings.HasPrefix(token, rest) })
}

// withoutEndTokens takes the end tokens, and the white space around them, off the beginning of s.
func withoutEndTokens(s string) string {
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		i := slices.IndexFunc(endTokens, func(token string) bool { return strings.HasPrefix(s, token) })
		if i < 0 {
			return s
		}
		s = s[len(endTokens[i]):]
	}
}
