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
	minLeft    = 3 // content words that must remain
	minSingle  = 7 // bytes of a single word that a short text may ask for
)

// readCloze makes a cloze fact of a term or a name in sentence i.
func (src *Source) readCloze(i int) (Fact, bool) {
	s := src.Sentences[i]
	if len(s.Plain()) < minBlanked || len(s.Plain()) > maxBlanked || !english.HasClause(s.Plain()) {
		return Fact{}, false
	}
	term := src.chooseGap(s.Plain())
	if term == "" {
		return Fact{}, false
	}
	gapped, shown := Blank(s.Plain(), term)
	if strings.HasPrefix(gapped, "____:") || text.Overlap(term, gapped) >= 0.5 || len(text.Words(strings.ReplaceAll(gapped, "____", " "))) < minLeft {
		return Fact{}, false
	}
	return Fact{Kind: Cloze, Question: "Complete: " + gapped, Answer: english.Capital(shown), Term: term}, true
}

// chooseGap returns the phrase to blank: the longest defined term, else a name, else a phrase of
// two or three words that the text uses more than once; "" if there is none.
func (src *Source) chooseGap(s string) string {
	best, top := "", 0.0
	for _, p := range english.NounPhrases(s) {
		if score := src.scoreGap(s, p); score > 0 && score+src.Prominence(p) > top {
			best, top = p, score+src.Prominence(p)
		}
	}
	return best
}

// scoreGap returns how good a blank a phrase of a sentence makes; 0 if none.
func (src *Source) scoreGap(s, p string) float64 {
	words := strings.Count(p, " ") + 1
	mentions := len(src.Index.Mentions(p))
	switch {
	case words > 4 || !IsExchangeable(s, p) || english.IsVague(p) || src.isGuessed(s, p):
		return 0
	case src.isDefined(p) || src.isMarked(p) && words > 1:
		return 3
	case english.IsGeneric(p):
		return 0
	case !strings.HasPrefix(s, p) && src.isProper(p):
		return 2
	case words > 1 && mentions > 2:
		return 1 + min(1, float64(mentions)/10)
	case len(src.Sentences) <= few && len(p) >= minSingle:
		return 0.5
	default:
		return 0
	}
}

// isProper reports whether a phrase is a name that the text never writes in lower case.
func (src *Source) isProper(p string) bool {
	return english.IsName(p) && (strings.Contains(p, " ") || !src.Casing.IsCommon(p))
}

// isDefined reports whether the text defines a term.
func (src *Source) isDefined(term string) bool {
	return slices.ContainsFunc(src.Defs(), func(d Definition) bool { return strings.EqualFold(d.Term, term) })
}

// common: a term that is in at least one of this many sentences is the subject of the whole text.
const common = 6

// isGuessed reports whether a blank for the term can be filled without knowledge of the text, or is unsuitable: the title or every sixth
// sentence names the term, its abbreviation follows, it only tells where something is, or it is a verb.
func (src *Source) isGuessed(s, term string) bool {
	at := Find(s, term, 0)
	before, after := s[:at], s[at+len(term):]
	if len(src.Sentences) > few && (len(src.Index.Mentions(term))*common >= len(src.Sentences) || src.named().words.Overlap(term) == 1) {
		return true
	}
	if strings.HasSuffix(before, " to ") && english.CanBeVerb(term) || strings.HasPrefix(after, " ("+strings.ToUpper(term[:1])) {
		return true
	}
	if english.PlaceKind(term) != 0 {
		return english.EndsInPlace(before) || strings.HasSuffix(before, " the ")
	}
	return english.IsName(term) && !strings.Contains(term, " ") && english.NamesPersons(term)
}

// IsExchangeable reports whether s contains the term once, but not in brackets or as part of a longer name
// (photosystem II, Board of Education).
func IsExchangeable(s, term string) bool {
	at := Find(s, term, 0)
	if at < 0 || strings.Count(s[:at], "(") > strings.Count(s[:at], ")") || Find(s, term, at+1) >= 0 {
		return false
	}
	if (english.IsName(term) || YearIn(term) != "") && partOfName(s[:at]) {
		return false
	}
	after := s[at+len(term):]
	next, _, _ := strings.Cut(strings.TrimPrefix(after, " "), " ")
	return (next == "" || strings.Trim(next, "IVX.,;:)") != "" || strings.Trim(next, ".,;:)") == "") && !(english.IsName(term) && continuesName(after))
}

// continuesName reports whether the text after a name belongs to it: "James | B. Weaver", "Shays | ’ Rebellion", "Bureau | of Labor".
func continuesName(after string) bool {
	rest, spaced := strings.CutPrefix(after, " ")
	if !spaced {
		return strings.HasPrefix(after, "’ ") || strings.HasPrefix(after, "' ")
	}
	next, further, _ := strings.Cut(rest, " ")
	return english.IsName(next) || next == "of" && english.IsName(further) || len(next) > 1 && next[1] == '.'
}

// partOfName reports whether the words before a name belong to it.
func partOfName(before string) bool {
	words := strings.Fields(before)
	if len(words) == 0 {
		return false
	}
	last := words[len(words)-1]
	if last == "of" && len(words) > 1 {
		last = words[len(words)-2]
		return english.IsName(last) && len(words) > 2
	}
	return strings.HasSuffix(last, ".") || english.IsName(last) && len(words) > 1
}

// Blank replaces every mention of term by a gap and returns the term as it was first
// written.
func Blank(s, term string) (gapped, shown string) {
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

// isWholeWord reports whether s[i:j] is a whole word, or is in a script without spaces.
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
