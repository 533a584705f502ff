package english

import (
	"strings"

	"studysharper/app/text"
)

// readSentence tries every pattern of a definition on one sentence.
func (d *Definer) readSentence(r *reading) {
	if d.readLabel(r) {
		return
	}
	for i := range r.toks {
		switch after := afterNaming(r, i); {
		case after > 0:
			d.readCalled(r, i, after)
		case r.toks[i].low == "refer" && r.low(i+1) == "to":
			d.readReferred(r, i)
		case i > 2 && r.low(i-1) == "which" && r.low(i-2) == "," && isBe(r.low(i)):
			d.readWhichIs(r, i)
		}
	}
	if !strings.HasSuffix(r.s, "?") {
		d.readCopula(r)
		d.readApposition(r)
	}
}

// afterNaming returns the token after "called", "known as" and similar words at i, or 0.
func afterNaming(r *reading, i int) int {
	switch low := r.low(i); {
	case low == "called" || low == "termed":
		return i + 1
	case (low == "known" || low == "defined") && r.low(i+1) == "as":
		return i + 2
	case low == "referred" && r.low(i+1) == "to" && r.low(i+2) == "as":
		return i + 3
	default:
		return 0
	}
}

func isBe(s string) bool { return s == "is" || s == "are" || s == "was" || s == "were" || s == "be" }

// readName reads the term that begins at i.
func (d *Definer) readName(r *reading, i int) name {
	n := name{}
	quote := ""
	if q := r.low(i); q != "" && strings.Contains(`"“'‘`, q) {
		quote, i = q, i+1
	}
	if articles.Has(r.low(i)) {
		n.article, i = r.low(i), i+1
	}
	end := i
	for end < len(r.toks) && end < i+6 && r.toks[end].word {
		t := r.toks[end]
		if t.low != "of" && isIn(t.low, prepositions, auxiliaries, relatives, subordinates) || t.says("and", "or", "but") || end > i && quote == "" && t.isFinite() {
			break
		}
		end++
	}
	n.text, n.end = r.span(i, end), end
	if quote != "" {
		n.end++
	}
	return n
}

// readCalled reads sentences that describe a thing and then name it.
func (d *Definer) readCalled(r *reading, at, after int) {
	n := d.readName(r, after)
	left := at - 1
	for left >= 0 && (namingAdverbs.Has(r.low(left)) || strings.HasSuffix(r.low(left), "ly")) {
		left--
	}
	be := isBe(r.low(left))
	past := r.low(left) == "was" || r.low(left) == "were"
	for left >= 0 && (isBe(r.low(left)) || isIn(r.low(left), auxiliaries, namingAdverbs)) {
		left--
	}
	start := clauseStart(r, at)
	if !be {
		d.readNamed(r, n, start, at)
		return
	}
	switch which := findWhich(r, left); {
	case which > 0:
		d.readRelative(r, n, start, which, past)
	case r.low(at) == "defined":
		d.readDefined(r, start, left+1, after, past)
	case left >= start:
		d.readSubject(r, n, start, left+1, past)
	}
}

// readNamed reads "…, called TERM" and "a NOUN called TERM".
func (d *Definer) readNamed(r *reading, n name, start, at int) {
	if r.low(at-1) == "," {
		d.readAfterComma(r, n, start, at-1)
	} else if at > start {
		d.readNounCalled(r, n, start, at)
	}
}

// readRelative reads "…, which is called TERM".
func (d *Definer) readRelative(r *reading, n name, start, which int, past bool) {
	end := which
	if r.low(end-1) == "," {
		end--
	}
	np := nounStart(r, start, end)
	meaning := r.span(np, end) + d.thatClause(r, start, np)
	d.addDefinition(r, n, meaning, Definition{Past: past, weight: 3})
}

// thatClause turns the tokens before a noun phrase that is their object into " that SUBJECT VERB".
// It returns "" if they have another form.
func (d *Definer) thatClause(r *reading, start, np int) string {
	end := np
	for end > start && (r.low(end-1) == "only" || r.low(end-1) == "just") {
		end--
	}
	at := mainVerb(r.toks[start:max(start, end)])
	if at < 1 || end-start > 12 || prepositions.Has(r.low(end-1)) || start+at == end-1 && auxiliaries.Has(r.low(end-1)) {
		return ""
	}
	var parts []string
	for i := start; i < end; i++ {
		if r.low(i) != "only" {
			parts = append(parts, r.toks[i].s)
		}
	}
	if strings.ContainsAny(strings.Join(parts, ""), `,("“`) {
		return ""
	}
	return " that " + d.casing.Lower(strings.Join(parts, " "))
}

