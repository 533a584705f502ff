package english

import (
	"strings"

	"studysharper/app/offline/lexicon"
)

// clauseStart returns the index of the first token of the clause before token i.
func clauseStart(r *reading, i int) int {
	for i = max(0, i-1); i > 0; i-- {
		if s := r.toks[i].s; s == "," && turns.Has(r.low(i+1)) {
			return i
		} else if s == ";" || s == ":" || s == "—" {
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

// findWhich returns the relative pronoun that ends at left, possibly with a noun between
// ("which portion"), or 0.
func findWhich(r *reading, left int) int {
	for i := left; i >= max(1, left-1); i-- {
		if r.low(i) == "which" || r.low(i) == "that" {
			return i
		}
	}
	return 0
}

// nounStart returns the start of the noun phrase that ends before end: its article, or the
// token after the verb or punctuation before it.
func nounStart(r *reading, start, end int) int {
	for i := end - 1; i >= start && i > end-18; i-- {
		t := r.toks[i]
		switch {
		case !t.word && t.s != "β" && !strings.ContainsAny(t.s, "'’"):
			return i + 1
		case isIn(t.low, articles, possessives) && r.low(i-1) != "of" && r.low(i-1) != "between":
			return i
		case i < end-1 && t.isFinite() && !personal.Has(r.low(i-1)) && (t.form&lexicon.Participle == 0 || r.toks[i+1].tag != preposition):
			return i + 1
		}
	}
	return start
}

// clauseEnd returns the end of the clause with token i.
func clauseEnd(r *reading, i int) int {
	for ; i < len(r.toks); i++ {
		if s := r.toks[i].s; s == ";" || s == "—" || s == "." && i == len(r.toks)-1 || opensPredicate(r.toks, i) {
			if i > 0 && r.toks[i-1].s == "," && r.toks[i].tag == coordinator {
				return i - 1
			}
			return i
		}
	}
	return len(r.toks)
}

// opensPredicate reports whether "and" or "but" at i joins another predicate or clause: "and often
// occurs …", "but they are …".
func opensPredicate(toks []token, i int) bool {
	if toks[i].tag != coordinator {
		return false
	}
	for j := i + 1; j < min(len(toks), i+5); j++ {
		switch {
		case toks[j].isFinite():
			return !hasOpenRelative(toks[:i])
		case toks[j].tag != adverb && toks[j].tag != pronoun:
			return false
		}
	}
	return false
}

// hasOpenRelative reports whether the tokens end inside a relative clause.
func hasOpenRelative(toks []token) bool {
	for j := len(toks) - 1; j >= 0 && toks[j].s != ","; j-- {
		if toks[j].tag == subordinator {
			return true
		}
	}
	return false
}
