// Package english analyses English sentences: it finds definitions and key phrases, checks
// whether a sentence can be understood without its context, and turns statements into
// questions. Its main idea: it matches word lists and word order in one pass, and
// returns nothing if the form is not clear.
package english

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"studysharper/app/text"
)

// Form is the grammatical form of a Definition's meaning.
type Form int

// The forms of a meaning.
const (
	Phrase Form = iota // "TERM is MEANING" is a sentence
	Clause             // MEANING is a sentence that describes the term
	Parts              // "TERM consists of MEANING" is a sentence
)

// A Definition is a term with its meaning in the text.
type Definition struct {
	Term       string // as inside a sentence, without its article
	Article    string // "a", "an", "the" or ""
	Plural     bool   // takes "are"
	Past       bool   // the text says "was" or "were"
	Meaning    string // without final punctuation; begins as inside a sentence
	Form       Form
	Introduced bool   // the text says "called", "known as" or the like
	Label      bool   // given as "Term: meaning", so that the article is unknown
	Source     string // the sentence it was read from

	index  int // of the source among the sentences
	first  int // position of the text's first definition of the term: 10,000 times the sentence, plus the definition's number in it
	weight int // of two definitions of one term, the heavier is kept; if they are equal, the first
}

// Named returns the term with its article.
func (d Definition) Named() string { return strings.TrimSpace(d.Article + " " + d.Term) }

// Be returns the form of "to be" for the term.
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

// maxSentences bounds the sentences that are searched for definitions and ranked.
const maxSentences = 2000

// A Definer finds the terms that the sentences of a text define. The result does not depend on the order of reading. It supports
// only English: in other languages it finds "Term: meaning" lines. Leave headings out for the best result.
type Definer struct {
	sentences []string
	casing    Casing
	read      []bool
	found     []Definition
	at        map[string]int // key of a term to its index in found
}

// NewDefiner makes a Definer of sentences, as text.Sentences returns them, whose casing is c.
func NewDefiner(sentences []string, c Casing) *Definer {
	sentences = sentences[:min(len(sentences), maxSentences)]
	return &Definer{sentences: sentences, casing: c, read: make([]bool, len(sentences)), at: make(map[string]int)}
}

// Read finds the definitions in sentence i and returns their terms.
func (d *Definer) Read(i int) (terms []string) {
	if i >= len(d.read) || d.read[i] {
		return nil
	}
	d.read[i] = true
	s := d.sentences[i]
	r := &reading{i: i, s: s, toks: tokens(s)}
	if len(r.toks) > 2 && !IsCredit(s) {
		d.readSentence(r)
	}
	return r.terms
}

// Definitions returns the definitions of the sentences that were read, in the order of the text, one for each term (two if
// its parts are listed too). It is only sure to be the best one if all sentences that define the term were read.
func (d *Definer) Definitions() []Definition {
	list := slices.Clone(d.found)
	slices.SortFunc(list, func(a, b Definition) int { return cmp.Or(a.index-b.index, a.first-b.first) })
	return list
}

// DefinitionsIn returns the definitions of all sentences, whose casing is c.
func DefinitionsIn(sentences []string, c Casing) []Definition {
	d := NewDefiner(sentences, c)
	for i := range d.sentences {
		d.Read(i)
	}
	return d.Definitions()
}

// IsCredit reports whether a line or paragraph names the origin of a text ("Source: …",
// "Copyright: …").
func IsCredit(line string) bool {
	label, _, ok := strings.Cut(line, ":")
	return ok && credits.Has(strings.ToLower(label)) || strings.HasPrefix(line, "©")
}

// A reading is a sentence with its tokens.
type reading struct {
	i    int
	s    string
	toks []token

	terms []string // the terms found in it
}

func (r *reading) span(i, j int) string { return span(r.s, r.toks, i, j) }

func (r *reading) low(i int) string {
	if i < 0 || i >= len(r.toks) {
		return ""
	}
	return r.toks[i].low
}

// A name is a term at a position in a sentence.
type name struct {
	text, article string
	end           int // the token after it
}

