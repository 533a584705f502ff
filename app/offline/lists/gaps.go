package lists

import (
	"slices"
	"strings"
)

// missing replaces the hidden part of a gap text.
const missing = "[...]"

// A hole is a marked part of a gap text.
type hole struct {
	group      string // holes of one group are one card
	text, hint string
}

// gaps reads a line with {{c1::…}} or ==…== marks. Each group of marks is a card.
func (r *reader) gaps(i int) ([]Card, int) {
	pieces, holes := cutHoles(r.flat(i))
	if len(holes) == 0 {
		return nil, i
	}
	var cards []Card
	var groups []string
	for _, h := range holes {
		if !slices.Contains(groups, h.group) {
			groups = append(groups, h.group)
		}
	}
	for _, group := range groups {
		var front strings.Builder
		var back []string
		plain := pieces[0]
		front.WriteString(pieces[0])
		for k, h := range holes {
			shown := h.text
			if h.group == group {
				back = append(back, h.text)
				shown = missing
				if h.hint != "" {
					shown = "[" + h.hint + "]"
				}
			}
			front.WriteString(shown + pieces[k+1])
			plain += h.text + pieces[k+1]
		}
		if c, ok := newCard(Gap, front.String(), strings.Join(back, ", "), plain); ok {
			cards = append(cards, c)
		}
	}
	return cards, i + 1
}

// cutHoles returns the text between the marks of a line, and the marked parts.
func cutHoles(s string) (pieces []string, holes []hole) {
	for {
		at, open, shut := strings.Index(s, "{{c"), "{{c", "}}"
		if high := strings.Index(s, "=="); high >= 0 && (at < 0 || high < at) {
			at, open, shut = high, "==", "=="
		}
		if at < 0 {
			break
		}
		inner, after, ok := strings.Cut(s[at+len(open):], shut)
		h := hole{group: inner, text: inner}
		if open == "{{c" {
			var number string
			if number, h.text, ok = strings.Cut(inner, "::"); !ok || strings.Trim(number, "0123456789") != "" {
				break
			}
			h.group = number
			h.text, h.hint, _ = strings.Cut(h.text, "::")
		}
		if !ok || strings.TrimSpace(h.text) == "" || strings.TrimSpace(h.text) != h.text {
			break
		}
		pieces, holes = append(pieces, s[:at]), append(holes, h)
		s = after
	}
	return append(pieces, s), holes
}
