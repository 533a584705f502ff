package english

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"studysharper/app/text"
)

// Keyphrases returns up to n terms that s is about, the heaviest first, as they read inside a
// sentence: runs of content words, weighed by their frequency and their number of words. It
// reads the first 2000 sentences. In scripts without spaces it returns runs of two to six
// characters between particles.
func Keyphrases(s string, n int) []string {
	var body []string
	for _, sec := range text.Sections(s) {
		for _, p := range sec.Paragraphs {
			if !IsCredit(p) {
				body = append(body, text.SentencesOf(p)...)
			}
		}
	}
	return KeyphrasesIn(body, n)
}

// KeyphrasesIn is Keyphrases for sentences without headings.
func KeyphrasesIn(sentences []string, n int) []string {
	sentences = sentences[:min(len(sentences), maxSentences)]
	t := tally{at: make(map[string]int), casing: NewCasing(sentences)}
	t.foreign = !ReadsEnglish(sentences)
	for _, s := range sentences {
		t.countSentence(s)
	}
	return t.bestPhrases(n)
}

// A candidate is a phrase being weighed.
type candidate struct {
	surface string
	words   int
	alone   int // times it stood as a whole run
	within  int // times it ended a longer run
}

func (c candidate) score() float64 {
	whole := float64(c.alone) + 0.3*float64(c.within)
	if c.words > 1 {
		whole = float64(c.alone) + 0.7*float64(c.within)
	}
	return whole * (1 + 0.6*float64(c.words-1))
}

// A tally counts candidates, in the order they were first seen.
type tally struct {
	list   []candidate
	at     map[string]int
	casing Casing

	foreign bool // not English: its function words are unknown, so only single words are counted
}

// ReadsEnglish reports whether a fair share of the words in the first forty sentences are
// English function words.
func ReadsEnglish(sentences []string) bool {
	words, known := 0, 0
	for _, s := range sentences[:min(len(sentences), 40)] {
		for w := range strings.FieldsSeq(s) {
			words++
			if w = strings.ToLower(w); prepositions.Has(w) || articles.Has(w) || auxiliaries.Has(w) || w == "and" {
				known++
			}
		}
	}
	return known*8 >= words
}

// maxPhraseWords bounds a key phrase.
const maxPhraseWords = 4

// countSentence counts the runs of content words in s.
func (t *tally) countSentence(s string) {
	toks := tokens(s)
	start := -1
	for i := 0; i <= len(toks); i++ {
		if i < len(toks) && canBeTerm(toks, i) && (start < 0 || toks[i].start == toks[i-1].end+1 || text.IsUnspaced(toks[i].s)) {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			t.countRun(s, toks, start, i)
			start = -1
			if i < len(toks) && canBeTerm(toks, i) {
				start = i
			}
		}
	}
}

// canBeTerm reports whether token i can be part of a term.
func canBeTerm(toks []token, i int) bool {
	t := toks[i]
	if !isNameable(t) {
		return false
	}
	if text.IsUnspaced(t.s) {
		return !strings.Contains(particles, t.s)
	}
	v, isVerb := verbs[t.low]
	if !isVerb && strings.HasSuffix(t.low, "ed") && t.s == t.low && (i == 0 || !determiners.Has(toks[i-1].low)) {
		return false
	}
	if !isVerb {
		base := strings.TrimSuffix(t.low, "ing")
		return base == t.low || verbs[base].base == "" && verbs[base+"e"].base == "" || i > 0 && canBeTerm(toks[:i], i-1)
	}
	if v.form == pastForm || i == 0 {
		return false
	}
	if _, ok := agreesWithSubject(toks, i); ok || v.form == baseForm && Plural(toks[i-1].low) {
		return false
	}
	return toks[i-1].low != "to" && !auxiliaries.Has(toks[i-1].low) && !personal.Has(toks[i-1].low) && toks[i-1].low != "and" && toks[i-1].low != ","
}

// isNameable reports whether a token can be part of a term, whatever its position.
func isNameable(t token) bool {
	return t.word && len(t.s) <= maxTermBytes/2 && !strings.ContainsAny(t.s, "'’") && text.IsContent(t.low) &&
		!comparatives.Has(t.low) && !text.IsDigit(rune(t.s[0])) && !strings.HasSuffix(t.low, "ly")
}

// particles of Chinese and Japanese, which separate terms.
const particles = "的是在把为和了与及或也都而将被从对于以之其这那有中上下不就会能可着过又很更最并等个种一はがをにのでとへもやかなられたすまし"

// countRun counts a run of content words, and every shorter phrase at its end, where the noun
// is.
func (t *tally) countRun(s string, toks []token, i, j int) {
	if text.IsUnspaced(toks[i].s) {
		if j-i >= 2 && j-i <= 6 {
			t.countPhrase(span(s, toks, i, j), s, 2, true)
		}
		return
	}
	if t.foreign {
		for ; i < j; i++ {
			if utf8.RuneCountInString(toks[i].s) > 3 {
				t.countPhrase(toks[i].s, s, 1, true)
			}
		}
		return
	}
	longest := max(i, j-maxPhraseWords)
	for start := longest; start < j; start++ {
		t.countPhrase(span(s, toks, start, j), s, j-start, start == longest)
	}
}

func (t *tally) countPhrase(phrase, sentence string, words int, whole bool) {
	key := stemTerm(phrase)
	at, ok := t.at[key]
	if !ok {
		at = len(t.list)
		t.at[key] = at
		if strings.HasPrefix(sentence, phrase) {
			phrase = t.casing.Lower(phrase)
		}
		t.list = append(t.list, candidate{surface: phrase, words: words})
	}
	if whole {
		t.list[at].alone++
	} else {
		t.list[at].within++
	}
}

// bestPhrases returns the n heaviest candidates. A phrase that occurs only inside a longer one
// gives way to it.
func (t *tally) bestPhrases(n int) []string {
	order := make([]int, 0, len(t.list))
	for i, c := range t.list {
		if c.alone > 0 && !(c.words == 1 && (vague.Has(c.surface) || len(c.surface) < 3)) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(t.list[b].score(), t.list[a].score()) })
	out := make([]string, 0, max(0, min(n, len(order))))
	for _, i := range order[:cap(out)] {
		out = append(out, t.list[i].surface)
	}
	return out
}
