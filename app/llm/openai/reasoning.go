package openai

import (
	"slices"
	"strings"
)

// reasoningTags name the blocks in which models think aloud before they answer.
var reasoningTags = []string{"think", "thinking", "thought", "reasoning"}

const maxTag = len("</reasoning>")

// reasoningFilter takes blocks of reasoning off the beginning of an answer that comes in
// pieces. Such tags further on belong to the answer.
type reasoningFilter struct {
	state filterState
	found bool   // a block was taken off
	held  string // not decided yet: white space, and a part of a tag
}

type filterState int

const (
	beforeAnswer filterState = iota
	inReasoning
	inAnswer
)

// add returns what of the text so far is answer and was not returned before.
func (f *reasoningFilter) add(piece string) string {
	for {
		s := f.held + piece
		switch f.state {
		case inAnswer:
			return piece
		case beforeAnswer:
			trimmed := strings.TrimLeft(s, " \t\r\n")
			if trimmed == "" || beginsTag(trimmed) {
				f.held = s
				return ""
			}
			f.held = ""
			size := openingTag(trimmed)
			if size == 0 {
				f.state = inAnswer
				if f.found {
					return trimmed
				}
				return s
			}
			f.state, f.found, piece = inReasoning, true, trimmed[size:]
		case inReasoning:
			_, end := closingTag(s)
			if end < 0 {
				f.held = s[max(0, len(s)-maxTag):]
				return ""
			}
			f.state, f.held, piece = beforeAnswer, "", s[end:]
		}
	}
}

// finish returns what was held back and is answer after all.
func (f *reasoningFilter) finish() string {
	if f.state == inReasoning || f.found {
		return ""
	}
	return f.held
}

// openingTag returns the length of the opening tag that s begins with; 0 = none.
func openingTag(s string) int {
	for _, tag := range reasoningTags {
		if n := len(tag) + len("<>"); len(s) >= n && strings.EqualFold(s[:n], "<"+tag+">") {
			return n
		}
	}
	return 0
}

// beginsTag reports whether s may become an opening tag.
func beginsTag(s string) bool {
	return slices.ContainsFunc(reasoningTags, func(tag string) bool {
		return len(s) < len(tag)+len("<>") && strings.EqualFold(s, ("<" + tag + ">")[:len(s)])
	})
}

// closingTag finds the first closing tag; end is -1 if there is none.
func closingTag(s string) (begin, end int) {
	for at := 0; ; {
		i := strings.Index(s[at:], "</")
		if i < 0 {
			return -1, -1
		}
		at += i
		for _, tag := range reasoningTags {
			if n := len(tag) + len("</>"); len(s)-at >= n && strings.EqualFold(s[at:at+n], "</"+tag+">") {
				return at, at + n
			}
		}
		at += len("</")
	}
}

// withoutUntagged takes off reasoning that only ends with a tag, because the opening one was
// part of the model's prompt. The tag must end or begin a line: an answer may speak of tags.
func withoutUntagged(s string) string {
	rest, found := s, false
	for at := 0; ; {
		begin, end := closingTag(s[at:])
		if end < 0 {
			break
		}
		begin, end = begin+at, end+at
		if begin == 0 || s[begin-1] == '\n' || strings.HasPrefix(s[end:], "\n") || end == len(s) {
			rest, found = s[end:], true
		}
		at = end
	}
	if found {
		return strings.TrimLeft(rest, " \t\r\n")
	}
	return s
}
