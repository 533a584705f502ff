package english

import (
	"slices"
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
	return s, text.StartsUpper(s) && !opensBack(s, toks) && !slices.ContainsFunc(toks[1:], func(t token) bool {
		return outside.Has(t.low) || t.low == "this" || t.low == "these" || t.low == "then"
	}) && !hasPointer(toks)
}

// opensBack reports whether a sentence begins with a reference to another one: "It …", "In 1799, he …", "In other cases, …".
func opensBack(s string, toks []token) bool {
	if anaphora.Has(toks[0].low) || outside.Has(toks[0].low) {
		return true
	}
	if toks[0].tag != preposition && !prepositions.Has(toks[0].low) {
		return false
	}
	switch toks[1].low {
	case "other", "such", "both", "each":
		return true
	}
	intro, body := cutIntro(s)
	return intro != "" && personal.Has(strings.ToLower(text.FirstWord(body)))
}

// hasPointer reports whether a sentence contains "the former", "the last two" or the like.
func hasPointer(toks []token) bool {
	for i, t := range toks[1:] {
		if pointers.Has(t.low) && toks[i].low == "the" {
			return true
		}
	}
	return false
}

// cutConnective removes an opening such as "However, " or "For the same reasons, ".
func cutConnective(s string) string {
	first, rest, _ := strings.Cut(s, " ")
	low, comma := strings.CutSuffix(strings.ToLower(first), ",")
	if rest != "" && !strings.HasPrefix(rest, "of ") && (connectives.Has(low) || comma && (openings.Has(low) || strings.HasSuffix(low, "ly"))) {
		return Capital(rest)
	}
	intro, body := cutIntro(s)
	if relatives.Has(strings.ToLower(text.FirstWord(body))) {
		return s
	}
	for w := range strings.FieldsSeq(strings.ToLower(strings.TrimRight(intro, ", "))) {
		if joining.Has(w) {
			return Capital(body)
		}
	}
	return s
}
