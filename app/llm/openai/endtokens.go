package openai

import (
	"slices"
	"strings"
)

// endTokens are chat template tokens that some servers leave at the end of an answer.
var endTokens = []string{"<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end|>", "<|end_of_text|>", "<|return|>", "<|end_of_solution|>", "<end_of_turn>",
	"<eos>", "</s>", "[/INST]", "</answer>", "<｜end▁of▁sentence｜>"}

const maxHeldTokens = 1 << 10 // maximum length of consecutive tokens, in bytes

// endFilter removes such tokens from the end of an answer that arrives in pieces. Elsewhere they belong to the answer.
type endFilter struct{ held string }

// add returns the text that cannot be part of the end and was not returned before.
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

// finish returns the text that was held back if it is part of the answer.
func (f *endFilter) finish() string {
	held := f.held
	if f.held = ""; withoutEndTokens(held) == "" {
		return ""
	}
	return held
}

// maybeEnd reports whether s consists of end tokens; the last one may be incomplete.
func maybeEnd(s string) bool {
	rest := withoutEndTokens(s)
	return rest == "" || slices.ContainsFunc(endTokens, func(token string) bool { return strings.HasPrefix(token, rest) })
}

// withoutEndTokens removes the end tokens, and the white space around them, from the beginning of s.
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
