package facts

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"studysharper/app/offline/english"
	"studysharper/app/text"
)

// subjectOf asks what a plain statement is true of.
func (src *Source) subjectOf(i int) (Fact, bool) {
	s := src.Sentences[i]
	sub, predicate, ok := english.Split(s.Plain)
	inverted, turned := english.Invert(s.Plain, src.Casing)
	front, _, _ := strings.Cut(inverted, " ")
	if !ok || !turned || !s.Alone || slices.Contains([]string{"do", "are", "were", "have"}, front) {
		return Fact{}, false
	}
	if strings.Count(predicate, " ") < 3 || strings.Count(sub, " ") > 6 || strings.ContainsAny(sub, ",(") || strings.Contains(predicate, ";") || english.IsVague(sub) || leans(predicate) {
		return Fact{}, false
	}
	word := "What "
	for w := range strings.FieldsSeq(src.Casing.Lower(sub)) {
		if english.IsName(w) {
			word = "Who or what "
		}
	}
	return Fact{Kind: Subject, Question: word + predicate + "?", Answer: english.Finished(sub)}, true
}

// leans reports whether a predicate points back at its subject or further.
func leans(predicate string) bool {
	for w := range strings.FieldsSeq(strings.ToLower(predicate)) {
		switch strings.Trim(w, ",.") {
		case "it", "its", "they", "them", "their", "he", "she", "his", "her", "this", "these", "each":
			return true
		}
	}
	return false
}

// Bounds of the sentences that are blanked, in bytes.
const (
	minBlanked = 25
	maxBlanked = 260
	minLeft    = 2 // content words that must stay
)

// blanked makes a gap of the weightiest term of the sentence at i.
func (src *Source) blanked(i int) (Fact, bool) {
	s := src.Sentences[i]
	if !s.Alone || len(s.Plain) < minBlanked || len(s.Plain) > maxBlanked {
		return Fact{}, false
	}
	term := src.gap(s.Plain)
	if term == "" {
		return Fact{}, false
	}
	gapped, shown := blank(s.Plain, term)
	if strings.HasPrefix(gapped, "____:") || len(text.Words(strings.ReplaceAll(gapped, "____", " "))) < minLeft {
		return Fact{}, false
	}
	return Fact{Kind: Cloze, Question: "Complete: " + gapped, Answer: english.Capital(shown), Term: term}, true
}

// gap is the term to blank: a defined one, else a phrase of several words, else a
// word or a number.
func (src *Source) gap(s string) string {
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

// gappable reports whether s holds the term, and not as part of a numbered name
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

// blank puts a gap in place of every mention of term, and gives the term as the
// first one was written.
func blank(s, term string) (gapped, shown string) {
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

// Find is the place of term as a whole word in s, in any case, from byte from on;
// -1 when it is not there or term is "".
func Find(s, term string, from int) int {
	if term == "" {
		return -1
	}
	ascii := term[0] < utf8.RuneSelf
	for i := from; i+len(term) <= len(s); i++ {
		if ascii && s[i]|0x20 != term[0]|0x20 {
			continue
		}
		if strings.EqualFold(s[i:i+len(term)], term) && borders(s, i, i+len(term)) {
			return i
		}
	}
	return -1
}

// borders reports whether s[i:j] is a word by itself, or stands in a script
// without spaces.
func borders(s string, i, j int) bool {
	first, _ := utf8.DecodeRuneInString(s[i:j])
	if first >= 0x0e00 {
		return utf8.ValidString(s[i:j])
	}
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[j:])
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' }
	return !inWord(before) && !inWord(after)
}

// roleOf reads "The function of X is Y." and "X are used as Y."
func (src *Source) roleOf(i int) (Fact, bool) {
	s := src.Sentences[i]
	sub, predicate, ok := english.Split(s.Plain)
	if !ok || !s.Alone {
		return Fact{}, false
	}
	be, rest, _ := strings.Cut(predicate, " ")
	if be != "is" && be != "are" && be != "was" && be != "were" {
		return Fact{}, false
	}
	if at := strings.Index(sub, ", "); at > 0 {
		sub = sub[:at]
	}
	sub = src.Casing.Lower(sub)
	if use, ok := strings.CutPrefix(rest, "used "); ok {
		var as string
		switch word, _, _ := strings.Cut(use, " "); word {
		case "as":
			as = "as"
		case "to", "for":
			as = "for"
		default:
			return Fact{}, false
		}
		return Fact{Kind: Role, Question: "What " + be + " " + sub + " used " + as + "?", Answer: english.Finished(use)}, true
	}
	if !strings.HasPrefix(sub, "the ") || !strings.Contains(sub, " of ") || !english.IsVague(sub) {
		return Fact{}, false
	}
	return Fact{Kind: Role, Question: "What " + be + " " + sub + "?", Answer: english.Finished(rest)}, true
}