// addDefinition adds a definition if its term and meaning are sound.
func (d *Definer) addDefinition(r *reading, n name, meaning string, def Definition) {
	meaning, whole := d.resolvePronouns(r, strings.TrimSpace(strings.Trim(meaning, ",;:. ")))
	if !d.isSoundTerm(n.text) || !whole || !isSoundMeaning(n.text, meaning, def.Form) {
		return
	}
	def.Term, def.Article, def.Source, def.index = n.text, n.article, r.s, r.i
	def.Meaning = d.casing.Lower(meaning)
	if n.article == "" && r.toks[0].start == strings.Index(r.s, n.text) {
		def.Term = d.casing.Lower(n.text)
	}
	if def.weight < 5 {
		def.Plural = Plural(def.Term) && n.article != "a" && n.article != "an"
	}
	def.Introduced = def.weight != 5 && def.Form != Parts
	if strings.ContainsAny(meaning, `"“(`) {
		def.weight--
	}
	key := stemTerm(def.Term)
	if def.Form == Parts {
		key += "#"
	}
	def.first = 10_000*r.i + len(r.terms)
	r.terms = append(r.terms, def.Term)
	at, ok := d.at[key]
	if !ok {
		d.at[key] = len(d.found)
		d.found = append(d.found, def)
		return
	}
	first := min(def.first, d.found[at].first)
	if known := d.found[at]; known.weight < def.weight || known.weight == def.weight && known.index > def.index {
		d.found[at] = def
	}
	d.found[at].first = first
}

// stemTerm returns the stems of a term's words, which all inflections have in common.
func stemTerm(term string) string {
	var b strings.Builder
	text.EachWord(term, func(w string) {
		b.WriteString(text.Stem(w))
		b.WriteByte(' ')
	})
	return b.String()
}

// isSoundTerm reports whether s can be the name of a thing.
func (d *Definer) isSoundTerm(s string) bool {
	words := strings.Fields(strings.ToLower(s))
	if len(words) == 0 || len(words) > 6 || len(s) > maxTermBytes || len(text.Words(s)) == 0 || strings.ContainsAny(s, `()[]{}<>;=|"`) {
		return false
	}
	if !strings.ContainsFunc(s, unicode.IsLetter) || text.IsDigit(rune(s[0])) || vague.Has(words[0]) && !isProper(s) {
		return false
	}
	return soundEnds(words) && !slices.ContainsFunc(words, func(w string) bool { return w == "or" || isIn(w, auxiliaries, relatives) })
}

// soundEnds reports whether the first and last of these words can be part of a term.
func soundEnds(words []string) bool {
	first, last := words[0], words[len(words)-1]
	return !isIn(first, months, anaphora, determiners, subordinates, prepositions) && !prepositions.Has(last) && last != "and" && (len(words) > 1 || !stopWords.Has(last))
}

// isIn reports whether a word is in one of the lists.
func isIn(word string, lists ...text.WordList) bool {
	return slices.ContainsFunc(lists, func(l text.WordList) bool { return l.Has(word) })
}

// maxTermBytes bounds a term.
const maxTermBytes = 100

// isProper reports whether the last word of a term is capitalised, as in a name.
func isProper(term string) bool {
	r, _ := utf8.DecodeRuneInString(term[strings.LastIndexByte(term, ' ')+1:])
	return unicode.IsUpper(r)
}

// maxMeaningWords bounds a meaning: a longer one cannot be memorised.
const maxMeaningWords = 45

// isSoundMeaning reports whether s adds information to term.
func isSoundMeaning(term, s string, form Form) bool {
	words := strings.Fields(strings.ToLower(s))
	if len(words) < 2 || len(words) > maxMeaningWords || len(text.Words(s)) < 2 && form != Phrase || len(text.Words(s)) < 1 {
		return false
	}
	if form == Phrase && (subordinates.Has(words[0]) || !OpensNounPhrase(s)) {
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
	return !strings.Contains(" "+stemTerm(s), " "+stemTerm(term))
}
