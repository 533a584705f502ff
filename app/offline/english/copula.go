package english

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"studysharper/app/text"
)

// label reads "Term: meaning", "Term – meaning" and "term = meaning" lines.
func (d *definer) label(r *reading) bool {
	for i := 1; i < len(r.toks) && i <= 6; i++ {
		t := r.toks[i]
		dash := (t.s == "–" || t.s == "—" || t.s == "-") && t.start > r.toks[i-1].end
		equals := t.s == "=" && t.start > r.toks[i-1].end && !strings.ContainsAny(r.s[t.start+1:], "=+*/^<>0123456789") // no formula
		if t.s != ":" && !dash && !equals {
			if !t.word && t.s != "(" && t.s != ")" && t.s != "'" && t.s != "’" || auxiliaries.Has(t.low) {
				return false
			}
			continue
		}
		if i+2 >= len(r.toks) || r.toks[i+1].start == t.end || dash && strings.Count(r.s, t.s) > 1 {
			return false
		}
		first := 0
		if articles.Has(r.low(0)) {
			first = 1
		}
		n := name{text: r.span(first, i), end: i}
		if first == 1 {
			n.article = r.low(0)
		}
		meaning := strings.TrimRight(r.span(i+1, len(r.toks)), ".")
		d.add(r, n, meaning, Definition{Form: labelForm(meaning), Label: true, weight: 5})
		return true
	}
	return false
}

// labelForm tells a label's statement from a phrase.
func labelForm(meaning string) Form {
	toks := tokens(meaning)
	at, v := mainVerb(toks)
	if at < 1 || v.form == pastForm && at+1 < len(toks) && prepositions.Has(toks[at+1].low) {
		return Phrase
	}
	return Clause
}

// copula reads "TERM is a …" and "TERM consists of …".
func (d *definer) copula(r *reading) {
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
		case consists(r, i) > 0:
			d.add(r, d.term(r, start, i), r.span(consists(r, i), clauseEnd(r, i)), Definition{Form: Parts, weight: 3})
			return
		case isBe(low) && low != "be":
			d.isA(r, start, i)
			return
		case !r.toks[i].word || auxiliaries.Has(low) || relatives.Has(low) || verbs[low].form == pastForm:
			return
		}
	}
}

