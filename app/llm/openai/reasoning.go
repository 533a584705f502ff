package openai

import (
	"slices"
	"strings"
)

// mark is the beginning and the end of a block of reasoning, in lower case.
type mark struct{ opening, closing string }

// marks enclose the reasoning that models write before they answer: tags, and chat template tokens that servers fail to
// remove.
var marks = append(tagMarks("think", "thinking", "thought", "reasoning", "reflection", "scratchpad", "analysis", "seed:think"),
	mark{"[think]", "[/think]"}, mark{"◁think▷", "◁/think▷"}, mark{"<|begin_of_thought|>", "<|end_of_thought|>"},
	mark{"<|channel|>analysis<|message|>", "<|channel|>final<|message|>"}, mark{"<|start|>assistant<|channel|>analysis<|message|>", "<|channel|>final<|message|>"})

func tagMarks(names ...string) (list []mark) {
	for _, name := range names {
		list = append(list, mark{"<" + name + ">", "</" + name + ">"})
	}
	return list
}

// prefaces are tokens that only announce the answer.
var prefaces = []string{"<|channel|>final<|message|>", "<|start|>assistant<|channel|>final<|message|>", "<|begin_of_solution|>", "<answer>"}

const maxTag = len("<|channel|>final<|message|>")

// reasoningFilter removes blocks of reasoning from the beginning of an answer that arrives in pieces. Such tags after
// the beginning belong to the answer.
type reasoningFilter struct {
	state filterState
	found bool   // a block was removed
	until string // the end of the open block
	held  string // undecided: white space, and part of a tag
}

type filterState int

const (
	beforeAnswer filterState = iota
	inReasoning
	inAnswer
)

// add returns the text that belongs to the answer and was not returned before.
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
			size, closing := openingMark(trimmed)
			switch {
			case size == 0 && f.found:
				f.state = inAnswer
				return trimmed
			case size == 0:
				f.state = inAnswer
				return s
			case closing == "":
				f.found, piece = true, trimmed[size:]
			default:
				f.state, f.found, f.until, piece = inReasoning, true, closing, trimmed[size:]
			}
		case inReasoning:
			at := indexFold(s, f.until)
			if at < 0 {
				f.held = s[max(0, len(s)-maxTag):]
				return ""
			}
			f.state, f.held, piece = beforeAnswer, "", s[at+len(f.until):]
		}
	}
}

// indexFold returns the index of a mark, ignoring case; -1 if there is none. The letters of mark are ASCII.
func indexFold(s, mark string) int {
	for at := 0; at+len(mark) <= len(s); at++ {
		i := strings.IndexByte(s[at:], mark[0])
		if i < 0 {
			return -1
		}
		if at += i; at+len(mark) <= len(s) && strings.EqualFold(s[at:at+len(mark)], mark) {
			return at
		}
	}
	return -1
}

// finish returns the text that was held back if it is part of the answer.
func (f *reasoningFilter) finish() string {
	if f.state == inReasoning || f.found {
		return ""
	}
	return f.held
}

// openingMark returns the length of the mark or preface that s begins with, 0 = none, and the end of the block that it
// opens; "" = it opens no block.
func openingMark(s string) (size int, closing string) {
	for _, m := range marks {
		if len(s) >= len(m.opening) && strings.EqualFold(s[:len(m.opening)], m.opening) {
			return len(m.opening), m.closing
		}
	}
	for _, p := range prefaces {
		if strings.HasPrefix(s, p) {
			return len(p), ""
		}
	}
	return 0, ""
}

// beginsTag reports whether s may be the beginning of a mark or a preface.
func beginsTag(s string) bool {
	begins := func(mark string) bool { return len(s) < len(mark) && strings.EqualFold(s, mark[:len(s)]) }
	return slices.ContainsFunc(marks, func(m mark) bool { return begins(m.opening) }) || slices.ContainsFunc(prefaces, begins)
}

// closingTag finds the first closing tag; end is -1 if there is none.
func closingTag(s string) (begin, end int) {
	for at := 0; ; {
		i := strings.Index(s[at:], "</")
		if i < 0 {
			return -1, -1
		}
		at += i
		for _, m := range marks {
			if n := len(m.closing); len(s)-at >= n && strings.EqualFold(s[at:at+n], m.closing) {
				return at, at + n
			}
		}
		at += len("</")
	}
}

// withoutUntagged removes reasoning that has only a closing tag, because the opening tag was part of the model's
// prompt. The tag must end or begin a line, or be directly between two words, because an answer may discuss tags.
func withoutUntagged(s string) string {
	rest, found := s, false
	for at := 0; ; {
		begin, end := closingTag(s[at:])
		if end < 0 {
			break
		}
		begin, end = begin+at, end+at
		if begin == 0 || end == len(s) || s[begin-1] == '\n' || s[end] == '\n' || isStuck(s[begin-1]) && isStuck(s[end]) {
			rest, found = s[end:], true
		}
		at = end
	}
	if found {
		return strings.TrimLeft(rest, " \t\r\n")
	}
	return s
}

// isStuck reports whether a tag next to the character is not separated from the text.
func isStuck(c byte) bool { return c > ' ' && strings.IndexByte("`\"'()", c) < 0 }
