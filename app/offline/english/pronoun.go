package english

import (
	"strings"

	"studysharper/app/text"
)

// resolvePronouns replaces a pronoun that refers to something outside the meaning by a name. It
// returns false if it cannot.
func (d *Definer) resolvePronouns(r *reading, meaning string) (string, bool) {
	toks := tokens(meaning)
	plural, noun := false, false
	for i, t := range toks {
		switch t.low {
		case "this", "these":
			if i+1 == len(toks) {
				return "", false
			}
			full := d.findAntecedent(r, toks[i+1].low)
			return meaning[:t.start] + full + meaning[toks[i+1].end:], full != ""
		case "it":
			if each := eachSubject(r); each != "" {
				return meaning[:t.start] + each + meaning[t.end:], true
			}
			if !noun {
				return "", false
			}
		case "they", "them", "their":
			if !plural {
				return "", false
			}
		case "he", "she", "we", "you", "i", "his", "her", "its":
			if !noun {
				return "", false
			}
		default:
			plural, noun = plural || Plural(t.low), noun || t.word && !stopWords.Has(t.low)
		}
	}
	return meaning, true
}

// eachSubject returns the subject of a sentence like "Each type of pigment can …", or "".
func eachSubject(r *reading) string {
	if first := r.low(0); first != "each" && first != "every" {
		return ""
	}
	at := mainVerb(r.toks)
	if at < 2 || at > 6 {
		return ""
	}
	return strings.ToLower(r.s[:1]) + r.s[1:r.toks[at-1].end]
}

// findAntecedent returns the noun phrase at the last mention of noun before "this noun", in
// the same sentence or the one before.
func (d *Definer) findAntecedent(r *reading, noun string) string {
	sources := []string{r.s}
	if r.i > 0 {
		sources = append(sources, d.sentences[r.i-1])
	}
	for _, s := range sources {
		toks := tokens(s)
		for i := 1; i < len(toks); i++ {
			if text.Stem(toks[i].low) == text.Stem(noun) && !anaphora.Has(toks[i-1].low) {
				return d.casing.Lower(s[toks[phraseStart(toks, i)].start:toks[phraseEnd(toks, i)-1].end])
			}
		}
	}
	return ""
}

// phraseStart walks back from a noun over its adjectives to its article.
func phraseStart(toks []token, i int) int {
	for i > 0 && toks[i-1].word && (toks[i-1].tag == noun || toks[i-1].tag == adjective || toks[i-1].tag == determiner) && (!stopWords.Has(toks[i-1].low) || articles.Has(toks[i-1].low)) {
		i--
		if articles.Has(toks[i].low) {
			break
		}
	}
	return i
}

// phraseEnd walks forward from a noun over the "of …" after it.
func phraseEnd(toks []token, i int) int {
	end := i + 1
	if end >= len(toks) || toks[end].low != "of" {
		return end
	}
	for end < len(toks) && toks[end].word && end < i+9 && !relatives.Has(toks[end].low) && !auxiliaries.Has(toks[end].low) {
		end++
	}
	return end
}
