package english

import (
	"strings"

	"studysharper/app/text"
)

// read tries every way of defining a term on one sentence.
func (d *definer) read(r *reading) {
	if d.label(r) {
		return
	}
	for i := range r.toks {
		switch after := naming(r, i); {
		case after > 0:
			d.called(r, i, after)
		case r.toks[i].low == "refer" && r.low(i+1) == "to":
			d.referred(r, i)
		case i > 2 && r.low(i-1) == "which" && r.low(i-2) == "," && isBe(r.low(i)):
			d.whichIs(r, i)
		}
	}
	if !strings.HasSuffix(r.s, "?") {
		d.copula(r)
		d.apposition(r)
	}
}

// naming is the token behind "called", "known as" and the like at i; 0 for none.
func naming(r *reading, i int) int {
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

// name reads the term that begins at i.
func (d *definer) name(r *reading, i int) name {
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
		low := r.toks[end].low
		v := verbs[low]
		if low != "of" && (prepositions.Has(low) || auxiliaries.Has(low) || relatives.Has(low) || subordinates.Has(low) || low == "and" || low == "or" || low == "but") {
			break
		}
		if end > i && quote == "" && (v.form == thirdForm || v.form == baseForm && Plural(r.toks[end-1].low)) {
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

// called reads the sentences that name a thing after telling of it.
func (d *definer) called(r *reading, at, after int) {
	n := d.name(r, after)
	left := at - 1
	for left >= 0 && (namingAdverbs.Has(r.low(left)) || strings.HasSuffix(r.low(left), "ly")) {
		left--
	}
	be := isBe(r.low(left))
	past := r.low(left) == "was" || r.low(left) == "were"
	for left >= 0 && (isBe(r.low(left)) || auxiliaries.Has(r.low(left)) || namingAdverbs.Has(r.low(left))) {
		left--
	}
	start := clauseStart(r, at)
	switch which := whichBefore(r, left); {
	case be && which > 0:
		d.relative(r, n, start, which, past)
	case be && r.low(at) == "defined":
		d.defined(r, start, left+1, after, past)
	case be && left >= start:
		d.subject(r, n, start, left+1, past)
	case !be && r.low(at-1) == ",":
		d.afterComma(r, n, start, at-1)
	case !be && at > start:
		d.nounCalled(r, n, start, at)
	}
}

// clauseStart is where the clause around i begins.
func clauseStart(r *reading, i int) int {
	for i = max(0, i-1); i > 0; i-- {
		if s := r.toks[i].s; s == ";" || s == ":" || s == "—" {
			return i + 1
		}
	}
	for i < len(r.toks) && connectives.Has(r.low(i)) {
		i++
		if r.low(i) == "," {
			i++
		}
	}
	return i
}

// whichBefore is the relative pronoun that ends at left, a noun allowed between
// ("which portion"); 0 for none.
func whichBefore(r *reading, left int) int {
	for i := left; i >= max(1, left-1); i-- {
		if r.low(i) == "which" || r.low(i) == "that" {
			return i
		}
	}
	return 0
}

// relative reads "…, which is called TERM".
func (d *definer) relative(r *reading, n name, start, which int, past bool) {
	end := which
	if r.low(end-1) == "," {
		end--
	}
	np := nounStart(r, start, end)
	meaning := r.span(np, end) + d.that(r, start, np)
	d.add(r, n, meaning, Definition{Past: past, weight: 3})
}

// that is " that SUBJECT VERB" out of the tokens before a noun phrase, which is
// the verb's object; "" where they are not just that.
func (d *definer) that(r *reading, start, np int) string {
	end := np
	for end > start && (r.low(end-1) == "only" || r.low(end-1) == "just") {
		end--
	}
	at, v := mainVerb(r.toks[start:max(start, end)])
	if at < 1 || end-start > 12 || prepositions.Has(r.low(end-1)) || auxiliaries.Has(r.low(end-1)) && v.base == r.low(end-1) {
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

// nounStart is where the noun phrase that ends before end begins: at its article,
// or behind the verb or mark before it.
func nounStart(r *reading, start, end int) int {
	for i := end - 1; i >= start && i > end-18; i-- {
		t := r.toks[i]
		switch {
		case !t.word && t.s != "β" && !strings.ContainsAny(t.s, "'’"):
			return i + 1
		case (articles.Has(t.low) || possessives.Has(t.low)) && r.low(i-1) != "of" && r.low(i-1) != "between":
			return i
		case (auxiliaries.Has(t.low) || verbs[t.low].form == thirdForm || verbs[t.low].form == baseForm && i > start && Plural(r.low(i-1))) && !personal.Has(r.low(i-1)) && i < end-1:
			return i + 1
		}
	}
	return start
}

// defined reads "TERM is defined as MEANING".
func (d *definer) defined(r *reading, start, end, after int, past bool) {
	n := d.term(r, start, end)
	d.add(r, n, r.span(after, clauseEnd(r, after)), Definition{Past: past, weight: 6})
}

// term is the name that tokens start to end are.
func (d *definer) term(r *reading, start, end int) name {
	n := name{end: end}
	if articles.Has(r.low(start)) {
		n.article = r.low(start)
		start++
	}
	n.text = r.span(start, end)
	return n
}

// subject reads "MEANING is called TERM"; a subject that only points back stands
// for the sentence before.
func (d *definer) subject(r *reading, n name, start, end int, past bool) {
	if anaphora.Has(r.low(start)) {
		if r.i > 0 && start == 0 && !strings.HasSuffix(d.sentences[r.i-1], "?") {
			d.add(r, n, d.sentences[r.i-1], Definition{Form: Clause, weight: 2})
		}
		return
	}
	if end-start > 1 && !relatives.Has(r.low(start)) && r.low(start) != "there" {
		d.add(r, n, r.span(start, end), Definition{Past: past, weight: 4})
	}
}

// afterComma reads "…, called TERM": the noun phrase before the comma, or the
// whole clause.
func (d *definer) afterComma(r *reading, n name, start, comma int) {
	np := nounStart(r, start, comma)
	if a := r.low(np); a == "a" || a == "an" {
		d.add(r, n, r.span(np, comma), Definition{weight: 3})
		return
	}
	d.add(r, n, r.span(start, comma), Definition{Form: Clause, weight: 2})
}

// nounCalled reads "a NOUN called TERM", with what the sentence says of it.
func (d *definer) nounCalled(r *reading, n name, start, at int) {
	np := nounStart(r, start, at)
	noun, before := r.span(np, at), r.low(np-1)
	v := verbs[r.low(n.end)]
	switch {
	case np == start && (auxiliaries.Has(r.low(n.end)) || v.base != ""):
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
		noun += d.that(r, start, np)
	}
	d.add(r, n, noun, Definition{weight: 3})
}

// clauseEnd is where the clause that holds token i ends.
func clauseEnd(r *reading, i int) int {
	for ; i < len(r.toks); i++ {
		if s := r.toks[i].s; s == ";" || s == "—" || s == "." && i == len(r.toks)-1 {
			return i
		}
	}
	return len(r.toks)
}

// referred reads "… refer to MEANING as TERM".
func (d *definer) referred(r *reading, i int) {
	for as := i + 3; as < len(r.toks) && as < i+20; as++ {
		if r.low(as) == "as" {
			d.add(r, d.name(r, as+1), r.span(i+2, as), Definition{weight: 3})
			return
		}
	}
}

// whichIs reads "MEANING, which is the TERM." The term must be spoken of elsewhere
// too: otherwise it is rather a remark.
func (d *definer) whichIs(r *reading, be int) {
	n := d.name(r, be+1)
	words := text.Words(n.text)
	if !articles.Has(r.low(be+1)) || n.end < len(r.toks)-1 || len(words) != 2 || d.pairs[text.Stem(words[0])+" "+text.Stem(words[1])] < 2 {
		return
	}
	start := clauseStart(r, be-2)
	np := nounStart(r, start, be-2)
	d.add(r, n, r.span(np, be-2), Definition{Past: r.low(be) == "was", weight: 3})
}
