// Package english takes English sentences apart: which terms a text defines and how,
// which phrases it is about, whether a sentence stands by itself, and how a statement
// becomes a question. The one idea: it matches word lists and the order of words, in one
// pass, and finds nothing where the form is not clear.
package english

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"studysharper/app/text"
)

// Form says how a Definition's meaning is to be read.
type Form int

// The forms of a meaning.
const (
	Phrase Form = iota // "TERM is MEANING" is a sentence
	Clause             // MEANING is a statement of what the term names
	Parts              // "TERM consists of MEANING" is a sentence
)

// A Definition is a term with what the text says it means.
type Definition struct {
	Term    string // as it stands inside a sentence, without its article
	Article string // "a", "an", "the" or ""
	Plural  bool   // takes "are"
	Past    bool   // the text says "was" or "were"
	Meaning string // no final punctuation; begins as it does inside a sentence
	Form    Form
	Label   bool   // told as "Term: meaning", so that the article is not known
	Source  string // the sentence it was read from

	index  int // of the source among the sentences
	weight int // of two definitions of one term the heavier is kept
}

// Named is the term with its article.
func (d Definition) Named() string { return strings.TrimSpace(d.Article + " " + d.Term) }

// Be is the form of "to be" that the term takes.
func (d Definition) Be() string {
	switch {
	case d.Past && d.Plural:
		return "were"
	case d.Past:
		return "was"
	case d.Plural:
		return "are"
	default:
		return "is"
	}
}

// maxSentences bounds how many sentences are searched for definitions and ranked.
const maxSentences = 2000

// Definitions gives the terms that s defines, in the order of the text and each
// term once (and once more where its parts are told). English only: from other
// text it finds "Term: meaning" lines. Only the first 2000 sentences are read.
func Definitions(s string) []Definition { return DefinitionsIn(text.Sentences(s)) }

// DefinitionsIn is Definitions over sentences as Sentences gives them, without
// headings for the best result.
func DefinitionsIn(sentences []string) []Definition {
	sentences = sentences[:min(len(sentences), maxSentences)]
	d := definer{sentences: sentences, casing: NewCasing(sentences), pairs: make(map[string]int), at: make(map[string]int)}
	for _, s := range sentences {
		words := text.Words(s)
		for i := 1; i < len(words); i++ {
			d.pairs[text.Stem(words[i-1])+" "+text.Stem(words[i])]++
		}
	}
	for i, s := range sentences {
		if toks := tokens(s); len(toks) > 2 && !IsCredit(s) {
			d.read(&reading{i: i, s: s, toks: toks})
		}
	}
	slices.SortStableFunc(d.found, func(a, b Definition) int { return a.index - b.index })
	return d.found
}

// IsCredit reports whether a line or paragraph tells of a text's origin, not its
// subject ("Source: …", "Copyright: …").
func IsCredit(line string) bool {
	label, _, ok := strings.Cut(line, ":")
	return ok && credits.Has(strings.ToLower(label)) || strings.HasPrefix(line, "©")
}

// A definer collects the definitions of a text.
type definer struct {
	sentences []string
	casing    Casing
	pairs     map[string]int // how often two stems stand side by side
	found     []Definition
	at        map[string]int // key of a term to its place in found
}

// A reading is one sentence being read.
type reading struct {
	i    int
	s    string
	toks []token
}

func (r *reading) span(i, j int) string { return span(r.s, r.toks, i, j) }

func (r *reading) low(i int) string {
	if i < 0 || i >= len(r.toks) {
		return ""
	}
	return r.toks[i].low
}

// A name is a term found at a place of a sentence.
type name struct {
	text, article string
	end           int // the token behind it
}

// add keeps a definition when term and meaning stand up to a look.
func (d *definer) add(r *reading, n name, meaning string, def Definition) {
	meaning, whole := d.resolve(r, strings.TrimSpace(strings.Trim(meaning, ",;:. ")))
	if !d.soundTerm(n.text) || !whole || !soundMeaning(n.text, meaning, def.Form) {
		return
	}
	def.Term, def.Article, def.Source, def.index = n.text, n.article, r.s, r.i
	def.Meaning = d.casing.Lower(meaning)
	if n.article == "" && r.toks[0].start == strings.Index(r.s, n.text) {
		def.Term = d.casing.Lower(n.text)
	}
	if def.weight < 5 {
		def.Plural = Plural(def.Term)
	}
	if strings.ContainsAny(meaning, `"“(`) {
		def.weight--
	}
	key := stemmed(def.Term)
	if def.Form == Parts {
		key += "#"
	}
	if at, ok := d.at[key]; !ok {
		d.at[key] = len(d.found)
		d.found = append(d.found, def)
	} else if d.found[at].weight < def.weight {
		d.found[at] = def
	}
}

// stemmed is a term's words by their stems, the same for its inflections.
func stemmed(term string) string {
	var b strings.Builder
	text.EachWord(term, func(w string) {
		b.WriteString(text.Stem(w))
		b.WriteByte(' ')
	})
	return b.String()
}