// consists is the token behind "consists of" and the like at i; 0 for none.
func consists(r *reading, i int) int {
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

// isA adds what stands behind the "is" at be, when it names a kind of thing.
func (d *definer) isA(r *reading, start, be int) {
	next := be + 1
	first, second := r.low(next), r.low(next+1)
	kind := articles.Has(first) || first == "any" || first == "one" && second == "of" ||
		r.toks[be].low != "be" && kindNoun(r, next)
	n := d.term(r, start, be)
	if !kind || strings.Contains(n.text, " of ") && vague.Has(strings.ToLower(strings.Fields(n.text)[0])) {
		return
	}
	low := r.low(be)
	d.add(r, n, r.span(next, clauseEnd(r, next)), Definition{Plural: low == "are" || low == "were", Past: low == "was" || low == "were", weight: 5})
}

// kindNoun reports whether a bare noun with a restriction stands at i: "proteins
// that …", "movement of …".
func kindNoun(r *reading, i int) bool {
	for j := i; j < i+4 && j < len(r.toks) && r.toks[j].word; j++ {
		low := r.low(j)
		if j > i && (relatives.Has(low) || low == "of" || low == "made" || low == "used") {
			noun := r.low(j - 1)
			return verbs[noun].form != pastForm && !strings.HasSuffix(noun, "ed") && !stopWords.Has(noun)
		}
		if stopWords.Has(low) || strings.HasSuffix(low, "ly") {
			return false
		}
	}
	return false
}

// apposition reads "…TERM, the … of …." at the end of a sentence and "TERM, a …,
// VERB" at its start.
func (d *definer) apposition(r *reading) {
	comma := -1
	for i, t := range r.toks {
		if t.s == "," {
			comma = i
			break
		}
	}
	if comma < 1 || !articles.Has(r.low(comma+1)) {
		return
	}
	end := comma + 2
	for end < len(r.toks) && r.toks[end].word {
		end++
	}
	meaning := r.span(comma+1, end)
	if !restricts(r.toks[comma+1 : end]) {
		return
	}
	switch intro, _ := cutIntro(r.s); {
	case intro != "" || subordinates.Has(r.low(0)) && r.low(0) != "that":
	case end < len(r.toks)-1 && r.low(end) == "," && comma <= 5 && !finiteAfter(r.toks[:comma], 0) && after(r, end+1):
		d.add(r, d.term(r, 0, comma), meaning, Definition{Past: verbs[r.low(end+1)].form == pastForm || r.low(end+1) == "was", weight: 4})
	case end >= len(r.toks)-1 && comma >= 4 && !finiteAfter(r.toks[comma+1:end], 0):
		np := nounStart(r, 0, comma)
		if possessives.Has(r.low(np)) {
			np++
		}
		d.add(r, d.term(r, np, comma), meaning, Definition{weight: 3})
	}
}

// after reports whether a finite verb stands at i.
func after(r *reading, i int) bool {
	v := verbs[r.low(i)]
	return auxiliaries.Has(r.low(i)) || v.form == pastForm || v.form == thirdForm
}

// restricts reports whether a noun phrase says more than its noun.
func restricts(toks []token) bool {
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

// pluralSubject reports whether the subject takes a plural verb.
func pluralSubject(subject []token) bool {
	if irregularPlurals.Has(subject[0].low) {
		return true
	}
	head := ""
	for i, t := range subject {
		if t.low == "and" && i > 0 {
			return true
		}
		if i > 0 && (prepositions.Has(t.low) || t.s == "(" || t.s == ",") {
			break
		}
		if v := verbs[t.low]; v.form == pastForm && head != "" {
			break // pigments found in ...
		}
		if !isAdverb(t.low) {
			head = t.low
		}
	}
	return Plural(head) && subject[0].low != "each" && subject[0].low != "every"
}

// Plural reports whether a term reads like a plural: its last word does, or it
// joins two things.
func Plural(term string) bool {
	term = strings.ToLower(term)
	head, _, _ := strings.Cut(term, " of ")
	word := head[strings.LastIndexByte(head, ' ')+1:]
	if strings.Contains(term, " and ") || irregularPlurals.Has(word) {
		return true
	}
	for _, suffix := range []string{"ss", "us", "is", "ics"} {
		if strings.HasSuffix(word, suffix) {
			return false
		}
	}
	return strings.HasSuffix(word, "s") && len(word) > 2
}

// IsName reports whether a term reads like a name: it begins with a capital and is
// not all capitals.
func IsName(term string) bool {
	r, size := utf8.DecodeRuneInString(term)
	return unicode.IsUpper(r) && term[size:] != strings.ToUpper(term[size:])
}

// IsPerson reports whether a definition tells who rather than what something is.
func IsPerson(d Definition) bool {
	if r, _ := utf8.DecodeRuneInString(d.Term); !unicode.IsUpper(r) || d.Form != Phrase {
		return false
	}
	words := strings.Fields(strings.ToLower(d.Meaning))
	for _, w := range words[:min(6, len(words))] {
		switch {
		case persons.Has(strings.Trim(w, ",")):
			return true
		case prepositions.Has(w) || relatives.Has(w):
			return false
		}
	}
	return false
}

// StartsWithPronoun reports whether s opens with a word that points back.
func StartsWithPronoun(s string) bool { return anaphora.Has(strings.ToLower(text.FirstWord(s))) }

// IsVague reports whether a noun phrase such as "the function of leaves" names a
// relation of a thing rather than a thing.
func IsVague(phrase string) bool {
	head, _, _ := strings.Cut(strings.ToLower(phrase), " of ")
	return vague.Has(head[strings.LastIndexByte(head, ' ')+1:])
}
