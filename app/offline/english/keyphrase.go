package english

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"studysharper/app/offline/clean"
	"studysharper/app/offline/language"
	"studysharper/app/text"
)

// KeyphrasesIn returns up to n key terms of sentences in a language, the heaviest first, as written inside a
// sentence: runs of content words, weighted by their frequency and their number of words. It reads the first 2000
// sentences, whose casing is c; leave headings out. In scripts without spaces it returns runs of two to six characters between particles.
func KeyphrasesIn(sentences []string, n int, l *language.Language, c Casing) []string {
	sentences = sentences[:min(len(sentences), maxSentences)]
	t := tally{at: make(map[string]int), casing: c}
	if l != language.English {
		t.foreign = l
	}
	for _, s := range sentences {
		t.countSentence(s)
	}
	return t.bestPhrases(n)
}

// A candidate is a phrase with its counts.
type candidate struct {
	surface string
	words   int
	alone   int // times it was a whole run
	within  int // times it ended a longer run
}

func (c candidate) score() float64 {
	whole := float64(c.alone) + 0.3*float64(c.within)
	if c.words > 1 {
		whole = float64(c.alone) + 0.7*float64(c.within)
	}
	return whole * (1 + 0.6*float64(c.words-1))
}

// A tally counts candidates, in the order of their first occurrence.
type tally struct {
	list   []candidate
	at     map[string]int
	casing Casing

	foreign *language.Language // not English: only single words are counted; nil for English
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
	if t.low == "called" || t.low == "named" || t.low == "termed" {
		return false
	}
	if r, _ := utf8.DecodeRuneInString(t.s); !isNameable(t) || clean.IsFormula(r) {
		return false
	}
	if text.IsUnspaced(t.s) {
		return !strings.Contains(particles, t.s)
	}
	switch t.tag {
	case noun:
		return true
	case adjective, participle, gerund, number:
		return t.tag == adjective || i+1 < len(toks) && toks[i+1].tag == noun && (i == 0 || toks[i-1].tag != auxiliary)
	default:
		return false
	}
}

// isNameable reports whether a token can be part of a term, whatever its position.
func isNameable(t token) bool {
	return t.word && len(t.s) <= maxTermBytes/2 && !strings.ContainsAny(t.s, "'’") && text.IsContent(t.low) &&
		!comparatives.Has(t.low) && !text.IsDigit(rune(t.s[0])) && !strings.HasSuffix(t.low, "ly")
}

// particles of Chinese and Japanese, which separate terms.
const particles = "的是在把为和了与及或也都而将被从对于以之其这那有中上下不就会能可着过又很更最并等个种一はがをにのでとへもやかなられたすまし"

// IsWholeRun reports whether s[i:j], in a script without spaces, is between particles, punctuation or
// the ends of s.
func IsWholeRun(s string, i, j int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[j:])
	border := func(r rune) bool { return !text.IsUnspaced(string(r)) || strings.ContainsRune(particles, r) }
	return border(before) && border(after)
}

// countRun counts a run of content words, and every shorter phrase at its end, because the noun
// is there.
func (t *tally) countRun(s string, toks []token, i, j int) {
	if text.IsUnspaced(toks[i].s) {
		if j-i >= 2 && j-i <= 6 {
			t.countPhrase(span(s, toks, i, j), s, 2, true)
		}
		return
	}
	if t.foreign != nil {
		for ; i < j; i++ {
			t.countForeign(s, toks, i)
		}
		return
	}
	longest := max(i, j-maxPhraseWords)
	for start := longest; start < j; start++ {
		t.countPhrase(span(s, toks, start, j), s, j-start, start == longest)
	}
}

// countForeign counts a word of another language if it can be a noun.
func (t *tally) countForeign(s string, toks []token, i int) {
	before := ""
	if i > 0 && toks[i-1].word {
		before = toks[i-1].s
	}
	word := toks[i].s
	if l := t.foreign; l.KnowsNouns() && l.IsNoun(word, before) || !l.KnowsNouns() && utf8.RuneCountInString(word) > 3 && !l.IsFrequent(toks[i].low) {
		t.countPhrase(word, s, 1, true)
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

// bestPhrases returns the n heaviest candidates. It leaves out phrases that occur only inside a
// longer one.
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

// NounPhrases returns the noun phrases of a sentence without their articles, in order: runs of
// adjectives and nouns that end in a noun.
func NounPhrases(s string) []string {
	toks := tokens(s)
	var out []string
	for i := 0; i < len(toks); {
		if !canBeTerm(toks, i) {
			i++
			continue
		}
		start := i
		for i < len(toks) && canBeTerm(toks, i) && (i == start || toks[i].start == toks[i-1].end+1) {
			i++
		}
		end := i
		for end > start && toks[end-1].tag != noun {
			end--
		}
		if end > start {
			out = append(out, span(s, toks, start, end))
		}
	}
	return out
}
