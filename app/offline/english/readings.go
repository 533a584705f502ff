package english

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"studysharper/app/offline/clean"
	"studysharper/app/offline/lexicon"
	"studysharper/app/text"
)

// Costs of readings that are possible but unlikely.
const (
	unlikely = 10
	rare     = 20
)

// disagreement returns the cost of a verb that does not agree with the noun or pronoun before it, or
// follows an article.
func disagreement(toks []token, i int, before, here tag) int32 {
	if here == finite && i > 0 && before == determiner && articles.Has(toks[i-1].low) {
		return rare
	}
	if here == adjective && before == noun && toks[i].form&(lexicon.Participle|lexicon.Gerund) != 0 {
		return unlikely
	}
	if here == finite && i > 0 && (before == noun || before == pronoun) {
		return disagreeing(toks[i].form, Plural(toks[i-1].low), before)
	}
	return 0
}

// disagreeing returns the cost of a verb form after a singular or plural noun or pronoun.
func disagreeing(form lexicon.Form, plural bool, before tag) int32 {
	if form == lexicon.Third && plural || form == lexicon.Base && !plural && before == noun {
		return rare
	}
	return 0
}

func isPossessive(low string) bool {
	return strings.HasSuffix(low, "'s") || strings.HasSuffix(low, "’s") || strings.HasSuffix(low, "s’") || strings.HasSuffix(low, "s'")
}

// closed returns the words whose parts of speech are listed in words.txt.
var closed = sync.OnceValue(closedWords)

func closedWords() map[string][]option {
	m := make(map[string][]option)
	add := func(name string, t tag, cost int32) {
		for w := range lists(name).All() {
			m[w] = append(m[w], option{t, cost})
		}
	}
	// The order is fixed, because it decides between sequences of equal cost.
	add("determiner", determiner, 2)
	add("pronoun", pronoun, 2)
	add("preposition", preposition, 2)
	add("subordinate", subordinator, 2)
	add("relative", subordinator, 2)
	add("coordinator", coordinator, 2)
	add("adverb", adverb, 2)
	add("number", number, 2)
	add("quantifier", determiner, 2)
	add("quantifier", pronoun, 6)
	for w := range auxiliaries.All() {
		m[w] = append(m[w], option{auxiliary, 0})
	}
	for w, c := range map[string]option{"be": {baseVerb, 0}, "been": {participle, 0}, "being": {gerund, 0}, "having": {gerund, 0}, "doing": {gerund, 0}, "to": {toTag, 0}, "more": {adjective, 4}, "most": {adjective, 6},
		"less": {adjective, 4}, "least": {adjective, 6}, "have": {baseVerb, 24}, "do": {baseVerb, 12}, "had": {participle, 12}, "done": {participle, 0}, "will": {noun, 14}, "may": {noun, 25}, "so": {subordinator, 8}, "no": {determiner, 0}} {
		m[w] = append(m[w], c)
	}
	m["that"] = []option{{subordinator, 0}, {pronoun, 20}, {determiner, 22}}
	return m
}

// maxReadings is the maximum number of possible tags of a word.
const maxReadings = 10

// The readings of tokens that have only one.
var (
	asNoun      = []option{{noun, 0}}
	asStop      = []option{{stop, 0}}
	asMark      = []option{{mark, 0}}
	asNumber    = []option{{number, 0}}
	asAuxiliary = []option{{auxiliary, 0}}
)

// readingsOf returns the possible tags of token i; it may append them to buffer, which must be empty.
func readingsOf(toks []token, i int, buffer []option) []option {
	t := &toks[i]
	r, _ := utf8.DecodeRuneInString(t.s)
	switch {
	case clean.IsFormula(r):
		return asNoun
	case !t.word && strings.ContainsRune(".;:?!", r):
		return asStop
	case !t.word:
		return asMark
	case text.IsDigit(r):
		return asNumber
	}
	if c := closedReadings(toks, i); c != nil {
		return c
	}
	if strings.HasSuffix(t.low, "n't") || strings.HasSuffix(t.low, "n’t") {
		return asAuxiliary
	}
	if isPossessive(t.low) || unicode.IsUpper(r) && i > 0 {
		return nameReadings(t, buffer)
	}
	return openReadings(t, buffer)
}

// closedReadings returns the tags of a word whose parts of speech are listed; nil for other words, and
// for a capitalised one inside a sentence.
func closedReadings(toks []token, i int) []option {
	t := toks[i]
	c := closed()[t.low]
	switch {
	case c == nil || t.s != t.low && i > 0 && toks[i-1].word:
		return nil
	case i > 0 && articles.Has(toks[i-1].low) && c[0].tag == subordinator:
		return asNoun // a while loop
	default:
		return c
	}
}

// nameReadings returns the tags of a capitalised word inside a sentence, or of a possessive.
func nameReadings(t *token, out []option) []option {
	if isPossessive(t.low) {
		return asNoun
	}
	var buffer [maxReadings]option
	out = append(out, option{noun, 0})
	for _, c := range openReadings(t, buffer[:0]) {
		if c.tag == adjective {
			out = append(out, option{adjective, 4})
		} else if c.tag != noun && t.s != strings.ToUpper(t.s) {
			out = append(out, option{c.tag, c.cost + rare})
		}
	}
	return out
}

// pluralWeight is the weight of a word as the plural of a noun.
func pluralWeight(low string) int {
	base, ok := strings.CutSuffix(low, "s")
	if !ok {
		return lexicon.Absent
	}
	if stem, ok := strings.CutSuffix(base, "ie"); ok {
		base = stem + "y" // relies
	}
	return lexicon.Lookup(base).Noun
}

// openReadings returns the tags of a noun, verb, adjective or adverb, with costs by their frequency.
func openReadings(t *token, out []option) []option {
	low := t.low
	if at := strings.LastIndexByte(low, '-'); at > 0 && at+1 < len(low) {
		e := lexicon.Lookup(low[at+1:])
		if e.Form&lexicon.Participle != 0 || e.Adjective > e.Noun {
			return append(out, option{adjective, 1}, option{noun, 8})
		}
		return append(out, option{noun, 2}, option{adjective, 3}) // short-term, water-soluble
	}
	e := lexicon.Lookup(low)
	t.lemma, t.form = e.Lemma, e.Form
	if e.Noun == lexicon.Absent && e.Verb >= 0 {
		e.Noun = pluralWeight(low)
	}
	top := max(e.Noun, e.Verb, e.Adjective, e.Adverb)
	add := func(t tag, weight int, fits bool) {
		if fits && weight >= 0 {
			out = append(out, option{t, int32(min(3*(top-weight), 18))}) // a weight is a binary logarithm
		}
	}
	has := func(form lexicon.Form) bool { return e.Form&form != 0 }
	add(noun, e.Noun, true)
	add(adjective, e.Adjective, true)
	add(adverb, e.Adverb, true)
	add(baseVerb, e.Verb, has(lexicon.Base))
	add(finite, e.Verb, has(lexicon.Base|lexicon.Third|lexicon.Past))
	add(participle, e.Verb, has(lexicon.Participle))
	if has(lexicon.Participle|lexicon.Gerund) && e.Adjective == lexicon.Absent {
		out = append(out, option{adjective, 5})
	}
	add(gerund, e.Verb, has(lexicon.Gerund))
	if has(lexicon.Gerund) && e.Noun == lexicon.Absent {
		out = append(out, option{noun, unlikely})
	}
	if len(out) == 0 {
		out = append(out, option{noun, 0})
	}
	return out
}
