package english

import (
	"maps"
	"slices"
	"strings"

	"studysharper/app/text"
)

// A verb is the base of an inflected verb, and its form.
type verb struct {
	base string
	form verbForm
}

type verbForm int

const (
	baseForm verbForm = iota + 1
	thirdForm
	pastForm
)

// verbs contains every form of the verbs that are common in study texts.
var verbs = inflectVerbs(lists["verb"], text.PastForms())

// inflectVerbs returns every form of the bases; past contains the irregular past forms.
func inflectVerbs(bases, past text.WordList) map[string]verb {
	m := make(map[string]verb, 4*len(bases))
	irregular := make(map[string]bool, len(past))
	for _, base := range past {
		irregular[base] = true
	}
	for _, b := range slices.Sorted(maps.Keys(bases)) {
		third, ed := b+"s", b+"ed"
		switch last := b[len(b)-1]; {
		case last == 'y' && !strings.ContainsRune("aeo", rune(b[len(b)-2])):
			third, ed = b[:len(b)-1]+"ies", b[:len(b)-1]+"ied"
		case last == 's' || last == 'x' || last == 'z' || strings.HasSuffix(b, "ch") || strings.HasSuffix(b, "sh"):
			third = b + "es"
		case last == 'e':
			ed = b + "d"
		case doubled.Has(b):
			ed = b + b[len(b)-1:] + "ed"
		}
		m[b], m[third] = verb{b, baseForm}, verb{b, thirdForm}
		if !irregular[b] {
			m[ed] = verb{b, pastForm}
		}
	}
	for form, base := range past {
		m[form] = verb{base, pastForm}
	}
	return m
}

// mainVerb returns the finite verb whose subject is the words before it, or -1 if that is not
// clear. For a form of be, have, do or a modal it returns baseForm with the word itself as the
// base.
func mainVerb(toks []token) (int, verb) {
	if len(toks) == 0 || !toks[0].word || !canOpenSubject(toks[0].low) {
		return -1, verb{}
	}
	for i := 1; i < len(toks); i++ {
		t := toks[i]
		switch {
		case t.s == "(" || t.s == "[" || t.s == ",":
			if i = endOfAside(toks, i); i < 0 {
				return -1, verb{}
			}
		case !t.word:
			if !strings.ContainsAny(t.s, `"“”'’`) {
				return -1, verb{}
			}
		case relatives.Has(t.low):
			return -1, verb{}
		case auxiliaries.Has(t.low):
			return i, verb{t.low, baseForm}
		default:
			if v, ok := agreesWithSubject(toks, i); ok {
				return i, v
			}
		}
	}
	return -1, verb{}
}

// canOpenSubject reports whether the subject of a sentence can begin with the word.
func canOpenSubject(low string) bool {
	return !prepositions.Has(low) && !subordinates.Has(low) && low != "there" && low != "not" && !auxiliaries.Has(low) || low == "that"
}

// endOfAside returns the last token of the bracket, or of the aside between commas, that
// starts at i; -1 if there is none.
func endOfAside(toks []token, i int) int {
	closer := map[string]string{"(": ")", "[": "]", ",": ","}[toks[i].s]
	if closer == "," && (i+1 == len(toks) || !asides.Has(toks[i+1].low)) {
		return -1
	}
	end := -1
	for j := i + 1; j < len(toks); j++ {
		if toks[j].s != closer {
			continue
		}
		if end = j; closer != "," || j+1 == len(toks) || auxiliaries.Has(toks[j+1].low) || verbs[toks[j+1].low].base != "" {
			break // the comma of an enumeration inside the aside is not its end
		}
	}
	return end
}

// agreesWithSubject reports whether token i is a lexical verb that agrees with the subject
// before it.
func agreesWithSubject(toks []token, i int) (verb, bool) {
	v, ok := verbs[toks[i].low]
	prev := toks[i-1].low
	if !ok || toks[i].s != toks[i].low || comparatives.Has(v.base) || prepositions.Has(prev) || prev == "and" || prev == "or" {
		return v, false
	}
	if determiners.Has(prev) && (i > 1 || articles.Has(prev)) && (prev != "a" || v.form != thirdForm) { // chlorophyll a absorbs
		return v, false
	}
	if i+1 < len(toks) {
		next := toks[i+1].low
		if next == "of" && v.base != "consist" || auxiliaries.Has(next) || next == "and" {
			return v, false
		}
	}
	switch v.form {
	case baseForm:
		return v, pluralSubject(toks[:i])
	case thirdForm:
		return v, !pluralSubject(toks[:i])
	default:
		return v, !isParticiple(toks, i)
	}
}

// isParticiple reports whether the past form at i modifies the noun before it ("pigments found
// in plants are …").
func isParticiple(toks []token, i int) bool {
	if low := toks[i].low; low == "called" || low == "named" {
		return true
	}
	for j := i + 1; j < len(toks) && toks[j].word && !relatives.Has(toks[j].low) && toks[j].low != "and"; j++ {
		if auxiliaries.Has(toks[j].low) {
			return true
		}
	}
	return i+1 < len(toks) && (prepositions.Has(toks[i+1].low) || relatives.Has(toks[i+1].low)) && hasFiniteVerbAfter(toks, i+1)
}