// readDefined reads "TERM is defined as MEANING".
func (d *Definer) readDefined(r *reading, start, end, after int, past bool) {
	n := d.termAt(r, start, end)
	d.addDefinition(r, n, r.span(after, clauseEnd(r, after)), Definition{Past: past, weight: 6})
}

// termAt returns the term in tokens[start:end].
func (d *Definer) termAt(r *reading, start, end int) name {
	n := name{end: end}
	if articles.Has(r.low(start)) {
		n.article = r.low(start)
		start++
	}
	n.text = r.span(start, end)
	return n
}

// readSubject reads "MEANING is called TERM". If the subject is a pronoun, the meaning is the
// sentence before.
func (d *Definer) readSubject(r *reading, n name, start, end int, past bool) {
	if anaphora.Has(r.low(start)) {
		if r.i > 0 && start == 0 && !strings.HasSuffix(d.sentences[r.i-1], "?") {
			d.addDefinition(r, n, d.sentences[r.i-1], Definition{Form: Clause, weight: 2})
		}
		return
	}
	if end-start > 1 && !relatives.Has(r.low(start)) && r.low(start) != "there" {
		d.addDefinition(r, n, r.span(start, end), Definition{Past: past, weight: 4})
	}
}

// readAfterComma reads "…, called TERM": the meaning is the noun phrase before the comma, or
// the whole clause.
func (d *Definer) readAfterComma(r *reading, n name, start, comma int) {
	np := nounStart(r, start, comma)
	if a := r.low(np); a == "a" || a == "an" {
		d.addDefinition(r, n, r.span(np, comma), Definition{weight: 3})
		return
	}
	if n.end < len(r.toks)-1 && hasFiniteVerb(r.toks[min(start, comma):comma]) {
		return // the clause continues
	}
	d.addDefinition(r, n, r.span(start, comma), Definition{Form: Clause, weight: 2})
}

// readNounCalled reads "a NOUN called TERM", with the rest of the sentence as its meaning.
func (d *Definer) readNounCalled(r *reading, n name, start, at int) {
	np := nounStart(r, start, at)
	noun, before := r.span(np, at), r.low(np-1)
	switch {
	case np == start && n.end < len(r.toks) && r.toks[n.end].isFinite():
		noun += " that " + r.span(n.end, clauseEnd(r, n.end))
	case carriers.Has(before) && np-start > 2:
		noun += " " + before + " which " + d.casing.Lower(r.span(start, np-1))
	case r.low(n.end) == "," && r.low(n.end+1) == "which" || r.low(n.end) == "that" || r.low(n.end) == "which":
		next := n.end
		if r.low(next) == "," {
			next++
		}
		noun += " " + r.span(next, clauseEnd(r, next))
	default:
		noun += d.thatClause(r, start, np)
	}
	d.addDefinition(r, n, noun, Definition{weight: 3})
}

// readReferred reads "… refer to MEANING as TERM".
func (d *Definer) readReferred(r *reading, i int) {
	for as := i + 3; as < len(r.toks) && as < i+20; as++ {
		if r.low(as) == "as" {
			d.addDefinition(r, d.readName(r, as+1), r.span(i+2, as), Definition{weight: 3})
			return
		}
	}
}

// readWhichIs reads "MEANING, which is the TERM." The text must use the term elsewhere too;
// otherwise this is only a remark.
func (d *Definer) readWhichIs(r *reading, be int) {
	n := d.readName(r, be+1)
	words := text.Words(n.text)
	if !articles.Has(r.low(be+1)) || n.end < len(r.toks)-1 || len(words) != 2 || d.countPairs(words[0], words[1]) < 2 {
		return
	}
	start := clauseStart(r, be-2)
	np := nounStart(r, start, be-2)
	d.addDefinition(r, n, r.span(np, be-2), Definition{Past: r.low(be) == "was", weight: 3})
}

// countPairs returns how often two words are adjacent, in any inflection. It is slow, but rarely needed.
func (d *Definer) countPairs(first, second string) (n int) {
	first, second = text.Stem(first), text.Stem(second)
	for _, s := range d.sentences {
		before := ""
		for _, w := range text.Words(s) {
			stem := text.Stem(w)
			if before == first && stem == second {
				n++
			}
			before = stem
		}
	}
	return n
}
