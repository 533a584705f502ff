package english

import (
	"slices"
	"strings"

	"studysharper/app/offline/lexicon"
	"studysharper/app/text"
)

// Invert turns a statement into the part of a question that follows the question word:
// "chlorophyll appears green" becomes "does chlorophyll appear green". It returns false if the
// verb is not clear, or if a second verb would have to change too.
func Invert(clause string, c Casing) (string, bool) {
	clause = strings.TrimRight(clause, ".!… ")
	intro, body := cutIntro(clause)
	toks := tokens(body)
	at := mainVerb(toks)
	if at < 1 || strings.Contains(body, ";") || hasSecondVerb(toks[at+1:]) {
		return "", false
	}
	end := at
	for end > 1 && toks[end-1].tag == adverb {
		end--
	}
	subject, between, rest := c.Lower(span(body, toks, 0, end)), span(body, toks, end, at), span(body, toks, at+1, len(toks))
	front := toks[at].low
	if toks[at].tag == finite || isHave(front) && !isPerfect(toks[at+1:]) {
		var base string
		front, base = supportVerb(toks[at], pluralSubject(toks[:at]))
		rest = strings.TrimSpace(base + " " + rest)
	}
	if between != "" {
		rest = between + " " + rest
	}
	if intro != "" {
		rest += " " + c.Lower(strings.TrimRight(intro, ", "))
	}
	return strings.ReplaceAll(strings.TrimSpace(front+" "+subject+" "+rest), " ,", ","), true
}

// Subject returns the subject of a statement, after an opening phrase; "" if it is not clear.
func Subject(clause string) string {
	_, body := cutIntro(strings.TrimRight(clause, ".!… "))
	subject, _, _ := Split(body)
	return subject
}

// Split splits a statement into its subject and its predicate, which begins with the finite
// verb. It reports false if the verb is not clear.
func Split(clause string) (subject, predicate string, ok bool) {
	clause = strings.TrimRight(clause, ".!… ")
	toks := tokens(clause)
	at := mainVerb(toks)
	if at < 1 {
		return "", "", false
	}
	for at > 1 && toks[at-1].tag == adverb {
		at--
	}
	return span(clause, toks, 0, at), span(clause, toks, at, len(toks)), true
}

// IsStatement reports whether clause has a subject with a clear finite verb.
func IsStatement(clause string) bool {
	_, body := cutIntro(clause)
	return mainVerb(tokens(body)) > 0
}

// HasClause reports whether a sentence has a main clause with a clear subject and verb, perhaps
// after an opening clause or phrase.
func HasClause(s string) bool {
	for range 4 {
		if IsStatement(s) {
			return true
		}
		_, rest, ok := strings.Cut(s, ", ")
		if !ok {
			return false
		}
		s = rest
	}
	return false
}

// IsPast reports whether the verb of a statement is clear and in the past tense.
func IsPast(clause string) bool {
	_, body := cutIntro(clause)
	toks := tokens(body)
	at := mainVerb(toks)
	if at < 1 {
		return false
	}
	t := toks[at]
	return t.tag == finite && t.tense(pluralSubject(toks[:at])) == lexicon.Past || t.low == "was" || t.low == "were" || t.low == "had" || t.low == "did" || t.low == "could"
}

// EndsInPlace reports whether the words before a place only introduce a location: "in the", "throughout".
func EndsInPlace(before string) bool {
	words := strings.Fields(strings.ToLower(before))
	if n := len(words); n > 0 && words[n-1] == "the" {
		words = words[:n-1]
	}
	return len(words) > 0 && slices.Contains([]string{"in", "throughout", "across", "within", "around", "at"}, words[len(words)-1])
}

// EndsInCoordinator reports whether a clause ends in "and", "but" or the like, which connected it to the next one.
func EndsInCoordinator(clause string) bool {
	toks := tokens(clause)
	return len(toks) > 0 && toks[len(toks)-1].tag == coordinator
}

// WithoutContrast returns an answer without the contrast after it: "…, whereas others do not".
func WithoutContrast(answer string) string {
	for _, turn := range []string{", whereas ", ", while ", ", although "} {
		if head, _, ok := strings.Cut(answer, turn); ok && strings.Contains(head, " ") {
			answer = head
		}
	}
	return answer
}

// EndsInParticiple reports whether a clause ends in a participle, to which the following words may belong.
func EndsInParticiple(clause string) bool {
	toks := tokens(clause)
	return len(toks) > 0 && toks[len(toks)-1].tag == participle
}

// IsState reports whether a statement describes a state instead of an event.
func IsState(clause string) bool {
	_, body := cutIntro(clause)
	toks := tokens(body)
	at := mainVerb(toks)
	if at < 1 || !isBe(toks[at].low) {
		return false
	}
	for at++; at < len(toks) && toks[at].tag == adverb; at++ {
	}
	return at == len(toks) || toks[at].tag != participle
}

// supportVerb returns the form of do that a question with the verb needs, and the base of the verb.
func supportVerb(t token, plural bool) (do, base string) {
	switch t.low {
	case "have":
		return "do", "have"
	case "has":
		return "does", "have"
	case "had":
		return "did", "have"
	}
	return map[lexicon.Form]string{lexicon.Base: "do", lexicon.Third: "does", lexicon.Past: "did"}[t.tense(plural)], t.lemma
}

// DropArticle returns a noun phrase inside a sentence without its article.
func DropArticle(phrase string) string {
	if first, rest, ok := strings.Cut(phrase, " "); ok && articles.Has(strings.ToLower(first)) {
		return rest
	}
	return phrase
}

// AgreeArticle fills the gap "____" of a sentence with a term and adapts the "a" or "an" before it.
func AgreeArticle(gapped, term string) string {
	before, after, _ := strings.Cut(gapped, "____")
	if strings.HasSuffix(before, " an ") || before == "An " {
		before = before[:len(before)-2] + " "
	}
	vowel := strings.ContainsAny(strings.ToLower(term[:1]), "aeiou")
	if vowel && (strings.HasSuffix(before, " a ") || before == "A ") {
		before = before[:len(before)-1] + "n "
	}
	return before + term + after
}

// OpensWithModal reports whether a predicate begins with "can", "may" or the like, and so is true of many things.
func OpensWithModal(predicate string) bool {
	return slices.Contains([]string{"can", "could", "may", "might", "will", "would", "should", "must", "cannot"}, text.FirstWord(predicate))
}

// IsQuantified reports whether a phrase names some of many: "some nations", "every opinion".
func IsQuantified(phrase string) bool {
	return quantifiers.Has(strings.ToLower(text.FirstWord(phrase))) || slices.Contains([]string{"every", "various", "certain", "different", "numerous"}, strings.ToLower(text.FirstWord(phrase)))
}

// Qualifies reports whether the name that ends at byte end of a sentence qualifies the noun after it: "the Dred Scott decision".
func Qualifies(s string, end int) bool {
	return slices.ContainsFunc(tokens(s), func(t token) bool { return t.start == end+1 && t.tag == noun && !isName(t) })
}