// hasFiniteVerbAfter reports whether a finite verb follows in the same clause.
func hasFiniteVerbAfter(toks []token, i int) bool {
	for ; i < len(toks); i++ {
		if low := toks[i].low; low == ";" || subordinates.Has(low) && low != "that" && low != "as" {
			return false
		}
		if v := verbs[toks[i].low]; auxiliaries.Has(toks[i].low) || v.form == thirdForm || v.form == pastForm {
			return true
		}
	}
	return false
}

func isAdverb(low string) bool {
	return strings.HasSuffix(low, "ly") || low == "only" || low == "also" || low == "often" || low == "never" || low == "always"
}

// Invert turns a statement into the part of a question that follows the question word:
// "chlorophyll appears green" becomes "does chlorophyll appear green". It reports false if the
// verb is not clear.
func Invert(clause string, c Casing) (string, bool) {
	clause = strings.TrimRight(clause, ".!… ")
	intro, body := cutIntro(clause)
	toks := tokens(body)
	at, v := mainVerb(toks)
	if at < 1 || strings.Contains(body, ";") || joinsClauses(toks[at+1:]) {
		return "", false
	}
	subject, rest := c.Lower(span(body, toks, 0, at)), span(body, toks, at+1, len(toks))
	front := toks[at].low
	switch main := !auxiliaries.Has(front) || isHave(front) && !isPerfect(toks[at+1:]); {
	case main && v.form != baseForm && joinsVerbs(toks[at+1:], v.form):
		return "", false
	case main:
		front, v.base = supportVerb(front, v)
		rest = strings.TrimSpace(v.base + " " + rest)
	}
	if intro != "" {
		rest += " " + c.Lower(strings.TrimRight(intro, ", "))
	}
	return strings.ReplaceAll(strings.TrimSpace(front+" "+subject+" "+rest), " ,", ","), true
}

// Split splits a statement into its subject and its predicate, which begins with the finite
// verb. It reports false if the verb is not clear.
func Split(clause string) (subject, predicate string, ok bool) {
	clause = strings.TrimRight(clause, ".!… ")
	toks := tokens(clause)
	at, _ := mainVerb(toks)
	if at < 1 {
		return "", "", false
	}
	for at > 1 && isAdverb(toks[at-1].low) {
		at--
	}
	return span(clause, toks, 0, at), span(clause, toks, at, len(toks)), true
}

// IsStatement reports whether clause has a subject with a clear finite verb.
func IsStatement(clause string) bool {
	_, body := cutIntro(clause)
	at, _ := mainVerb(tokens(body))
	return at > 0
}

// IsPast reports whether the verb of a statement is clear and in the past tense.
func IsPast(clause string) bool {
	_, body := cutIntro(clause)
	toks := tokens(body)
	at, v := mainVerb(toks)
	return at > 0 && (v.form == pastForm || toks[at].low == "was" || toks[at].low == "were" || toks[at].low == "had")
}

// supportVerb returns the form of do that asks for a verb, and the base of the verb.
func supportVerb(form string, v verb) (do, base string) {
	switch {
	case form == "have":
		return "do", "have"
	case form == "has":
		return "does", "have"
	case form == "had":
		return "did", "have"
	case v.form == baseForm:
		return "do", v.base
	case v.form == thirdForm:
		return "does", v.base
	default:
		return "did", v.base
	}
}

func isHave(s string) bool { return s == "have" || s == "has" || s == "had" }

// isPerfect reports whether a participle follows a form of have.
func isPerfect(toks []token) bool {
	for i, t := range toks {
		if i > 1 {
			return false
		}
		if strings.HasSuffix(t.low, "ed") || strings.HasSuffix(t.low, "en") || t.low == "been" || verbs[t.low].form == pastForm {
			return true
		}
	}
	return false
}

// joinsClauses reports whether "and" or "but" joins a second finite verb.
func joinsClauses(toks []token) bool {
	for i, t := range toks {
		if t.low != "and" && t.low != "but" {
			continue
		}
		for _, u := range toks[i+1 : min(i+4, len(toks))] {
			if auxiliaries.Has(u.low) {
				return true
			}
		}
	}
	return false
}

// joinsVerbs reports whether another verb of the same form follows, which would have to change
// with the first one.
func joinsVerbs(toks []token, form verbForm) bool {
	for i, t := range toks {
		if verbs[t.low].form == form && i > 0 && (toks[i-1].low == "and" || toks[i-1].low == "but" || toks[i-1].s == "," || strings.HasSuffix(toks[i-1].low, "ly")) {
			return true
		}
	}
	return false
}

// cutIntro splits an opening phrase with its comma ("In photosynthesis, …") from a clause.
func cutIntro(clause string) (intro, body string) {
	head, rest, ok := strings.Cut(clause, ", ")
	first, _, _ := strings.Cut(head, " ")
	low := strings.ToLower(first)
	if !ok || strings.Count(head, " ") > 11 || !prepositions.Has(low) && low != "when" && low != "while" {
		return "", clause
	}
	return head + ", ", rest
}