// soundTerm reports whether s can be the name of a thing.
func (d *definer) soundTerm(s string) bool {
	words := strings.Fields(strings.ToLower(s))
	if len(words) == 0 || len(words) > 6 || len(s) > maxTermBytes || len(text.Words(s)) == 0 || strings.ContainsAny(s, `()[]{}<>;=|"`) {
		return false
	}
	if !strings.ContainsFunc(s, unicode.IsLetter) || text.IsDigit(rune(s[0])) || months.Has(words[0]) || anaphora.Has(words[0]) || determiners.Has(words[0]) {
		return false
	}
	last := words[len(words)-1]
	if vague.Has(words[0]) && !proper(s) || len(words) == 1 && stopWords.Has(last) || prepositions.Has(last) || last == "and" {
		return false
	}
	for _, w := range words {
		if auxiliaries.Has(w) || relatives.Has(w) || w == "or" {
			return false
		}
	}
	return true
}

// maxTermBytes bounds a term.
const maxTermBytes = 100

// proper reports whether the last word of a term is capitalised, as in a name.
func proper(term string) bool {
	r, _ := utf8.DecodeRuneInString(term[strings.LastIndexByte(term, ' ')+1:])
	return unicode.IsUpper(r)
}

// maxMeaningWords bounds a meaning; what is longer is no answer to learn.
const maxMeaningWords = 45

// soundMeaning reports whether s says something about term that term does not.
func soundMeaning(term, s string, form Form) bool {
	words := strings.Fields(strings.ToLower(s))
	if len(words) < 2 || len(words) > maxMeaningWords || len(text.Words(s)) < 2 && form != Phrase || len(text.Words(s)) < 1 {
		return false
	}
	for _, w := range words[:min(3, len(words))] {
		if form == Phrase && comparatives.Has(w) {
			return false
		}
	}
	for _, empty := range []string{"a number of", "a lot of", "an example", "a matter", "the case", "the reason", "the result", "the following", "a result", "a problem", "a good", "a great", "a very", "the focus", "not"} {
		if strings.HasPrefix(strings.Join(words, " ")+" ", empty+" ") {
			return false
		}
	}
	return !strings.Contains(" "+stemmed(s), " "+stemmed(term))
}

// resolve puts a name in place of a pronoun that points out of the meaning; it
// reports false where it cannot.
func (d *definer) resolve(r *reading, meaning string) (string, bool) {
	toks := tokens(meaning)
	plural, noun := false, false
	for i, t := range toks {
		switch t.low {
		case "this", "these":
			if i+1 == len(toks) {
				return "", false
			}
			full := d.antecedent(r, toks[i+1].low)
			if full == "" {
				return "", false
			}
			return meaning[:t.start] + full + meaning[toks[i+1].end:], true
		case "it":
			if each := eachSubject(r); each != "" {
				return meaning[:t.start] + each + meaning[t.end:], true
			}
			if !noun {
				return "", false
			}
		case "they", "them", "their", "those":
			if !plural && t.low != "those" {
				return "", false
			}
		case "he", "she", "we", "you", "i", "his", "her", "its":
			if !noun {
				return "", false
			}
		default:
			plural, noun = plural || Plural(t.low), noun || t.word && !stopWords.Has(t.low)
		}
	}
	return meaning, true
}

// eachSubject is the subject of a sentence like "Each type of pigment can …".
func eachSubject(r *reading) string {
	if first := r.low(0); first != "each" && first != "every" {
		return ""
	}
	at, _ := mainVerb(r.toks)
	if at < 2 || at > 6 {
		return ""
	}
	return strings.ToLower(r.s[:1]) + r.s[1:r.toks[at-1].end]
}

// antecedent is the noun phrase around the last mention of noun before "this
// noun", in the same sentence or the one before.
func (d *definer) antecedent(r *reading, noun string) string {
	sources := []string{r.s}
	if r.i > 0 {
		sources = append(sources, d.sentences[r.i-1])
	}
	for _, s := range sources {
		toks := tokens(s)
		for i := 1; i < len(toks); i++ {
			if text.Stem(toks[i].low) == text.Stem(noun) && !anaphora.Has(toks[i-1].low) {
				return d.casing.Lower(s[toks[phraseStart(toks, i)].start:toks[phraseEnd(toks, i)-1].end])
			}
		}
	}
	return ""
}

// phraseStart walks from a noun back over its adjectives to its article.
func phraseStart(toks []token, i int) int {
	for i > 0 && toks[i-1].word && verbs[toks[i-1].low].base == "" && (!stopWords.Has(toks[i-1].low) || articles.Has(toks[i-1].low)) {
		i--
		if articles.Has(toks[i].low) {
			break
		}
	}
	return i
}

// phraseEnd walks from a noun over the "of …" behind it.
func phraseEnd(toks []token, i int) int {
	end := i + 1
	if end >= len(toks) || toks[end].low != "of" {
		return end
	}
	for end < len(toks) && toks[end].word && end < i+9 && !relatives.Has(toks[end].low) && !auxiliaries.Has(toks[end].low) {
		end++
	}
	return end
}
