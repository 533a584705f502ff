package agent

import (
	"strings"
	"unicode/utf8"
)

const (
	boundaryShare     = 10 // a cut text may lose 1/10 to end at a sentence
	paragraphBoundary = "\n\n"
)

// compose puts the material together: the student's own text first, then notes, as
// far as the budget goes.
func (r *run) compose(notes []string) {
	k := &r.known
	own := r.req.Options.Content
	k.content = strings.TrimSpace(own) != ""
	if !k.content && len(notes) == 0 && r.messageIsSource() {
		own, k.isMessage = r.req.Message, true
	}
	var parts []string
	left := r.o.MaterialRunes
	add := func(s string) bool {
		if left <= 0 {
			k.cut = true
			return false
		}
		part, cut := cutAtSentence(s, left)
		k.cut = k.cut || cut
		left -= utf8.RuneCountInString(part) + len(paragraphBoundary)
		parts = append(parts, part)
		return true
	}
	if strings.TrimSpace(own) != "" {
		add(own)
	}
	for _, n := range notes {
		if add(n) {
			k.notes++
		}
	}
	k.material = strings.Join(parts, paragraphBoundary)
	if k.cut {
		k.warnings = append(k.warnings, "the source text was too long and only its beginning was used")
	}
}

// message is what the student said, as a prompt is given it. Where it is the source text
// it is no longer than that, so that the prompt has it once.
func (r *run) message() string {
	if r.known.isMessage {
		return r.known.material
	}
	said, cut := cutAtSentence(r.req.Message, r.o.MaterialRunes)
	if cut {
		r.known.warnings = append(r.known.warnings, "the message was too long and only its beginning was read")
	}
	return said
}

// cutAtSentence shortens s to at most n runes, at the end of a sentence where one
// is near.
func cutAtSentence(s string, n int) (part string, cut bool) {
	part = clip(s, n)
	if len(part) == len(s) {
		return s, false
	}
	if i := strings.LastIndexAny(part, ".!?\n"); i > len(part)-len(part)/boundaryShare {
		part = part[:i+1]
	}
	return part, true
}

// clip shortens s to at most n runes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
