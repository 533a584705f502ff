package english

import (
	"slices"
	"strings"

	"studysharper/app/offline/lexicon"
)

// readLabel reads "Term: meaning", "Term – meaning" and "term = meaning" lines.
func (d *Definer) readLabel(r *reading) bool {
	for i := 1; i < len(r.toks) && i <= 6; i++ {
		t := r.toks[i]
		if !isSeparator(r, i) {
			if !t.word && !t.says("(", ")", "'", "’") || auxiliaries.Has(t.low) {
				return false
			}
			continue
		}
		if i+2 >= len(r.toks) || r.toks[i+1].start == t.end || t.s != ":" && t.s != "=" && strings.Count(r.s, t.s) > 1 {
			return false
		}
		n := d.termAt(r, 0, i)
		meaning := strings.TrimRight(r.span(i+1, len(r.toks)), ".")
		d.addDefinition(r, n, meaning, Definition{Form: formOfMeaning(meaning), Label: true, weight: 5})
		return true
	}
	return false
}

// isSeparator reports whether token i is a colon, or a dash or an equals sign after a space and outside a formula.
func isSeparator(r *reading, i int) bool {
	t := r.toks[i]
	apart := t.start > r.toks[i-1].end
	switch t.s {
	case ":":
		return true
	case "–", "—", "-":
		return apart
	default:
		return t.s == "=" && apart && !strings.ContainsAny(r.s[t.start+1:], "=+*/^<>0123456789")
	}
}

// formOfMeaning reports whether the meaning of a label is a statement or a phrase.
func formOfMeaning(meaning string) Form {
	toks := tokens(meaning)
	at := mainVerb(toks)
	if at < 1 || toks[at].form&lexicon.Participle != 0 && at+1 < len(toks) && prepositions.Has(toks[at+1].low) {
		return Phrase
	}
	return Clause
}

// readCopula reads "TERM is a …" and "TERM consists of …".
func (d *Definer) readCopula(r *reading) {
	start := clauseStart(r, 1)
	if start > 3 {
		start = 0
	}
	if intro, _ := cutIntro(r.s); intro != "" {
		for start < len(r.toks) && r.toks[start].start < len(intro) {
			start++
		}
	}
	for i := start + 1; i < len(r.toks) && i < start+9; i++ {
		low := r.low(i)
		switch {
		case afterConsistsOf(r, i) > 0:
			d.addDefinition(r, d.termAt(r, start, i), r.span(afterConsistsOf(r, i), clauseEnd(r, i)), Definition{Form: Parts, weight: 3})
			return
		case isBe(low) && low != "be":
			d.readIsA(r, start, i)
			return
		case !r.toks[i].word || r.toks[i].isFinite() || relatives.Has(low) || r.toks[i].tag == participle:
			return
		}
	}
}

// afterConsistsOf returns the token after "consists of" and similar phrases at i, or 0.
func afterConsistsOf(r *reading, i int) int {
	three := r.low(i) + " " + r.low(i+1) + " " + r.low(i+2)
	switch {
	case strings.HasPrefix(three, "consists of ") || strings.HasPrefix(three, "consist of "):
		return i + 2
	case isBe(r.low(i)) && (r.low(i+1) == "composed" && r.low(i+2) == "of" || r.low(i+1) == "made" && r.low(i+2) == "of"):
		return i + 3
	case isBe(r.low(i)) && r.low(i+1) == "made" && r.low(i+2) == "up" && r.low(i+3) == "of":
		return i + 4
	default:
		return 0
	}
}

// readIsA reads the meaning after the form of "to be" at be, if it names a kind of thing.
func (d *Definer) readIsA(r *reading, start, be int) {
	next := be + 1
	first, second := r.low(next), r.low(next+1)
	kind := articles.Has(first) || first == "any" || first == "one" && second == "of" ||
		r.toks[be].low != "be" && isKindNoun(r, next)
	n := d.termAt(r, start, be)
	if !kind || strings.Contains(n.text, " of ") && vague.Has(strings.ToLower(strings.Fields(n.text)[0])) {
		return
	}
	low := r.low(be)
	d.addDefinition(r, n, r.span(next, clauseEnd(r, next)), Definition{Plural: low == "are" || low == "were", Past: low == "was" || low == "were", weight: 5})
}

// isKindNoun reports whether a bare noun with a restriction starts at i: "proteins that …",
// "movement of …".
func isKindNoun(r *reading, i int) bool {
	for j := i; j < i+4 && j < len(r.toks) && r.toks[j].word; j++ {
		low := r.low(j)
		if j > i && (relatives.Has(low) || low != "to" && prepositions.Has(low) || low == "made" || low == "used") {
			return r.toks[j-1].tag == noun && !stopWords.Has(r.low(j-1))
		}
		if stopWords.Has(low) || strings.HasSuffix(low, "ly") {
			return false
		}
	}
	return false
}

// readApposition reads "…TERM, the … of …." at the end of a sentence and "TERM, a …, VERB" at
// its start.
func (d *Definer) readApposition(r *reading) {
	comma := slices.IndexFunc(r.toks, func(t token) bool { return t.s == "," })
	if comma < 1 || !articles.Has(r.low(comma+1)) {
		return
	}
	end := comma + 2
	for end < len(r.toks) && r.toks[end].word {
		end++
	}
	meaning := r.span(comma+1, end)
	if !isRestricted(r.toks[comma+1 : end]) {
		return
	}
	if intro, _ := cutIntro(r.s); intro != "" || subordinates.Has(r.low(0)) && r.low(0) != "that" {
		return
	}
	if end+1 < len(r.toks) {
		d.readAside(r, comma, end, meaning)
	} else if comma >= 4 && !hasFiniteVerb(r.toks[comma+1:end]) {
		np := nounStart(r, 0, comma)
		if possessives.Has(r.low(np)) {
			np++
		}
		d.addDefinition(r, d.termAt(r, np, comma), meaning, Definition{weight: 3})
	}
}

// readAside reads "TERM, a …, VERB", whose commas are at comma and end.
func (d *Definer) readAside(r *reading, comma, end int, meaning string) {
	verb := r.toks[end+1]
	if r.low(end) == "," && comma <= 5 && !hasFiniteVerb(r.toks[:comma]) && verb.isFinite() {
		d.addDefinition(r, d.termAt(r, 0, comma), meaning, Definition{Past: verb.form&lexicon.Past != 0 || verb.low == "was", weight: 4})
	}
}

// isRestricted reports whether a noun phrase restricts the meaning of its noun.
func isRestricted(toks []token) bool {
	for _, t := range toks {
		if t.low == "and" || t.low == "or" {
			return false
		}
		if t.low == "of" || t.low == "between" || relatives.Has(t.low) || t.low == "from" || t.low == "for" {
			return true
		}
	}
	return false
}
