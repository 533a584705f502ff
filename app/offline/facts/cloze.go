package facts

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"studysharper/app/offline/english"
	"studysharper/app/text"
)

// Bounds of the sentences that become cloze facts, in bytes.
const (
	minBlanked = 25
	maxBlanked = 260
	minLeft    = 2 // content words that must remain
)

// readCloze makes a cloze fact of the heaviest term in sentence i.
func (src *Source) readCloze(i int) (Fact, bool) {
	s := src.Sentences[i]
	if !s.Alone || len(s.Plain) < minBlanked || len(s.Plain) > maxBlanked {
		return Fact{}, false
	}
	term := src.chooseGap(s.Plain)
	if term == "" {
		return Fact{}, false
	}
	gapped, shown := blankTerm(s.Plain, term)
	if strings.HasPrefix(gapped, "____:") || len(text.Words(strings.ReplaceAll(gapped, "____", " "))) < minLeft {
		return Fact{}, false
	}
	return Fact{Kind: Cloze, Question: "Complete: " + gapped, Answer: english.Capital(shown), Term: term}, true
}

// chooseGap returns the term to blank: a defined term, else a phrase of several words, else a
// word or a year.
func (src *Source) chooseGap(s string) string {
	for _, d := range src.Defs {
		longer := slices.ContainsFunc(src.Phrases, func(p string) bool {
			return len(p) > len(d.Term) && Find(p, d.Term, 0) >= 0 && Find(s, p, 0) >= 0
		})
		if !longer && gappable(s, d.Term) && strings.Count(s, " ")-strings.Count(d.Term, " ") >= 4 {
			return d.Term
		}
	}
	single := ""
	for _, p := range src.Phrases {
		switch {
		case english.IsVague(p) || !gappable(s, p):
		case strings.Contains(p, " "):
			return p
		case single == "" && utf8.RuneCountInString(p) >= 4:
			single = p
		}
	}
	if y := YearIn(s); y != "" {
		return y
	}
	return single
}

// gappable reports whether s contains the term, but not as part of a numbered name
// (photosystem II).
func gappable(s, term string) bool {
	at := Find(s, term, 0)
	if at < 0 {
		return false
	}
	next, _, _ := strings.Cut(strings.TrimPrefix(s[at+len(term):], " "), " ")
	next = strings.Trim(next, ".,;:)")
	return next == "" || strings.Trim(next, "IVX") != ""
}

// blankTerm replaces every mention of term by a gap and returns the term as it was first
// written.
func blankTerm(s, term string) (gapped, shown string) {
	var out strings.Builder
	at := 0
	for {
		i := Find(s, term, at)
		if i < 0 {
			break
		}
		if shown == "" {
			shown = s[i : i+len(term)]
		}
		out.WriteString(s[at:i] + "____")
		at = i + len(term)
	}
	out.WriteString(s[at:])
	return out.String(), shown
}

// Find returns the index of term as a whole word in s, ignoring case, starting at byte from;
// -1 if term is absent or empty.
func Find(s, term string, from int) int {
	if term == "" {
		return -1
	}
	ascii := term[0] < utf8.RuneSelf
	for i := from; i+len(term) <= len(s); i++ {
		if ascii && s[i]|0x20 != term[0]|0x20 {
			continue
		}
		if strings.EqualFold(s[i:i+len(term)], term) && isWholeWord(s, i, i+len(term)) {
			return i
		}
	}
	return -1
}

// isWholeWord reports whether s[i:j] is a word by itself, or in a script without spaces.
func isWholeWord(s string, i, j int) bool {
	first, _ := utf8.DecodeRuneInString(s[i:j])
	if first >= 0x0e00 {
		return utf8.ValidString(s[i:j])
	}
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[j:])
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' }
	return !inWord(before) && !inWord(after)
}
