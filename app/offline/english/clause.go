package english

import (
	"strings"

	"studysharper/app/offline/lexicon"
)

// isFinite reports whether a token is a finite verb.
func (t token) isFinite() bool { return t.tag == finite || t.tag == auxiliary }

// tense returns which form of its verb a finite token is.
func (t token) tense(plural bool) lexicon.Form {
	switch {
	case t.form&lexicon.Third != 0:
		return lexicon.Third
	case t.form&lexicon.Base != 0 && (plural || t.form&lexicon.Past == 0):
		return lexicon.Base
	default:
		return lexicon.Past
	}
}

// mainVerb returns the index of the finite verb whose subject consists of the words before it, or -1
// if that is not clear.
func mainVerb(toks []token) int {
	if len(toks) == 0 || !opensSubject(toks) {
		return -1
	}
	for i := 1; i < len(toks); i++ {
		switch t := toks[i]; {
		case t.says("(", "[", ","):
			if i = endOfAside(toks, i); i < 0 {
				return -1
			}
		case t.isFinite():
			if agrees(toks, i) && (toks[0].is(pronoun, gerund, determiner) || hasNoun(toks[:i], func(token) bool { return true })) {
				return i
			}
			return -1
		case t.tag == subordinator:
			if i = relativeVerb(toks, i); i < 0 {
				return -1
			}
		case endsSubject(t, toks[i-1]):
			return -1
		}
	}
	return -1
}

// endsSubject reports whether a token that follows another one cannot be part of a subject.
func endsSubject(t, before token) bool {
	switch t.tag {
	case stop:
		return true
	case mark:
		return !strings.ContainsAny(t.s, `"“”'’%`)
	case pronoun:
		return !before.is(coordinator, preposition)
	case baseVerb:
		return !before.is(toTag, adverb)
	default:
		return false
	}
}

// opensSubject reports whether the subject of a sentence can begin with the first token.
func opensSubject(toks []token) bool {
	switch toks[0].tag {
	case determiner, pronoun, noun, adjective, number, gerund:
		return toks[0].low != "there" && toks[0].low != "here"
	case participle:
		return len(toks) > 1 && (toks[1].tag == noun || toks[1].tag == adjective)
	case mark:
		return strings.ContainsAny(toks[0].s, `"“‘'`)
	default:
		return false
	}
}

// maxRelative bounds the tokens from a relative pronoun to its verb.
const maxRelative = 6

// relativeVerb returns the finite verb of the relative clause that begins at i, or -1.
func relativeVerb(toks []token, i int) int {
	if !relatives.Has(toks[i].low) {
		return -1
	}
	for j := i + 1; j < min(len(toks), i+maxRelative); j++ {
		if toks[j].isFinite() {
			return j
		}
		if !toks[j].word {
			return -1
		}
	}
	return -1
}

// agrees reports whether the finite verb at i has the number of the subject before it.
func agrees(toks []token, i int) bool {
	t := toks[i]
	plural := pluralSubject(toks[:i])
	switch {
	case toks[i-1].tag == preposition || toks[i-1].tag == determiner && articles.Has(toks[i-1].low):
		return false
	case t.says("is", "was", "has", "does"):
		return !plural || toks[0].tag == gerund || toks[0].low == "what"
	case t.says("are", "were", "do"):
		return plural || !lexicon.Lookup(headOf(toks[:i])).Known
	case t.tag == auxiliary:
		return true
	case t.form&lexicon.Past != 0:
		return true
	default:
		return plural == (t.form&lexicon.Base != 0)
	}
}

// headOf returns the noun of a subject.
func headOf(subject []token) string {
	head := ""
	for i, t := range subject {
		if i > 0 && (t.tag == preposition || t.tag == mark || t.tag == subordinator || t.tag == participle && subject[i-1].tag == noun) {
			break
		}
		if t.tag == noun {
			head = t.low
		}
	}
	return head
}

// endOfAside returns the last token of the bracket, or of the aside between commas, that
// starts at i; -1 if there is none.
func endOfAside(toks []token, i int) int {
	closer := ","
	switch toks[i].s {
	case "(":
		closer = ")"
	case "[":
		closer = "]"
	}
	if closer == "," && (i+1 == len(toks) || !asides.Has(toks[i+1].low)) {
		return -1
	}
	end := -1
	for j := i + 1; j < len(toks); j++ {
		if toks[j].s != closer {
			continue
		}
		if end = j; closer != "," || j+1 == len(toks) || toks[j+1].isFinite() {
			break // the comma of an enumeration inside the aside is not its end
		}
	}
	return end
}

// hasFiniteVerb reports whether the tokens have a finite verb.
func hasFiniteVerb(toks []token) bool {
	for _, t := range toks {
		if t.isFinite() {
			return true
		}
	}
	return false
}

func isAdverb(low string) bool {
	return strings.HasSuffix(low, "ly") || low == "only" || low == "also" || low == "often" || low == "never" || low == "always"
}

func isHave(s string) bool { return s == "have" || s == "has" || s == "had" }

// isPerfect reports whether a participle follows a form of have.
func isPerfect(toks []token) bool {
	for i, t := range toks {
		if i > 2 || !t.word {
			return false
		}
		if t.tag == participle || t.form&lexicon.Participle != 0 && t.tag != noun {
			return true
		}
		if t.tag != adverb {
			return false
		}
	}
	return false
}

// hasSecondVerb reports whether another finite verb follows that does not belong to a subordinate
// clause.
func hasSecondVerb(toks []token) bool {
	inside := false
	for _, t := range toks {
		switch {
		case t.tag == subordinator:
			inside = true
		case t.isFinite() && !inside:
			return true
		}
	}
	return false
}

// cutIntro splits an opening phrase with its comma ("In photosynthesis, …") from a clause.
func cutIntro(clause string) (intro, body string) {
	first, _, _ := strings.Cut(clause, " ")
	low := strings.ToLower(first)
	if !prepositions.Has(low) && low != "when" && low != "while" {
		return "", clause
	}
	at := 0
	for range 3 {
		comma := strings.Index(clause[at:], ", ")
		if comma < 0 || strings.Count(clause[:at+comma], " ") > 11 {
			break
		}
		if at += comma + 2; mainVerb(tokens(clause[at:])) > 0 {
			return clause[:at], clause[at:]
		}
	}
	head, rest, ok := strings.Cut(clause, ", ")
	if !ok || strings.Count(head, " ") > 11 {
		return "", clause
	}
	return head + ", ", rest
}
