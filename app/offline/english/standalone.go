package english

import (
	"strings"
	"unicode/utf8"

	"studysharper/app/text"
)

// Standalone returns a sentence without its opening connective ("However, …"), and whether it
// can be understood by itself: it is a statement of at least four words that does not begin
// with a pronoun or refer to other sentences.
func Standalone(s string) (string, bool) {
	s = cutConnective(s)
	if text.IsUnspaced(s) {
		return s, utf8.RuneCountInString(s) >= 6 && !strings.HasSuffix(s, "？")
	}
	toks := tokens(s)
	if len(toks) < 5 || strings.HasSuffix(s, "?") || strings.HasSuffix(s, ":") || IsCredit(s) {
		return s, len(toks) == 0 && strings.Count(s, " ") > 3 && !strings.HasSuffix(s, "?")
	}
	if anaphora.Has(toks[0].low) || toks[0].low == "the" && pointers.Has(toks[1].low) || !text.StartsUpper(s) {
		return s, false
	}
	if intro, body := cutIntro(s); intro != "" && personal.Has(strings.ToLower(text.FirstWord(body))) && prepositions.Has(toks[0].low) {
		return s, false // In 1799, he …
	}
	if toks[0].tag == preposition && (toks[1].low == "other" || toks[1].low == "such" || toks[1].low == "both" || toks[1].low == "each") {
		return s, false // In other cases, …
	}
	for i, t := range toks {
		if pointers.Has(t.low) && i > 0 && toks[i-1].low == "the" || outside.Has(t.low) || i > 0 && (t.low == "this" || t.low == "these" || t.low == "then") {
			return s, false
		}
	}
	return s, true
}

// cutConnective removes "However, ", "For the same reasons, " and the like.
func cutConnective(s string) string {
	first, rest, _ := strings.Cut(s, " ")
	low, comma := strings.CutSuffix(strings.ToLower(first), ",")
	if rest != "" && (connectives.Has(low) || comma && (openings.Has(low) || strings.HasSuffix(low, "ly"))) {
		return Capital(rest)
	}
	if intro, body := cutIntro(s); intro != "" {
		for w := range strings.FieldsSeq(strings.ToLower(strings.TrimRight(intro, ", "))) {
			if relatives.Has(strings.ToLower(text.FirstWord(body))) {
				return s
			}
			if w == "example" || w == "addition" || w == "contrast" || w == "words" || w == "reasons" || w == "result" || w == "consequence" || w == "reason" || w == "fact" {
				return Capital(body)
			}
		}
	}
	return s
}
